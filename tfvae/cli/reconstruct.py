"""tfvae-reconstruct: texts as the decoder sees them."""

import json

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import (
    decoding_from_flags,
    define_decoding_flags,
    define_model_flags,
    define_text_flags,
    model_from_flags,
    texts_from_flags,
)

SUMMARY = "Encodes texts and prints what the decoder makes of the mode of each posterior."
_NUM = 5


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _reconstruct)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    define_text_flags(values)
    formats = "text: the text, and its reconstruction below it; jsonl: both as an object a line."
    flags.DEFINE_enum("format", "text", ["text", "jsonl"], formats, flag_values=values)
    define_decoding_flags(values, "greedy")


def _reconstruct(values: flags.FlagValues) -> None:
    decoding = decoding_from_flags(values)
    model, run = model_from_flags(values)
    texts = texts_from_flags(values, run, _NUM)
    for text, made in zip(texts, model.reconstruct(texts, seed=values.seed, **decoding), strict=True):
        if values.format == "jsonl":
            print(json.dumps({"text": text, "reconstruction": made}, ensure_ascii=False))
        else:
            print(f"{text}\n  {made}")


if __name__ == "__main__":
    main()
