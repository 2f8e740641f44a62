"""tfvae-generate: sentences, or other items, from the prior, or from chosen components of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import (
    check_output,
    decoding_from_flags,
    define_decoding_flags,
    define_model_flags,
    define_output_flag,
    model_from_flags,
    print_items,
)
from tfvae.errors import UserError

if TYPE_CHECKING:
    from tfvae.models.model import Model
    from tfvae.models.topics import Topics


_COLUMNS = 10  # images beside each other
SUMMARY = "Generates sentences, or images, from the prior of a trained model, or from components of it."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _generate)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_integer("num", 10, "Sentences, or images.", lower_bound=1, flag_values=values)
    component = "Holds variable j at component k, written j:k, or by its name; may be given several times. The other variables are free."
    flags.DEFINE_multi_string("component", [], component, flag_values=values)
    flags.DEFINE_enum("format", "text", ["text", "jsonl"], "text: a sentence a line; jsonl: with its codes.", flag_values=values)
    define_output_flag(values)
    define_decoding_flags(values, "sample")


def _generate(values: flags.FlagValues) -> None:
    model, run = model_from_flags(values)
    decoding = decoding_from_flags(values, model.decoding().method)
    check_output(values, model.modality)
    held = _held(values.component, model)
    items, codes = model.generate(values.num, component=held, seed=values.seed, **decoding)
    lines = _lines(items, codes, values.format, topics=model.topics if model.vae.latent.has_codes else None)
    print_items(values, run, model.modality, "generated", lines, lambda: (np.asarray(items), _COLUMNS))


def _lines(texts: Sequence[str], codes: np.ndarray, form: str, *, topics: Topics | None) -> Iterator[str]:
    for text, code in zip(texts, codes.tolist(), strict=True):
        line = {"text": text} if topics is None else {"text": text, "codes": code, **topics.named(code)}
        yield json.dumps(line, ensure_ascii=False) if form == "jsonl" else text


def _held(written: list[str], model: Model) -> np.ndarray | None:
    try:
        return model.held(written)[0] if written else None
    except UserError as error:
        raise UserError(f"--component={error}" if model.vae.latent.has_codes else f"--component: {error}") from None


if __name__ == "__main__":
    main()
