"""tfvae-encode: texts to codes, probabilities and posterior means."""

import pathlib
import sys

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, define_text_column_flag, items_of_test_split, model_from_flags
from tfvae.data.engines import ENGINES
from tfvae.errors import UserError
from tfvae.training.zoo import find

SUMMARY = "Encodes files of texts, one a line: codes, their probabilities and posterior means. They may be larger than memory."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _encode)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    source = "File of texts: one a line, optionally 'label TAB text', plain or .gz, or a table, .csv, .jsonl or .parquet."
    flags.DEFINE_string("input", "", f"{source} Several of lines, with commas between, for workers.", flag_values=values)
    define_text_column_flag(values)
    flags.DEFINE_string("output", "", "File to write, FILE.jsonl or FILE.npz; of workers, the folder of their parts.", flag_values=values)
    flags.DEFINE_enum(
        "engine", "local", list(ENGINES), "What runs --workers: processes of this machine, Spark, Ray or Beam.", flag_values=values
    )
    workers = "Workers that share the files, each with a processor core; 0: this process alone, or as many as the engine has."
    flags.DEFINE_integer("workers", 0, workers, lower_bound=0, flag_values=values)
    flags.DEFINE_enum("parts", "jsonl", ["jsonl", "npz"], "What workers write.", flag_values=values)
    flags.DEFINE_integer("batch_size", 256, "Texts encoded at a time.", lower_bound=1, flag_values=values)


def _encode(values: flags.FlagValues) -> None:
    if values.workers or values.engine != "local":
        _encode_pieces(values)
        return
    from tfvae.export.encode_file import encode_file, words_of

    if not (values.input and values.output) and not values.smoke:
        raise UserError("--input and --output are both needed: a file of texts, and a .jsonl or .npz file to write")
    model, run = model_from_flags(values)
    if not (values.input and values.output):
        run = find(str(run.path), writes=True)
    source, target = values.input, values.output or str(run.path / "codes.jsonl")
    if not source:
        words_of(model)
        source = str(run.path / "texts.txt")
        pathlib.Path(source).write_text("\n".join(items_of_test_split(run)))
    report = encode_file(model, source, target, text_column=values.text_column, batch_size=values.batch_size)
    for line in report.lines():
        print(line, file=sys.stderr)
    print(f"{report.encoded:,} texts into {target}")


def _encode_pieces(values: flags.FlagValues) -> None:
    """Has workers encode."""
    from tfvae.export.encode_pieces import encode_pieces

    if values.smoke or not (values.run and values.input and values.output):
        raise UserError("workers need --run, --input and --output: a run, files of texts, and a folder for what they write")
    if values.text_column:
        raise UserError("--text_column: workers read files of lines; take a table's texts out first")
    options = {"engine": values.engine, "workers": values.workers, "suffix": f".{values.parts}", "batch_size": values.batch_size}
    say = lambda line: print(line, file=sys.stderr)  # noqa: E731
    report = encode_pieces(values.run, values.input.split(","), values.output, **options, say=say)
    for line in report.lines():
        print(line, file=sys.stderr)
    print(f"{report.encoded:,} texts into {values.output}")


if __name__ == "__main__":
    main()
