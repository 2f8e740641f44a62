"""tfvae-report: writes a page about a run, with pictures of its latent space."""

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, define_stop_words_flag, run_from_flags
from tfvae.data.corpus import SPLITS
from tfvae.errors import UserError, suggest
from tfvae.progress import progress

SUMMARY = "Writes report/index.html into a run directory: figures, component cards, pictures of the space, walks. It needs no network."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _report)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_string("split", "test", f"Split whose examples are shown, one of {', '.join(SPLITS)}.", flag_values=values)
    flags.DEFINE_list("compare", [], "Other runs, whose components during training are drawn beside.", flag_values=values)
    flags.DEFINE_integer("seed", 0, "Seed of what is drawn.", flag_values=values)
    define_stop_words_flag(values)


def _report(values: flags.FlagValues) -> None:
    from tfvae.reports.report import report

    if values.split not in SPLITS:
        raise UserError(f"--split={values.split}: no such split{suggest(values.split, SPLITS)}")
    run = run_from_flags(values)
    options = {"compare": values.compare, "seed": values.seed, "stop_words": values.stop_words}
    page = report(str(run.path), split=values.split, **options, progress=progress, say=_say)
    _say(f"{page}: open it in a browser")


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    main()
