"""Pictures of a report, each in a light and a dark version for the page, and as PNG and SVG files."""

import base64
import dataclasses
import io
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Polygon
from matplotlib.ticker import MaxNLocator

from tfvae.topics.pictures import COLOURS

# Shapes tell components apart in black and white. As many as a legend names, and one more: no multiple of the colours, so that 104 groups
# have marks of their own.
_SHAPES = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "p", "d", "h")
_THEMES = {"light": ("#1a1a1a", "#ffffff", "#d8d8d8"), "dark": ("#e6e6e6", "#16181c", "#3a3d44")}
_MOST_POINTS = 2000
LEGEND = 12
"""Most groups that a legend names."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes:
      name: of its files.
      alt: what it shows, for who does not see it.
      images: PNG by theme, light and dark, as data addresses.
      width: of the light image, pixels as the page shows it.
    """

    name: str
    alt: str
    images: Mapping[str, str]
    width: int


def picture(name: str, alt: str, folder: pathlib.Path, make: Callable[[], Figure]) -> Picture:
    """Draws in both themes and writes <name>.png and <name>.svg into the folder.

    Args:
      name: of the files.
      alt: what the picture shows.
      folder: of the files, which is made.
      make: makes the figure; called once a theme.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, width = {}, 0
    for theme, (ink, paper, line) in _THEMES.items():
        style: Any = {
            "text.color": ink,
            "axes.labelcolor": ink,
            "axes.edgecolor": line,
            "axes.facecolor": paper,
            "figure.facecolor": paper,
            "xtick.color": ink,
            "ytick.color": ink,
            "grid.color": line,
            "legend.facecolor": paper,
            "legend.edgecolor": line,
            "font.size": 9.0,
            "svg.fonttype": "none",
        }
        with matplotlib.rc_context(style):
            figure = make()
            FigureCanvasAgg(figure)
            stream = io.BytesIO()
            figure.savefig(stream, format="png", dpi=150, bbox_inches="tight")
            images[theme] = "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
            if theme == "light":
                (folder / f"{name}.png").write_bytes(stream.getvalue())
                figure.savefig(folder / f"{name}.svg", bbox_inches="tight")
                width = int.from_bytes(stream.getvalue()[16:20], "big") * 2 // 3
    return Picture(name, alt, images, width)


def curves(lines: Sequence[Mapping[str, float]], names: Mapping[str, str]) -> Figure:
    """Draws figures over epochs, a small panel each: training dashed, validation solid.

    Args:
      lines: of metrics.jsonl.
      names: of the figures, and their headings.
    """
    present = [name for name in names if any(f"{side}{name}" in lines[-1] for side in ("", "val_"))]
    figure, panels = _grid(len(present), 3, (3.2, 2.2))
    epochs = [line["epoch"] for line in lines]
    for name, axes in zip(present, panels, strict=True):
        for side, style, label in (("", "--", "training"), ("val_", "-", "validation")):
            if f"{side}{name}" in lines[-1]:
                values = [line.get(f"{side}{name}", np.nan) for line in lines]
                axes.plot(epochs, values, style, color=COLOURS[0] if side else COLOURS[6], label=label, linewidth=1.6)
        axes.set_title(names[name], fontsize=9)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.grid(linewidth=0.5)
    if present:
        panels[0].legend(fontsize=7)
    return figure


def scatter(axes: Axes, points: np.ndarray, groups: np.ndarray, names: Sequence[str], *, legend: bool = True) -> None:
    """Draws points [N, 2] by group [N], a colour and a shape each, evenly thinned to a number that can be seen."""
    chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), _MOST_POINTS)).astype(int))
    for group in np.unique(groups):
        own = chosen[groups[chosen] == group]
        style: dict[str, Any] = {"color": COLOURS[group % len(COLOURS)], "marker": _SHAPES[group % len(_SHAPES)]}
        axes.scatter(
            points[own, 0],
            points[own, 1],
            s=8,
            alpha=0.6,
            linewidths=0,
            label=drawable(names[group] if group < len(names) else str(group), int(group)),
            **style,
        )
    if legend and len(np.unique(groups)) <= LEGEND:
        axes.legend(fontsize=7, markerscale=2, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    axes.tick_params(labelsize=7)


def drawable(name: str, number: int) -> str:
    """Returns a name as a picture can show it: "#number" where its script needs more than a font of Latin, Greek and Cyrillic."""
    if any(ord(character) >= 0x530 for character in name):
        return f"#{number}"
    # matplotlib leaves names that begin with _ out of legends, and reads $ as mathematics
    return (" " + name if name.startswith("_") else name).replace("$", r"\$")


def outlines(axes: Axes, samples: np.ndarray, *, spheres: bool, dead: Sequence[bool] | np.ndarray = ()) -> None:
    """Draws components: an ellipse of two standard deviations each, or on spheres the cap that holds 90 % of its samples; and its number.

    Args:
      axes: to draw on.
      samples: of each component, [K, S, 2].
      spheres: whether the components live on spheres.
      dead: of each component whether it is dead, then drawn dashed.
    """
    ink = matplotlib.rcParams["text.color"]
    for component, points in enumerate(samples):
        centre = points.mean(axis=0)
        style: dict[str, Any] = {
            "fill": False,
            "edgecolor": ink,
            "linewidth": 1.2,
            "linestyle": "--" if component < len(dead) and dead[component] else "-",
        }
        if spheres:
            near = points[np.argsort(np.linalg.norm(points - centre, axis=1))[: int(0.9 * len(points))]]
            axes.add_patch(Polygon(near[_hull(near)], closed=True, **style))
        else:
            values, vectors = np.linalg.eigh(np.cov(points.T))
            angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
            width, height = 4 * np.sqrt(np.maximum(values[::-1], 0))
            axes.add_patch(Ellipse(tuple(centre), width, height, angle=angle, **style))
        paper = matplotlib.rcParams["axes.facecolor"]
        box = {"boxstyle": "circle,pad=0.15", "facecolor": paper, "edgecolor": ink, "linewidth": 0.8}
        axes.text(float(centre[0]), float(centre[1]), str(component), ha="center", va="center", fontsize=7, bbox=box)
    axes.autoscale_view()


def _hull(points: np.ndarray) -> np.ndarray:
    from scipy.spatial import ConvexHull, QhullError

    try:
        return ConvexHull(points).vertices
    except QhullError:  # all on a line
        return np.array([points[:, 0].argmin(), points[:, 0].argmax()])


def heat_map(table: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str) -> Figure:
    """Draws shares [R, C] of each row, with the number in each field."""
    figure = Figure(figsize=(1.6 + 0.7 * len(columns), 1.0 + 0.3 * len(rows)))
    axes = figure.subplots()
    axes.imshow(table, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), list(columns), rotation=30, ha="right", fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    for (row, column), value in np.ndenumerate(table):
        axes.text(column, row, f"{value:.0%}", ha="center", va="center", fontsize=7, color="#ffffff" if value > 0.6 else "#1a1a1a")
    axes.set_title(title, fontsize=9)
    return figure


def panels(count: int, most: int = 5, size: tuple[float, float] = (2.6, 2.6)) -> tuple[Figure, list[Axes]]:
    """Returns a figure with `count` panels, at most `most` in a row."""
    return _grid(count, most, size)


def _grid(count: int, most: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    columns = min(most, max(1, count))
    rows = -(-max(1, count) // columns)
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
    every = list(_flat(figure.subplots(rows, columns, squeeze=False)))
    for axes in every[count:]:
        axes.set_visible(False)
    return figure, every[:count]


def _flat(array: np.ndarray) -> Iterator[Axes]:
    yield from array.ravel()
