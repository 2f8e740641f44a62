"""The part of a page that says how well labels are predicted."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from tfvae.evaluation.figure import Figure
from tfvae.evaluation.predictions import CONFUSION
from tfvae.evaluation.table import number
from tfvae.reports import pictures
from tfvae.reports.pictures import Picture, picture

_NAME = "prediction_accuracy"
_CLASSES = 20  # that a picture shows


@dataclasses.dataclass(frozen=True)
class Predictions:
    """Of one label.

    Attributes:
      label: its name.
      rows: who predicts, accuracy with its error, macro-averaged F1.
      remark: how the model fares, a sentence.
      confusion: which classes are taken for which; None of too many.
    """

    label: str
    rows: Sequence[tuple[str, str, str]]
    remark: str
    confusion: Picture | None


def predictions_of(figures: Sequence[Figure], folder: pathlib.Path) -> list[Predictions]:
    """Returns the predictions of each label, of a split's figures; pictures are written into a folder."""
    found = []
    for figure in figures:
        if figure.name == _NAME and figure.value is not None:
            own = {other.name: other for other in figures if other.settings.get("label") == figure.settings["label"]}
            found.append(_of_label(str(figure.settings["label"]), own, folder))
    return found


def lines_of(figures: Sequence[Figure]) -> list[list[str]]:
    """Returns the cells of a table: label, who predicts it, accuracy with its error, macro-averaged F1; a line a label and predictor."""
    lines = []
    for label in dict.fromkeys(str(figure.settings["label"]) for figure in figures if figure.name == _NAME and figure.value is not None):
        own = {figure.name: figure for figure in figures if str(figure.settings.get("label")) == label}
        lines += [[label, *row] for row in _rows(own)]
    return lines


def _of_label(label: str, figures: Mapping[str, Figure], folder: pathlib.Path) -> Predictions:
    remark = figures[_NAME].remark
    return Predictions(label, _rows(figures), f"The model {remark}." if remark else "", _confusion(label, figures[CONFUSION], folder))


def _rows(figures: Mapping[str, Figure]) -> list[tuple[str, str, str]]:
    """Who predicts, accuracy with its error, macro-averaged F1, of one label's figures."""
    rows = []
    for name, figure in figures.items():
        if name.startswith(_NAME):
            f1 = figures[name.replace("accuracy", "macro_f1")]
            who = "the model" if name == _NAME else figure.estimator
            rows.append((who, f"{number(figure.value)} ± {number(figure.error)}", number(f1.value)))
    return rows


def _confusion(label: str, figure: Figure, folder: pathlib.Path) -> Picture | None:
    names = [pictures.drawable(name, place) for place, name in enumerate(figure.settings["classes"])]
    if len(names) > _CLASSES:
        return None
    counts = np.asarray(figure.value)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    rows = [f"{name}  ({count:,})" for name, count in zip(names, counts.sum(axis=1), strict=True)]
    title = f"{label}: what examples of each class are taken for"
    file = "".join(character if character.isalnum() else "-" for character in label)
    return picture(f"predictions-{file}", title, folder, lambda: pictures.heat_map(shares, rows, names, title))
