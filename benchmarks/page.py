"""The tables of docs/performance.md, made of what the benchmark printed with --json."""

import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.refinement import LABELS as GRADIENTS
from benchmarks.scaling import LABELS
from benchmarks.shortcuts import LABELS as SHORTCUTS
from tfvae.data.files import write_text
from tfvae.errors import UserError
from tfvae.evaluation.compare import markdown_table
from tfvae.reports.results import put_between

_FIGURES = {
    "tokens_per_second": ("tokens a second", "{:,.0f}"),
    "step_milliseconds": ("step, ms", "{:,.0f}"),
    "peak_memory_mb": ("peak memory, MB", "{:,}"),
    "gflops": ("GFLOP/s", "{:,.0f}"),
    "ceiling_gflops": ("ceiling", "{:,.0f}"),
    "share_of_ceiling": ("share of it", "{:.0%}"),
}
"""Figures of a program: headings, and how they are printed."""
_PEERS = ("task", "samples", "lengths in a batch", "program", *(heading for heading, _ in _FIGURES.values()), "tfvae is faster by")
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
    """Returns a page with its tables made anew of what the benchmark measures."""
    refined = sorted((result for result in results if "vae_steps" in result), key=lambda result: result["steps"])
    shortcuts = sorted((result for result in results if "without" in result), key=lambda result: result["samples"])
    growth = [result for result in results if not {"task", "without", "vae_steps"} & set(result)]
    timed = sorted((result for result in results if "task" in result), key=_place)
    peers = [row for result in timed if programs(result)[1:] for row in _peer_rows(result)]
    text = put_between(text, "peers", _table(_PEERS, peers))
    head = ("without", *(heading.format(result["samples"]) for result in shortcuts for heading in ("S = {}: ms a step", "times as long")))
    text = put_between(text, "shortcuts", _table(head, list(_shortcut_rows(shortcuts))))
    head = (
        "the encoder learns",
        *(heading.format(result["steps"]) for result in refined for heading in ("K = {}: ms a step", "in VAE steps")),
    )
    text = put_between(text, "refinement", _table(head, list(_refinement_rows(refined))))
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


def _printed(figures: Mapping[str, float]) -> list[str]:
    values = {**figures, "step_milliseconds": 1000 * figures["step_seconds"]}
    return [printed.format(values[name]) for name, (_, printed) in _FIGURES.items()]


def _shortcut_rows(results: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    yield ["nothing: all shortcuts", *(text for result in results for text in (f"{1000 * result['seconds']:,.0f}", ""))]
    for name, label in SHORTCUTS.items():
        row = [label]
        for result in results:
            seconds = result["without"].get(name)
            row += [f"{1000 * seconds:,.0f}", f"{seconds / result['seconds']:.2f}"] if seconds else ["", ""]
        yield row


def _refinement_rows(results: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    yield ["by its own bound; nothing is refined", *(text for result in results for text in (f"{1000 * result['seconds']:,.0f}", "1.0"))]
    for name, label in GRADIENTS.items():
        if any(name in result["refined"] for result in results):
            yield [label, *(text for result in results for text in _refined(result, name))]


def _refined(result: Mapping[str, Any], name: str) -> tuple[str, str]:
    """Milliseconds of a step and how many steps of a VAE they are; empty where that was not measured."""
    if name not in result["refined"]:
        return "", ""
    return f"{1000 * result['refined'][name]:,.0f}", f"{result['vae_steps'][name]:.1f}"


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
