"""Pictures of a search: the objective against each parameter, parallel coordinates, likelihood against what the latent variable tells."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from tuning.search import Search
from tuning.space import Parameter
from tuning.trial import COMPLETED, STOPPED, Result, best

matplotlib.use("Agg")
_COMPLETED, _STOPPED, _BEST = "#0072B2", "#999999", "#D55E00"  # of Okabe and Ito, told apart by colour-blind eyes
_LIKELIHOOD = "log_perplexity"
_TOLD = {
    "mutual_information": "I(x; c), nats a variable (up is better)",
    "use": "use of the codes, share of log K (up is better)",
    "mutual_information_z": "I(x; z), nats (up is better)",
}
"""What likelihood is traded for, and how axes call it."""


def draw(search: Search, results: Mapping[str, Result]) -> list[pathlib.Path]:
    """Draws what there is to see into pictures/, each as PNG and SVG; returns the PNG files.

    A picture is left out when fewer than two completed trials have what it shows.
    """
    # what was measured half-way cannot be held against what was measured at the end
    scored = {name: result for name, result in results.items() if result.status == COMPLETED and result.score is not None}
    stopped = [result for result in results.values() if result.status == STOPPED]
    drawn: dict[str, Callable[[], Figure]] = {}
    if len(scored) >= 2:
        for parameter in search.settings.space:
            if sum(parameter.name in result.values for result in scored.values()) >= 2:
                drawn[f"objective-{parameter.name}"] = lambda parameter=parameter: _against(search, scored, stopped, parameter)  # type: ignore[misc]
        drawn["parallel"] = lambda: _parallel(search, scored)
    told = [name for name in _TOLD if sum({_LIKELIHOOD, name} <= result.figures.keys() for result in scored.values()) >= 2]
    if told:
        drawn["pareto"] = lambda: _pareto(search, scored, told)
    files = []
    for name, make in drawn.items():
        folder = search.path / "pictures"
        folder.mkdir(exist_ok=True)
        figure = make()
        for ending in ("png", "svg"):
            figure.savefig(folder / f"{name}.{ending}", dpi=150, bbox_inches="tight")
        files.append(folder / f"{name}.png")
    return files


def _against(search: Search, results: Mapping[str, Result], stopped: Sequence[Result], parameter: Parameter) -> Figure:
    figure = Figure(figsize=(5, 3.5))
    axes = figure.subplots()
    have = {name: result for name, result in results.items() if parameter.name in result.values}
    _points(axes, search, have, lambda result: (_place(parameter, result), float(result.score or 0.0)))
    _name_axis(axes, parameter)
    axes.set_ylabel(f"{search.objective.text} ({'lower' if search.objective.direction == 'min' else 'higher'} is better)")
    places = [_place(parameter, result) for result in stopped if parameter.name in result.values]
    if places:
        top = axes.get_xaxis_transform()
        axes.scatter(places, [0.985] * len(places), marker="x", color=_STOPPED, transform=top, label="stopped early", clip_on=False)
    axes.legend(fontsize=8)
    return figure


def _pareto(search: Search, results: Mapping[str, Result], told: Sequence[str]) -> Figure:
    """Nats a token against each figure of what the latent variable tells, and the trials that none beats in both."""
    figure = Figure(figsize=(5 * len(told), 4), layout="constrained")
    for what, axes in zip(told, figure.subplots(1, len(told), squeeze=False)[0], strict=True):
        places = {
            name: (result.figures[_LIKELIHOOD], result.figures[what])
            for name, result in results.items()
            if {_LIKELIHOOD, what} <= result.figures.keys()
        }
        have = {name: results[name] for name in places}
        _points(axes, search, have, lambda result, what=what: (result.figures[_LIKELIHOOD], result.figures[what]))  # type: ignore[misc]
        front = pareto_front(list(places.values()))
        axes.step(*zip(*front, strict=True), where="post", color="black", linewidth=1, linestyle="--", label="Pareto front", zorder=1)
        for name, place in places.items():
            if place in front:
                axes.annotate(name, place, textcoords="offset points", xytext=(5, -9), fontsize=7)
        axes.set_xlabel("nats a token (left is better)")
        axes.set_ylabel(_TOLD[what])
        axes.legend(fontsize=8)
    return figure


def pareto_front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the points (low is better, high is better) that no other beats in both, by the first."""
    front: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front


