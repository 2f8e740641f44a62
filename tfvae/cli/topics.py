"""tfvae-topics: what the codes of a trained model stand for, merged and named by a person, over time, and of other texts."""

from __future__ import annotations

import csv
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

from tfvae.cli.command import run_command
from tfvae.cli.model import define_model_flags, define_stop_words_flag, define_text_column_flag, run_from_flags
from tfvae.data.corpus import SPLITS
from tfvae.data.escapes import spreadsheet_cell
from tfvae.data.tables import kind_of, known_columns, read_columns, texts_of
from tfvae.errors import UserError, suggest
from tfvae.progress import progress
from tfvae.topics.over_time import moments, over_time

if TYPE_CHECKING:
    from tfvae.topics.workbench import Reading, Workbench


SUMMARY = (
    "Tells what the codes of a trained model stand for; merges, names and reduces them, which all commands then know; "
    "counts them in other texts, over time, and says which texts are unlike all that the model knows."
)
_SHOWN = 2  # examples


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _topics)


def _define_flags(values: flags.FlagValues) -> None:
    define_model_flags(values)
    flags.DEFINE_string("split", "train", f"Split whose texts are counted, one of {', '.join(SPLITS)}.", flag_values=values)
    define_stop_words_flag(values)
    flags.DEFINE_bool("reset", False, "Undo all merges and names, before what else is asked for.", flag_values=values)
    merge = "Topics of a variable that count as one, as 0:1,0:4 or by their names; may be given several times."
    flags.DEFINE_multi_string("merge", [], merge, flag_values=values)
    flags.DEFINE_multi_string("rename", [], "A topic's name, as 0:1=travel; may be given several times.", flag_values=values)
    reduce = "Merges the most alike topics of a variable until so many are left, as 0:5; may be given several times."
    flags.DEFINE_multi_string("reduce", [], reduce, flag_values=values)
    flags.DEFINE_string("hierarchy", "", "File to draw into which topics are alike, FILE.png or FILE.svg.", flag_values=values)
    flags.DEFINE_integer("variable", 0, "Variable of --hierarchy and --over_time.", lower_bound=0, flag_values=values)
    source = "File of other texts, which are told instead: one a line, or a table whose name ends in .csv, .tsv, .jsonl or .parquet."
    flags.DEFINE_string("input", "", source, flag_values=values)
    define_text_column_flag(values)
    flags.DEFINE_string("time_column", "", "Column of dates, or of numbers such as years, in a table.", flag_values=values)
    flags.DEFINE_string(
        "over_time", "", "File for how many texts of --input have each topic over time, FILE.png, .svg or .csv.", flag_values=values
    )
    flags.DEFINE_string("output", "", "File to write the table into, FILE.csv or FILE.jsonl, in place of printing it.", flag_values=values)


def _topics(values: flags.FlagValues) -> None:
    from tfvae.topics.workbench import Workbench

    _check(values)
    run = run_from_flags(values)
    bench = Workbench(str(run.path), split=values.split, progress=progress)
    _edit(bench, values)
    if values.hierarchy:
        bench.dendrogram(values.variable, values.hierarchy)
        print(f"which topics of variable {values.variable} are alike is in {values.hierarchy}")
    if values.input:
        _tell_input(bench, values)
        return
    rows = bench.table(stop_words=values.stop_words)
    if values.output:
        _write(values.output, rows)
        return
    for line in _lines(rows):
        print(line)


def _check(values: flags.FlagValues) -> None:
    if values.split not in SPLITS:
        raise UserError(f"--split={values.split}: no such split{suggest(values.split, SPLITS)}")
    if values.output and pathlib.Path(values.output).suffix not in (".csv", ".jsonl"):
        raise UserError(f"--output={values.output}: must end in .csv or .jsonl")
    if values.over_time and pathlib.Path(values.over_time).suffix not in (".csv", ".png", ".svg"):
        raise UserError(f"--over_time={values.over_time}: must end in .csv, .png or .svg")
    if (values.time_column or values.over_time) and not (
        values.input and kind_of(values.input) and values.time_column and values.over_time
    ):
        raise UserError("--over_time and --time_column go together, with a table in --input: FILE.csv, .jsonl or .parquet")


