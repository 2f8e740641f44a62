"""tfvae-encode: texts to codes, probabilities and posterior means."""

import pathlib
import sys

from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, define_text_column_flag, items_of_test_split, model_from_flags
from tfvae.errors import UserError
from tfvae.training.zoo import find

SUMMARY = "Encodes a file of texts, one a line: codes, their probabilities and posterior means. The file may be larger than memory."


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _encode)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    source = "File of texts: one a line, optionally 'label TAB text', plain or .gz, or a table, .csv, .jsonl or .parquet."
    flags.DEFINE_string("input", "", source, flag_values=values)
    define_text_column_flag(values)
    flags.DEFINE_string("output", "", "File to write, FILE.jsonl or FILE.npz.", flag_values=values)
    flags.DEFINE_integer("batch_size", 256, "Texts encoded at a time.", lower_bound=1, flag_values=values)


def _encode(values: flags.FlagValues) -> None:
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


if __name__ == "__main__":
    main()
