"""Runs that differ in one number alone: their figures against it, as a table and as a picture."""

import pathlib
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.figure import Figure as Drawing

from tfvae.config import Config
from tfvae.evaluation.compare import Row, label_columns, markdown_table

COLUMNS: Mapping[str, str] = {
    "nll_iw": "NLL, nats a sentence",
    "mutual_information_c_mean": "MI(x;c), nats a variable",
    "natural_variance": "variance of natural parameters",
    "word_kl": "word KL, sampled",
    "word_kl_greedy": "word KL, greedy",
    "nll_bound": "-ELBO, nats a sentence",
    "kl_z": "KL(z), nats a sentence",
    "kl_c": "KL(c), nats a sentence",
    "reconstruction": "reconstruction, nats a sentence",
    "bleu": "BLEU of reconstructions",
}
"""Figures of a sweep's table, and their headings; the first five are drawn."""
_DRAWN = 5
_WIDE = 100  # times the least value: where the greatest is more, the axis is logarithmic
_LEAST = 3  # runs


def swept_field(configs: Sequence[Config]) -> str:
    """Returns the field, with dots, whose values are numbers and all that differs but the seed; "" where there is no such field."""
    flat = [config.flat() for config in configs]
    differing = [path for path in flat[0] if path != "training.seed" and any(other[path] != flat[0][path] for other in flat)]
    if len(differing) != 1 or len({other[differing[0]] for other in flat}) < _LEAST:
        return ""
    values = [other[differing[0]] for other in flat]
    return differing[0] if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values) else ""


def by_value(table: Sequence[Row], field: str) -> list[tuple[float, Row]]:
    """Returns the rows with their values of the field, the least first."""
    return sorted(((row.config.flat()[field], row) for row in table), key=lambda pair: pair[0])


def sweep_table(table: Sequence[Row], field: str) -> str:
    """Returns a Markdown table, a line a value; columns that no run has are left out."""
    columns = {**COLUMNS, **label_columns(table)}
    present = [name for name in columns if any(name in row.values for row in table)]
    lines = [[field.rpartition(".")[2], *(columns[name] for name in present)], ["---:"] * (len(present) + 1)]
    lines += [[f"{value:g}", *(row.cell(name) for name in present)] for value, row in by_value(table, field)]
    return markdown_table(lines)


def draw(table: Sequence[Row], field: str, file: pathlib.Path) -> bool:
    """Draws the first figures against the field, a panel each, mean and deviation over seeds, as an SVG file.

    Returns:
      whether there was anything to draw.
    """
    points = by_value(table, field)
    names = [name for name in list(COLUMNS)[:_DRAWN] if sum(name in row.values for _, row in points) >= _LEAST]
    if not names:
        return False
    with matplotlib.rc_context({"font.size": 9.0, "svg.hashsalt": "tfvae"}):
        figure = Drawing(figsize=(2.9 * len(names), 2.6), layout="constrained")
        for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
            have = [(value, row) for value, row in points if name in row.values]
            for value, row in have:  # every seed
                axes.plot([value] * len(row.values[name]), row.values[name], "o", color="#0072B2", markersize=4)
            axes.plot([value for value, _ in have], [_mean(row, name) for _, row in have], color="#0072B2", linewidth=1.2)
            axes.set_title(COLUMNS[name], fontsize=9)
            values = [value for _, row in have for value in row.values[name]]
            if min(values) > 0 and max(values) > _WIDE * min(values):
                axes.set_yscale("log")
            axes.set_xlabel(field.rpartition(".")[2])
            axes.grid(linewidth=0.5, color="#d8d8d8")
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
    return True


def _mean(row: Row, name: str) -> float:
    return sum(row.values[name]) / len(row.values[name])
