"""What a Python user holds texts in: lists, arrays, columns of tables, generators, datasets."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfvae.data.labelled_texts import LABEL, LabelledTexts
from tfvae.errors import UserError

_SHOWN = 40  # characters of an item in a message


def strings(values: Any, name: str = "texts") -> list[str]:
    """Returns a column of texts as a list.

    Args:
      values: N strings, or bytes in UTF-8: a list or another iterable, a NumPy array, a column of pandas, pyarrow, polars or Hugging Face
        datasets, a string tensor, or a `tf.data.Dataset` of strings.
      name: what they are, for messages.

    Raises:
      UserError: it is one string, a table, or of several dimensions; it is empty; or an item is no string: the message says which.
    """
    column = _column(values, name)
    texts = [item if type(item) is str else _text(item, f"{name}[{place}]") for place, item in enumerate(column)]
    if not texts:
        raise UserError(f"{name} must be a list of one string or more; it is empty")
    return texts


def labelled(texts: Any, labels: Any = None, features: Any = None) -> LabelledTexts:
    """Returns what a user holds as texts with labels.

    Args:
      texts: N, as `strings` takes them, some perhaps blank, but not missing.
      labels: N classes of the texts, in anything that can be iterated; several, by name, in a mapping or a table; None: there are none.
      features: of the texts, numbers [N, F]; None: there are none.

    Raises:
      UserError: as `strings`, or other numbers of texts than of labels or features.
    """
    items = strings(texts)
    named = {} if labels is None else labels if isinstance(labels, Mapping) or hasattr(labels, "columns") else {LABEL: labels}
    columns = {str(name): list(_column(named[name], f"labels {name}")) for name in named}
    for name, values in columns.items():
        if len(values) != len(items):
            raise UserError(f"{len(items)} texts and {len(values)} labels of {name}: one a text is wanted")
    decoded = {name: [value.decode() if isinstance(value, bytes) else value for value in column] for name, column in columns.items()}
    made = LabelledTexts.of_rows(items, decoded, "texts", "text")
    if features is None:
        return made
    rows = numbers(features, "features")
    if len(rows) != len(items):
        raise UserError(f"{len(items)} texts and {len(rows)} rows of features: one a text is wanted")
    return dataclasses.replace(made, features=rows[made.lines - 1])


def numbers(array: Any, where: str) -> np.ndarray:
    """Returns features as float32 [N, F].

    Raises:
      UserError: they are no such array, or have numbers that are none.
    """
    array = np.asarray(array)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise UserError(f"{where}: features must be numbers [texts, features]; this is {array.dtype} {list(array.shape)}")
    if not np.isfinite(array).all():
        raise UserError(f"{where}: row {1 + int(np.argmin(np.isfinite(array).all(axis=1)))} has a number that is not finite")
    return array.astype(np.float32)


def _column(values: Any, name: str) -> Any:
    """What is iterated over."""
    wanted = f"{name} must be a list of one string or more"
    if isinstance(values, str | bytes):
        raise UserError(f"{wanted}; this is one string: put it into a list")
    if isinstance(values, Mapping) or hasattr(values, "columns") or hasattr(values, "column_names"):
        raise UserError(f"{wanted}; this is a table, {type(values).__name__}: name one of its columns, as in table['text']")
    if (dimensions := getattr(values, "ndim", 1)) != 1:
        raise UserError(f"{wanted}; this has {dimensions} dimensions, {list(values.shape)}: one is wanted")
    for method in ("to_pylist", "as_numpy_iterator", "numpy"):  # of pyarrow, tf.data and tensors, whose items are wrapped
        if hasattr(values, method):
            return getattr(values, method)()
    try:
        return iter(values)
    except TypeError:
        raise UserError(f"{wanted}; this is {type(values).__name__}") from None


def _text(item: Any, where: str) -> str:
    if isinstance(item, str):
        return str(item)
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError:
            raise UserError(f"{where} is bytes that are not UTF-8: decode them first") from None
    if item is None or type(item).__name__ == "NAType" or (isinstance(item, float) and math.isnan(item)):
        raise UserError(f"{where} is {item}, a missing value: a string is wanted; leave such items out, or fill them")
    shown = repr(item)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    raise UserError(f"{where} is {shown}, of type {type(item).__name__}: a string is wanted")
