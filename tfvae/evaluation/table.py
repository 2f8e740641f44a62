"""Figures as lines of text."""

import textwrap
from collections.abc import Sequence

import numpy as np

from tfvae.evaluation.figure import Figure

_MOST_VALUES = 30  # of one figure on a line
_LONGEST = 24  # characters of a class's name
_AGREEMENT = {
    "adjusted_mutual_information": "AMI",
    "homogeneity": "homogeneity",
    "homogeneity_shuffled": "(shuffled)",
    "completeness": "completeness",
    "v_measure": "V",
    "adjusted_rand_index": "ARI",
    "clustering_accuracy": "accuracy",
}
_ALSO = {"v_measure": ("normalized_mutual_information", "V = NMI")}
"""Figures that are the same number as another: one column says both."""


def figure_lines(figures: Sequence[Figure]) -> list[str]:
    """Returns a line a figure: name, value, error and unit; agreement with labels as a table a label, a line a clustering."""
    plain = [figure for figure in figures if "codes" not in figure.settings and "classes" not in figure.settings]
    names = [figure.full_name for figure in plain]
    width = max(map(len, names), default=0)
    lines = [
        f"{name:{width}}  {_value(figure)}  {figure.estimator if figure.value is None else _unit(figure)}".rstrip()
        for name, figure in zip(names, plain, strict=True)
    ]
    return lines + label_tables(figures) + confusion_tables(figures)


def _unit(figure: Figure) -> str:
    return "; ".join(filter(None, (figure.unit, figure.remark)))


def label_tables(figures: Sequence[Figure]) -> list[str]:
    """Returns the lines of a table for each label, with an empty line before each."""
    lines = []
    for label in dict.fromkeys(figure.settings["label"] for figure in figures if "codes" in figure.settings):
        lines += ["", *_label_table(label, [figure for figure in figures if figure.settings.get("label") == label])]
    return lines


def confusion_tables(figures: Sequence[Figure]) -> list[str]:
    """Returns the lines of a table for each label that is predicted, how many examples of a class were predicted each, with empty lines."""
    lines = []
    for figure in figures:
        if "classes" not in figure.settings:
            continue
        names = [textwrap.shorten(name, _LONGEST, placeholder="…") for name in figure.settings["classes"]]
        head = f"{figure.settings['label']}: predicted"
        width = max(len(head), *map(len, names))
        lines += ["", " ".join([f"{head:{width}}", *(f"{name:>{max(6, len(name))}}" for name in names)])]
        for name, row in zip(names, np.asarray(figure.value), strict=True):
            lines.append(" ".join([f"{name:{width}}", *(f"{count:>{max(6, len(of))},}" for count, of in zip(row, names, strict=True))]))
    return lines


def _label_table(label: str, figures: Sequence[Figure]) -> list[str]:
    """A line for each clustering's agreement with one label."""
    figures = [figure for figure in figures if "codes" in figure.settings]
    measured = {figure.name for figure in figures}
    named = _AGREEMENT | {name: both for name, (other, both) in _ALSO.items() if other in measured}
    rows: dict[str, dict[str, str]] = {}
    for figure in figures:
        row = rows.setdefault(figure.settings["codes"], {"clusters": number(figure.settings["clusters"]), "±": ""})
        if figure.name in named:
            row[named[figure.name]] = number(figure.value)
        if figure.name == next(iter(named)) and figure.error is not None:
            row["±"] = f"± {number(figure.error)}"
    first, *others = (column for name, column in named.items() if name in measured)
    columns = {"clusters": 12, first: 12, "±": 7, **dict.fromkeys(others, 12)}  # and their widths
    width = max(len(label) + 8, *map(len, rows))
    lines = {f"{label} and …": {column: column for column in columns} | {"±": ""}, **rows}
    return [
        " ".join([f"{name:{width}}", *(f"{line.get(column, '-'):>{wide}}" for column, wide in columns.items())])
        for name, line in lines.items()
    ]


def _value(figure: Figure) -> str:
    if isinstance(figure.value, list):
        flat = [row for row in figure.value if not isinstance(row, list)] or [item for row in figure.value for item in row]
        more = f" … ({len(flat)})" if len(flat) > _MOST_VALUES else ""
        return " ".join(number(item) for item in flat[:_MOST_VALUES]) + more
    error = "" if figure.error is None else f" ± {number(figure.error)}"
    return number(figure.value) + error


def number(value: float | None) -> str:
    """Returns a number with the digits that say something, "-" for None."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.2f}" if size < 1000 else f"{value:,.0f}"
