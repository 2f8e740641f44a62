"""What likelihood is given up for: figures of runs, and of papers, against NLL."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfvae.evaluation.compare import COLUMNS, Row
from tfvae.evaluation.published import INFORMED, PUBLISHED

COST = "nll_iw"
GAINS = ("bleu", "mutual_information_c_mean")
"""More of them is better, as less of the cost is."""
_LEAST = 4  # runs of which a picture says something
_NEAR = (0.2, 0.06)  # shares of a picture within which names run into each other
_TERM = "objective.mi_weight=1.0"
_EDGE = 0.85  # share of its width beyond which they stand to the left


@dataclasses.dataclass(frozen=True)
class Point:
    """A configuration's mean figures, or those that a paper prints."""

    name: str
    figures: Mapping[str, float]


def points_of(table: Sequence[Row], shared: Sequence[str]) -> list[Point]:
    """Returns the points of a table, without the changes that all its rows share."""
    return [Point(row.name(shared), {name: sum(values) / len(values) for name, values in row.values.items()}) for row in table]


def front(points: Sequence[Point], gain: str) -> list[Point]:
    """Returns the points that no other one is better than in both the cost and a gain, the least cost first."""
    kept: list[Point] = []
    for point in _having(points, gain):
        if not kept or point.figures[gain] > kept[-1].figures[gain]:
            kept.append(point)
    return kept


def told(points: Sequence[Point]) -> str:
    """Returns which runs are on the front of each gain, as Markdown; "" of few runs."""
    lines = []
    for gain in _drawn(points):
        names = ", ".join(f"`{point.name}`" for point in front(points, gain))
        lines.append(f"- {COLUMNS[gain]}: no run here has both more of it and a lower {COLUMNS[COST]} than one of {names}.")
    return "### What likelihood is given up for\n\n" + "\n".join(lines) + "\n" if lines else ""


def draw(points: Sequence[Point], corpus: str, file: pathlib.Path) -> bool:
    """Draws each gain against the cost, the papers' rows of the corpus beside, and writes the picture.

    Returns:
      whether there are enough runs for one.
    """
    gains = _drawn(points)
    if not gains:
        return False
    papers = [Point(row.model, row.values) for row in PUBLISHED.get(corpus, ())]
    with matplotlib.rc_context({"font.size": 8.0, "svg.hashsalt": "tfvae"}):
        figure = Figure(figsize=(5.6 * len(gains), 4.6), layout="constrained")
        for gain, axes in zip(gains, figure.subplots(1, len(gains), squeeze=False)[0], strict=True):
            groups = {"papers": (papers, "#8a8a8a", -9), "these runs": (points, "#0072B2", 3)}
            for label, (some, colour, _) in groups.items():
                _draw(axes, some, gain, colour, label)
            axes.margins(0.12)
            for some, colour, above in groups.values():
                _name(axes, some, gain, colour, above)
            axes.set_xlabel(f"{COLUMNS[COST]}, nats a sentence (less is better)")
            axes.set_ylabel(f"{COLUMNS[gain]} (more is better)")
            axes.grid(linewidth=0.5, color="#d8d8d8")
            axes.legend(loc="lower right", frameon=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
    return True


def _drawn(points: Sequence[Point]) -> list[str]:
    return [gain for gain in GAINS if len(_having(points, gain)) >= _LEAST]


def _draw(axes: Axes, points: Sequence[Point], gain: str, colour: str, label: str) -> None:
    best = front(points, gain)
    axes.plot([p.figures[COST] for p in best], [p.figures[gain] for p in best], color=colour, linewidth=1.0, linestyle=":")
    if have := _having(points, gain):
        axes.plot([p.figures[COST] for p in have], [p.figures[gain] for p in have], "o", color=colour, markersize=4, label=label)


def _name(axes: Axes, points: Sequence[Point], gain: str, colour: str, above: int) -> None:
    """Writes names beside points, on the side that is free of the edge, and on the other side of a point whose neighbour's is near."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    before = (-math.inf, -math.inf)
    for point in _having(points, gain):
        place = ((point.figures[COST] - left) / (right - left), (point.figures[gain] - low) / (high - low))
        crowded = place[0] - before[0] < _NEAR[0] and abs(place[1] - before[1]) < _NEAR[1]
        inwards = place[0] > _EDGE
        axes.annotate(
            _short(point.name),
            (point.figures[COST], point.figures[gain]),
            xytext=(-4 if inwards else 4, -6 - above if crowded else above),
            textcoords="offset points",
            horizontalalignment="right" if inwards else "left",
            color=colour,
            fontsize=6.5,
        )
        before = place


def _having(points: Sequence[Point], gain: str) -> list[Point]:
    """The points that have the cost and a gain, the least cost first."""
    return sorted((point for point in points if {COST, gain} <= point.figures.keys()), key=lambda p: (p.figures[COST], -p.figures[gain]))


def _short(name: str) -> str:
    """The model, its term of mutual information, and the ends of the paths of what else was changed, but not too many of them."""
    model, *changes = name.split(" ")
    others = [change for change in changes if change != _TERM]
    ends = [change.removeprefix(change.partition("=")[0].rpartition(".")[0]).lstrip(".") for change in others]
    return " ".join([model + (INFORMED if others != changes else ""), *ends[:2], *(["…"] if len(ends) > 2 else [])])