def _parallel(search: Search, results: Mapping[str, Result]) -> Figure:
    """A line a trial over the parameters and the score, each axis from its least to its greatest value."""
    parameters = search.settings.space
    figure = Figure(figsize=(1.8 * (len(parameters) + 1) + 1, 4))
    axes = figure.subplots()
    scores = np.array([float(result.score or 0.0) for result in results.values()])
    sign = 1 if search.objective.direction == "max" else -1
    rank = np.argsort(np.argsort(sign * scores)) / max(1, len(scores) - 1)  # 1 the best
    chosen = best(results, search.objective)
    for (name, result), share in zip(results.items(), rank, strict=True):
        heights = [_height(parameter, result) for parameter in parameters] + [_scaled(float(result.score or 0.0), scores)]
        style = {"color": _BEST, "linewidth": 2.5, "zorder": 3} if name == chosen else {"color": matplotlib.colormaps["viridis"](share)}
        axes.plot(range(len(heights)), heights, marker="o", markersize=3, **style)
    labels = [*(parameter.name for parameter in parameters), "score"]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_yticks([])
    for place, parameter in enumerate(parameters):
        for end, height in zip(_ends(parameter), (-0.04, 1.02), strict=True):
            axes.text(place, height, end, ha="center", va="top" if height < 0 else "bottom", fontsize=8)
    for value, height in ((scores.min(), -0.04), (scores.max(), 1.02)):
        axes.text(len(parameters), height, f"{value:.4g}", ha="center", va="top" if height < 0 else "bottom", fontsize=8)
    for place in range(len(labels)):
        axes.axvline(place, color="#cccccc", linewidth=0.8, zorder=0)
    axes.set_ylim(-0.12, 1.1)
    axes.set_title("bold: the best trial; light: better than dark", fontsize=9)
    return figure


def _points(axes: Axes, search: Search, results: Mapping[str, Result], place: Callable[[Result], tuple[float, float]]) -> None:
    """Draws trials as points, the best one as a star."""
    chosen = best(results, search.objective)
    kinds: dict[str, tuple[list[Result], dict[str, Any]]] = {
        "completed": ([r for n, r in results.items() if n != chosen], {"marker": "o", "color": _COMPLETED}),
        "best": ([results[chosen]] if chosen else [], {"marker": "*", "s": 140, "color": _BEST}),
    }
    for label, (members, style) in kinds.items():
        if members:
            axes.scatter(*zip(*map(place, members), strict=True), label=label, zorder=2, **style)
    axes.grid(color="#eeeeee")


def _place(parameter: Parameter, result: Result) -> float:
    value = result.values[parameter.name]
    return float(parameter.values.index(value)) if parameter.values else float(value)


def _name_axis(axes: Axes, parameter: Parameter) -> None:
    axes.set_xlabel(parameter.name)
    if parameter.values:
        axes.set_xticks(range(len(parameter.values)), list(map(str, parameter.values)))
        axes.set_xlim(-0.5, len(parameter.values) - 0.5)
        return
    margin = (parameter.high / parameter.low) ** 0.05 if parameter.scale == "log" else 0.05 * (parameter.high - parameter.low)
    if parameter.scale == "log":
        axes.set_xscale("log")
        ticks = np.geomspace(parameter.low, parameter.high, 5)
        axes.set_xticks(np.unique(np.round(ticks)) if isinstance(parameter.low, int) else ticks)
        axes.xaxis.set_major_formatter("{x:.3g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(parameter.low / margin, parameter.high * margin)
    else:
        axes.set_xlim(parameter.low - margin, parameter.high + margin)


def _height(parameter: Parameter, result: Result) -> float:
    """A value's share of its range; the middle where the trial has none."""
    if parameter.name not in result.values:
        return 0.5
    place = _place(parameter, result)
    if parameter.values:
        return place / max(1, len(parameter.values) - 1)
    scale = np.log if parameter.scale == "log" else float
    low, high, place = (float(scale(value)) for value in (parameter.low, parameter.high, place))
    return (place - low) / (high - low)


def _scaled(value: float, values: np.ndarray) -> float:
    spread = float(values.max() - values.min())
    return (value - float(values.min())) / spread if spread else 0.5


def _ends(parameter: Parameter) -> tuple[str, str]:
    ends = (parameter.values[0], parameter.values[-1]) if parameter.values else (parameter.low, parameter.high)
    return f"{ends[0]}", f"{ends[1]}"