def _edit(bench: Workbench, values: flags.FlagValues) -> None:
    if values.reset:
        bench.reset()
    for topics in values.merge:
        bench.merge([topic.strip() for topic in topics.split(",")])
    for renamed in values.rename:
        topic, equals, name = renamed.partition("=")
        if not equals:
            raise UserError(f"--rename={renamed}: must be j:k=name")
        bench.rename(topic.strip(), name)
    for reduced in values.reduce:
        variable, _, count = reduced.partition(":")
        if not (variable.isdecimal() and count.isdecimal()):
            raise UserError(f"--reduce={reduced}: must be j:n, the numbers of a variable and of the topics that are left")
        bench.reduce(int(variable), int(count))


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A few lines a topic."""
    for number, row in enumerate(rows):
        if not number or rows[number - 1]["variable"] != row["variable"]:
            yield f"{'' if not number else chr(10)}variable {row['variable']}"
        score = "" if row["coherence"] is None else f", NPMI {row['coherence']:.2f}"
        yield f"  {row['variable']}:{row['topic']}  {row['share']:6.1%}  {row['name']}  ({row['texts']:,} texts{score})"
        for what in ("words", "phrases"):
            if row[what]:
                yield f"      {what}: {', '.join(row[what])}"
        for what, column in (("example", "examples"), ("generated", "generated")):
            for text in row[column][:_SHOWN]:
                yield f"      {what}: {' '.join(str(text).split())}"


def _write(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes a table; what a CSV file has before a text that looks like a formula is said by `spreadsheet_cell`."""
    file = pathlib.Path(path)
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        if file.suffix == ".jsonl":
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            lines = [list(rows[0]), *(row.values() for row in rows)] if rows else []
            csv.writer(stream).writerows(map(spreadsheet_cell, line) for line in lines)
    partial.replace(file)
    print(f"{len(rows):,} rows into {path}")


def _tell_input(bench: Workbench, values: flags.FlagValues) -> None:
    """Tells the topics of other texts."""
    given = texts_of(values.input, values.text_column)
    found = bench.read(given.texts)
    if values.over_time:
        _tell_over_time(bench, found, given.lines, values)
    if values.output:
        rows = zip(given.lines.tolist(), given.texts, found.codes.tolist(), found.names, found.probabilities, found.unlike, strict=True)
        _write(values.output, [_told(*row) for row in rows])
        return
    if not values.over_time:
        for line in _summary(bench, found):
            print(line)


def _told(line: int, text: str, codes: Sequence[int], names: Sequence[str], probabilities: np.ndarray, unlike: float) -> dict[str, Any]:
    shares = [round(float(probability), 6) for probability in probabilities]
    return {"line": line, "text": text, "codes": codes, "names": list(names), "probabilities": shares, "unlike": round(float(unlike), 4)}


def _summary(bench: Workbench, found: Reading) -> Iterator[str]:
    for variable in range(found.codes.shape[1]):
        yield f"variable {variable}"
        topics, counts = np.unique(found.codes[:, variable], return_counts=True)
        for topic, count in sorted(zip(topics.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1]):
            yield f"  {variable}:{topic}  {count / len(found.codes):6.1%}  {bench.topics.name(variable, topic)}".rstrip()
    yield f"{np.mean(found.unlike > 0.99):.1%} of the texts are less like the model's than 99 % of validation (1.0% is usual)"


def _tell_over_time(bench: Workbench, found: Reading, lines: np.ndarray, values: flags.FlagValues) -> None:
    from tfvae.topics.pictures import draw_over_time

    column = read_columns(values.input, kind_of(values.input), lambda names: known_columns(values.input, names, [values.time_column]))
    times = moments([column.column(0).to_pylist()[line - 1] for line in lines], f"--time_column={values.time_column}")
    topics = np.unique(found.codes[:, values.variable]).tolist()
    starts, counts = over_time(found.codes[:, values.variable], times, topics)
    names = [bench.topics.name(values.variable, topic) or f"{values.variable}:{topic}" for topic in topics]
    if pathlib.Path(values.over_time).suffix == ".csv":
        rows = [{"start": str(start), **dict(zip(names, row.tolist(), strict=True))} for start, row in zip(starts, counts, strict=True)]
        _write(values.over_time, rows)
        return
    draw_over_time(starts, counts, names, pathlib.Path(values.over_time))
    print(f"topics of variable {values.variable} over time are in {values.over_time}")


if __name__ == "__main__":
    main()
