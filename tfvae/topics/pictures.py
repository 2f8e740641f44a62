"""Pictures of topics, each a file."""

import pathlib
from collections.abc import Sequence

import matplotlib.dates
import numpy as np
import scipy.cluster.hierarchy
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#B8A800")
"""Okabe and Ito's colours, which colour-blind eyes tell apart."""
_MOST = 12  # topics that a picture over time has


def dendrogram(joins: np.ndarray, names: Sequence[str], title: str, path: pathlib.Path) -> None:
    """Draws how topics join.

    Args:
      joins: as of `tfvae.topics.hierarchy.linkage`.
      names: of the topics.
      title: of the picture.
      path: of the file, .png or .svg.
    """
    figure = Figure(figsize=(9, 1.1 + 0.28 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    scipy.cluster.hierarchy.dendrogram(
        joins, labels=list(names), orientation="left", ax=axes, color_threshold=0, above_threshold_color=COLOURS[0], leaf_font_size=9
    )
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("1 - cosine of class-based TF-IDF", fontsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    _save(figure, path)


def draw_over_time(starts: np.ndarray, counts: np.ndarray, names: Sequence[str], path: pathlib.Path) -> None:
    """Draws the shares of the most frequent topics over time.

    Args:
      starts: of the intervals, dates or numbers, [T].
      counts: of texts, [T, K].
      names: of the topics.
      path: of the file, .png or .svg.
    """
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for rank, topic in enumerate(np.argsort(-counts.sum(axis=0), kind="stable")[:_MOST]):
        style = ("-", "--", ":")[rank // len(COLOURS)]
        axes.plot(starts, shares[:, topic], style, color=COLOURS[rank % len(COLOURS)], marker="o", markersize=3, label=names[topic])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    if starts.dtype.kind == "M":
        locator = matplotlib.dates.AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(matplotlib.dates.ConciseDateFormatter(locator))
    elif np.array_equal(starts, np.round(starts)):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("share of the texts", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(linewidth=0.4)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: pathlib.Path) -> None:
    FigureCanvasAgg(figure)
    partial = path.with_name(f".partial.{path.name}")
    figure.savefig(partial, dpi=130)
    partial.replace(path)
