"""tfvae-evaluate: every number that papers print, of a trained model."""

import pathlib
import sys
from typing import Any

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, run_from_flags
from tfvae.data.corpus import SPLITS
from tfvae.data.files import write_text
from tfvae.errors import UserError, suggest
from tfvae.evaluation.groups import GROUPS
from tfvae.evaluation.table import figure_lines
from tfvae.evaluation.verdict import verdicts
from tfvae.progress import progress
from tfvae.training.run import Run

SUMMARY = (
    "Evaluates a trained model: likelihood, use of the latent variable, generation, agreement with labels. It goes on where it stopped."
)
_SMOKE = {"samples": 4, "sentences": 20, "generated": 50}


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _evaluate)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_string("split", "test", f"Split to evaluate on, one of {', '.join(SPLITS)}.", flag_values=values)
    flags.DEFINE_list(
        "metrics", None, f"Groups of figures, of {', '.join(GROUPS)} (default those that suit the corpus).", flag_values=values
    )
    flags.DEFINE_integer("samples", 500, "Posterior samples of the importance-weighted likelihood.", flag_values=values)
    flags.DEFINE_integer("sentences", 1000, "Examples it is estimated on, drawn by the seed; 0: all of the split.", flag_values=values)
    flags.DEFINE_integer("generated", 40_000, "Sentences drawn from the prior.", flag_values=values)
    vectors = "File of word vectors that answers in dialogues are compared by, in the text format of GloVe (default: learnt from training)."
    flags.DEFINE_string("word_vectors", "", vectors, flag_values=values)
    flags.DEFINE_integer("seed", 0, "Seed of everything that is drawn.", flag_values=values)
    flags.DEFINE_bool("overwrite", False, "Compute again what is there.", flag_values=values)
    flags.DEFINE_list(
        "compare", [], "Evaluated run directories of one corpus: prints a table of them, computes nothing.", flag_values=values
    )
    flags.DEFINE_string("output", "", "With --compare: file to write, FILE.md or FILE.csv with all figures.", flag_values=values)


def _evaluate(values: flags.FlagValues) -> None:
    from tfvae.evaluation.evaluate import evaluate, evaluation_file, figures_of

    if values.split not in SPLITS:
        raise UserError(f"--split={values.split}: no such split{suggest(values.split, SPLITS)}")
    if values.compare:
        _compare(values)
        return
    if values["metrics"].present and not values.metrics:
        raise UserError(f"--metrics= names no group of figures; write some of {', '.join(GROUPS)}, or leave it out")
    if values.output:
        raise UserError("--output is the file that --compare writes: figures of one run are in its evaluation.json")
    if values.run and values.smoke:
        raise UserError("--smoke evaluates a tiny model that it trains: leave out --run, or --smoke")
    run = run_from_flags(values)
    small = {name: value for name, value in _SMOKE.items() if values.smoke and not values[name].present}
    settings: dict[str, Any] = {name: small.get(name, values[name].value) for name in _SMOKE}
    answer = evaluate(
        str(run.path),
        values.split,
        values.metrics,
        seed=values.seed,
        overwrite=values.overwrite,
        progress=progress,
        say=lambda line: print(line, file=sys.stderr, flush=True),
        samples=settings["samples"],
        sentences=settings["sentences"],
        generated=settings["generated"],
        word_vectors=values.word_vectors,
    )
    figures = figures_of(answer)
    for line in figure_lines(figures):
        print(line)
    for place, verdict in enumerate(verdicts(figures)):
        print(verdict if place else f"\n{verdict}")
    print(f"\nAll with their settings are in {evaluation_file(run)}")


def _compare(values: flags.FlagValues) -> None:
    from tfvae.evaluation.compare import markdown, rows, to_csv

    if values.run:
        raise UserError("--run and --compare are two things to do: give one")
    output = pathlib.Path(values.output)
    if values.output and output.suffix not in (".md", ".csv"):
        raise UserError(f"--output={values.output}: a name that ends in .md or .csv is wanted")
    table = rows(values.compare, values.split)
    corpus = Run(values.compare[0]).config().data.name if values.split == "test" else ""
    if not values.output:
        print(markdown(table, corpus), end="")
        return
    write_text(output, to_csv(table, corpus) if output.suffix == ".csv" else markdown(table, corpus))
    print(f"{len(table)} rows in {output}")


if __name__ == "__main__":
    main()
