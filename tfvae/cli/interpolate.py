"""tfvae-interpolate: sentences, or other items, on the way from one to another."""

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import (
    check_output,
    decoding_from_flags,
    define_decoding_flags,
    define_model_flags,
    define_output_flag,
    items_of_test_split,
    model_from_flags,
    print_items,
)
from tfvae.errors import UserError

SUMMARY = "Shows sentences, or images, on the way from one to another: straight, or along the sphere where the latent space is one."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _interpolate)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_string("start", "", "The first text (default: the first sentence of the corpus's test split).", flag_values=values)
    flags.DEFINE_string("end", "", "The last text (default: the second sentence of the corpus's test split).", flag_values=values)
    flags.DEFINE_integer("num", 7, "Sentences, the reconstructions of both ends included.", lower_bound=2, flag_values=values)
    define_output_flag(values)
    define_decoding_flags(values, "greedy")


def _interpolate(values: flags.FlagValues) -> None:
    decoding = decoding_from_flags(values, "greedy")
    if bool(values.start) != bool(values.end):
        raise UserError("--start and --end belong together: give both, or neither for two sentences of the corpus")
    model, run = model_from_flags(values)
    modality = model.modality
    check_output(values, modality)
    ends = modality.of_texts([values.start, values.end]) if values.start else items_of_test_split(run)[:2]
    if len(ends) < 2:
        raise UserError(f"the corpus's test split has one {modality.item} only: give --start and --end")
    start, end = ends
    made = model.interpolate(start, end, values.num, seed=values.seed, **decoding)
    lines = (start, *(f"  {text}" for text in made), end)
    print_items(values, run, modality, "interpolated", lines, lambda: (np.array([start, *made, end]), len(made) + 2))


if __name__ == "__main__":
    main()
