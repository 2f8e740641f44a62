"""The tables of docs/performance.md, made of what the benchmark printed with --json."""

import json
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.scaling import LABELS
from tfvae.errors import UserError
from tfvae.evaluation.compare import markdown_table
from tfvae.reports.results import put_between
from tfvae.training.run import write_text

_FIGURES = {
    "tokens_per_second": ("tokens a second", "{:,.0f}"),
    "step_milliseconds": ("step, ms", "{:,.0f}"),
    "peak_memory_mb": ("peak memory, MB", "{:,}"),
    "gflops": ("GFLOP/s", "{:,.0f}"),
    "ceiling_gflops": ("ceiling", "{:,.0f}"),
    "share_of_ceiling": ("share of it", "{:.0%}"),
}
"""Figures of a program: headings, and how they are printed."""
_OF_ALONE = ("step_milliseconds", "gflops", "share_of_ceiling")
_PEERS = ("task", "samples", "lengths in a batch", "program", *(heading for heading, _ in _FIGURES.values()), "tfvae is faster by")
_ALONE = ("layers", "precision", "samples", "lengths in a batch", "step, ms", "GFLOP/s", "share of the ceiling")
_GROWTH = ("quantity", "values", "seconds a step", "greatest exponent")


def write_page(page: str) -> int:
    """Puts the tables of the folder `benchmarks` beside a page between their marks in it, and returns of how many files they are made.

    Raises:
      UserError: there are no such files, one of them is none of the benchmark's, or the page has no marks.
    """
    document = pathlib.Path(page)
    files = sorted((document.parent / "benchmarks").glob("*.json"))
    if not files:
        raise UserError(f"--page={page}: {document.parent / 'benchmarks'} holds no .json files; put what --json prints there")
    try:
        results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        write_text(document, render(document.read_text(encoding="utf-8"), results))
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise UserError(f"--page={page}: {document.parent / 'benchmarks'}: what a file holds is not the benchmark's: {error}") from None
    return len(files)


def render(text: str, results: Sequence[Mapping[str, Any]]) -> str:
    """Returns a page with its tables made anew of results of `measure` and `measure_scaling`."""
    growth = [result for result in results if "task" not in result]
    timed = sorted((result for result in results if "task" in result), key=_place)
    peers = [row for result in timed if programs(result)[1:] for row in _peer_rows(result)]
    alone = [_alone_row(result) for result in timed if result["task"] == "train_step" and result["samples"] == 1]
    text = put_between(text, "peers", _table(_PEERS, peers))
    text = put_between(text, "shortcuts", _table(_ALONE, alone))
    return put_between(text, "growth", _table(_GROWTH, [row for result in growth for row in _growth_rows(result)]))


def _place(result: Mapping[str, Any]) -> tuple:
    tasks = ("train_step", "softmax", "gru", "score", "generate")
    return tasks.index(result["task"]), -result["samples"], result["precision"], result["bucketed"], result["implementation"]


def programs(result: Mapping[str, Any]) -> list[str]:
    """Returns the names of the programs that a result of `measure` has figures of, tfvae first."""
    return [name for name, value in result.items() if isinstance(value, dict)]


def _lengths(result: Mapping[str, Any]) -> str:
    return "" if result["task"] == "generate" else "similar" if result["bucketed"] else "any"


def _peer_rows(result: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for name in programs(result):
        samples = "" if result["task"] == "generate" else str(result["samples"])
        precision = "float32" if name == "plain" else result["precision"]
        ratio = result.get(f"tfvae/{name}")
        settings = [f"`{result['task']}`", samples, _lengths(result), f"{name}, {precision}"]
        rows.append([*settings, *_printed(result[name]), f"{ratio:.2f}" if ratio else ""])
    return rows


def _alone_row(result: Mapping[str, Any]) -> list[str]:
    settings = [result["implementation"], result["precision"], str(result["samples"]), _lengths(result)]
    return [*settings, *_printed(result["tfvae"], _OF_ALONE)]


def _printed(figures: Mapping[str, float], names: Iterable[str] = _FIGURES) -> list[str]:
    values = {**figures, "step_milliseconds": 1000 * figures["step_seconds"]}
    return [_FIGURES[name][1].format(values[name]) for name in names]


def _growth_rows(result: Mapping[str, Any]) -> list[list[str]]:
    return [
        [
            LABELS[name],
            ", ".join(f"{value:,}" for value in sweep["values"]),
            ", ".join(f"{value:.3f}" for value in sweep["seconds"]),
            str(sweep["exponent"]),
        ]
        for name, sweep in result.items()
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table([head, ["---"] * len(head), *rows])
