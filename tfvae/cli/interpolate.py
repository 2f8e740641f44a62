"""tfvae-interpolate: sentences on the way from one text to another."""

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import decoding_from_flags, define_decoding_flags, define_model_flags, model_from_flags, sentences_of_test_split
from tfvae.errors import UserError

SUMMARY = "Prints sentences on the way from one text to another: straight, or along the sphere where the latent space is one."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _interpolate)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_string("start", "", "The first text (default: the first sentence of the corpus's test split).", flag_values=values)
    flags.DEFINE_string("end", "", "The last text (default: the second sentence of the corpus's test split).", flag_values=values)
    flags.DEFINE_integer("num", 7, "Sentences, the reconstructions of both ends included.", lower_bound=2, flag_values=values)
    define_decoding_flags(values, "greedy")


def _interpolate(values: flags.FlagValues) -> None:
    decoding = decoding_from_flags(values)
    if bool(values.start) != bool(values.end):
        raise UserError("--start and --end belong together: give both, or neither for two sentences of the corpus")
    model, run = model_from_flags(values)
    ends = [values.start, values.end] if values.start else sentences_of_test_split(run)[:2]
    if len(ends) < 2:
        raise UserError("the corpus's test split has one sentence only: give --start and --end")
    start, end = ends
    print(start)
    for text in model.interpolate(start, end, values.num, seed=values.seed, **decoding):
        print(f"  {text}")
    print(end)


if __name__ == "__main__":
    main()
