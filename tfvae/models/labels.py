"""Labels that supervise variables: which classes components are. A run keeps them beside its weights, which know nothing of names."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfvae.data.files import write_text
from tfvae.errors import UserError, suggest

FILE = "labels.json"
"""The file of a run that holds them."""


@dataclasses.dataclass(frozen=True)
class Supervised:
    """A variable whose first components are the classes of a label.

    Attributes:
      variable: its number.
      classes: names, in the order of the components.
    """

    variable: int
    classes: tuple[str, ...]


Labels = Mapping[str, Supervised]
"""By the label's name."""


def save_labels(labels: Labels, folder: pathlib.Path) -> None:
    """Writes labels.json into a folder; there is never half a file."""
    values = {name: {"variable": label.variable, "classes": list(label.classes)} for name, label in labels.items()}
    write_text(folder / FILE, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def load_labels(folder: pathlib.Path, names: Mapping[str, int]) -> Labels:
    """Reads what `save_labels` wrote of some labels, by the variable of each.

    Raises:
      UserError: the file is missing or damaged.
    """
    if not names:
        return {}
    path = folder / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {name: Supervised(variable, tuple(map(str, values[name]["classes"]))) for name, variable in names.items()}
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}; put it back as the run wrote it") from None
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{path} is damaged: does not name the classes of {', '.join(names)}; put it back as the run wrote it") from None


def find_label(labels: Labels, name: str) -> str:
    """Returns the name of a label; of the only one where none is named.

    Raises:
      UserError: there is no such label, or none is named of several.
    """
    if not labels:
        raise UserError("no label supervised this model's codes, so there is none to predict: train with --config.objective.labels")
    if not name and len(labels) > 1:
        raise UserError(f"which label? It is one of {', '.join(labels)}")
    if name and name not in labels:
        raise UserError(f"{name!r} is not a label that this model predicts{suggest(name, labels)}")
    return name or next(iter(labels))


def of_classes(label: Supervised, probabilities: Any) -> Any:
    """Returns the probabilities of a label's classes, [N, C] from q(c|x) [N, J, K], given it is one of them; of an array or a tensor."""
    own = probabilities[:, label.variable, : len(label.classes)]
    return own / (tf.reduce_sum(own, axis=1, keepdims=True) if isinstance(own, tf.Tensor) else own.sum(axis=1, keepdims=True))
