"""tfvae-reconstruct: texts, or other items, as the decoder sees them."""

import json
from collections.abc import Iterator, Sequence

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import (
    check_output,
    decoding_from_flags,
    define_decoding_flags,
    define_model_flags,
    define_output_flag,
    define_text_flags,
    items_from_flags,
    model_from_flags,
    print_items,
)

SUMMARY = "Encodes texts, or images, and shows what the decoder makes of the mode of each posterior."
_NUM = 5
_COLUMNS = 10  # images beside each other


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _reconstruct)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    define_text_flags(values)
    formats = "text: the text, and its reconstruction below it; jsonl: both as an object a line."
    flags.DEFINE_enum("format", "text", ["text", "jsonl"], formats, flag_values=values)
    define_output_flag(values)
    define_decoding_flags(values, "greedy")


def _reconstruct(values: flags.FlagValues) -> None:
    decoding = decoding_from_flags(values, "greedy")
    model, run = model_from_flags(values)
    check_output(values, model.modality)
    items = items_from_flags(values, run, model.modality, _NUM)
    made = model.reconstruct(items, seed=values.seed, **decoding)
    lines = _lines(items, made, values.format)
    print_items(values, run, model.modality, "reconstructed", lines, lambda: _in_rows(np.asarray(items), np.asarray(made)))


def _in_rows(items: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, int]:
    """A row of items, a row of what was made of them, and so on, the rest of a row blank; and how many are in a row."""
    columns = min(_COLUMNS, len(items))
    blank = np.zeros([-len(items) % columns, *items.shape[1:]], items.dtype)
    rows = [np.split(np.concatenate([some, blank]), range(columns, len(items), columns)) for some in (items, made)]
    return np.concatenate([row for pair in zip(*rows, strict=True) for row in pair]), columns


def _lines(texts: Sequence[str], made: Sequence[str], form: str) -> Iterator[str]:
    for text, written in zip(texts, made, strict=True):
        if form == "jsonl":
            yield json.dumps({"text": text, "reconstruction": written}, ensure_ascii=False)
        else:
            yield f"{text}\n  {written}"


if __name__ == "__main__":
    main()
