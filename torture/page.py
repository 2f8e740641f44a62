"""docs/reliability.md: its table is made of the file that the script writes."""

import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from benchmarks import kept
from benchmarks.kept import Results
from tfvae.evaluation.compare import markdown_table
from tfvae.reports.results import put_between

_HEAD = ("part", "attack", "tried", "held", "what must hold", "beside")


def read(path: pathlib.Path) -> Results:
    """Returns the outcomes that a file has, as `benchmarks.kept.read` does."""
    return kept.read(path, render_rows)


def render_rows(results: Results) -> list[tuple[str, ...]]:
    """Returns the cells of each part."""
    return [
        (f"`{name}`", one["attack"], f"{one['tried']:,}", f"{one['held']:,}", one["holds"], _beside(one["figures"]))
        for name, one in results.items()
    ]


def _beside(figures: Mapping[str, Any]) -> str:
    cells = []
    for name, value in figures.items():
        word = name.removesuffix("_mb").replace("_", " ")
        unit = " MB" if name.endswith("_mb") else ""
        if isinstance(value, list):
            cells.append(f"{word} {value[0]:,} at first, {min(value):,} to {max(value):,}, {value[-1]:,} at last{unit}" if value else "")
        else:
            cells.append(f"{word} {value:,}{unit}")
    return "; ".join(filter(None, cells))


def render(text: str, results: Results, parts: Collection[str]) -> str:
    """Returns a page with its table, the machines that it is of, and those of all parts that were not tried, made anew."""
    table = markdown_table([_HEAD, ["---", "---", "--:", "--:", "---", "---"], *render_rows(results)])
    machines: dict[str, list[str]] = {}
    for name, one in results.items():
        machines.setdefault(f"{one['day']}, seed {one['seed']}, on {one['machine']}", []).append(f"`{name}`")
    lines = "".join(f"- {', '.join(names)}: {where}.\n" for where, names in machines.items())
    missing = [f"`{name}`" for name in parts if name not in results]
    lines += f"- not tried yet: {', '.join(missing)}.\n" if missing else ""
    return put_between(text, "torture", f"{table}\n{lines}")


def terminal(results: Results) -> str:
    """Returns a table for a terminal, and what broke."""
    width = max(map(len, results), default=0)
    lines = [f"{'part':{width}}  {'tried':>7}  {'held':>7}  attack"]
    for name, one in results.items():
        lines.append(f"{name:{width}}  {one['tried']:7,}  {one['held']:7,}  {one['attack']}")
        lines += [f"{'':{width}}  {beside}"] if (beside := _beside(one["figures"])) else []
        lines += [f"{'':{width}}  broke: {each}" for each in one["broken"]]
    return "\n".join(lines)
