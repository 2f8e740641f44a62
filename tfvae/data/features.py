"""Features of texts that others have made, such as sentence embeddings: of a file, of a column, or of a pretrained model."""

import functools
import importlib
import os
import pathlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tfvae.config import DataConfig
from tfvae.data import corpora
from tfvae.data.columns import numbers
from tfvae.data.corpus import SPLITS, Split
from tfvae.data.tables import known_columns, read_columns
from tfvae.data.text import own_files
from tfvae.errors import UserError
from tfvae.opening import opened_as_is

COLUMN = "column:"
"""Begins the name of a column of lists."""
_AT_ONCE = 64


class Features(Protocol):
    """Where features come from."""

    def of_split(self, split: Split) -> np.ndarray:
        """Returns the features of a split's texts, float32 [N, F]."""

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the features of texts, float32 [N, F]."""


def features_of(data: DataConfig) -> Features:
    """Makes what `data.features` names.

    Raises:
      UserError: a file cannot be read, or there is no such model.
    """
    named = data.features
    if named.startswith(COLUMN) or named.endswith(".npy"):
        return KeptFeatures(data)
    return ModelFeatures(named)


class KeptFeatures:
    """Features of the texts of one's own files, and of no others: arrays of files, a row a row of theirs, or a column of lists."""

    def __init__(self, data: DataConfig) -> None:
        """Names the files; they are read when features are asked for."""
        self.data = data

    @functools.cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        """The features of each of the user's files, by its path."""
        files, named = own_files(self.data), self.data.features
        if named.startswith(COLUMN):
            column = named.removeprefix(COLUMN)
            return {path: _column(path, self.data.name, column) for path in files.values()}
        arrays = [os.path.expanduser(os.path.join(self.data.dir, name.strip())) for name in named.split(",")]
        if len(arrays) != len(files):
            raise UserError(f"config.data.features = {named}: {len(arrays)} files, and there are {len(files)} of texts: name one for each")
        return {path: _load(array) for path, array in zip(files.values(), arrays, strict=True)}

    def of_split(self, split: Split) -> np.ndarray:
        """Returns the rows of the texts' places in their file, or those that came with them."""
        if split.features is not None:
            return split.features
        array = self._arrays.get(split.origin)
        if array is None:
            [array] = self._arrays.values()  # of texts from memory, which are all in one file
        if split.lines.max() > len(array):
            raise UserError(f"config.data.features = {self.data.features}: {len(array)} rows, and {split.where(-1)} needs more: one a row")
        return array[split.lines - 1]

    @functools.cached_property
    def _by_text(self) -> dict[str, np.ndarray]:
        corpus = corpora.read(self.data)
        splits = [corpus.split(name) for name in SPLITS]
        return {text: row for split in splits for text, row in zip(split.items, self.of_split(split), strict=True)}

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the features of texts that are among the user's.

        Raises:
          UserError: one is not.
        """
        unknown = [text for text in texts if text not in self._by_text]
        if unknown:
            raise UserError(
                f"{len(unknown)} texts, such as {unknown[0][:40]!r}, are not among those that {self.data.features} has features of: give "
                "(texts, features), an array [N, F] beside"
            )
        return np.stack([self._by_text[text] for text in texts])


class ModelFeatures:
    """Features that a model of sentence-transformers makes of any text."""

    def __init__(self, name: str) -> None:
        """Names a folder, an installed package that holds one, or a model of the hub; it is loaded when features are asked for."""
        self.name = name

    @functools.cached_property
    def _model(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise UserError(
                f"config.data.features = {self.name}: is neither FILE.npy nor {COLUMN}NAME, and models of sentences need "
                "sentence-transformers: pip install 'tfvae[embeddings]'"
            ) from None
        try:
            return SentenceTransformer(_folder(self.name), device="cpu")
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise UserError(f"config.data.features = {self.name}: no model that sentence-transformers loads: {said}") from None

    def of_split(self, split: Split) -> np.ndarray:
        """Returns the features of its texts."""
        return self.of_texts(split.items)

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Returns what the model makes of each."""
        return np.asarray(self._model.encode(list(texts), batch_size=_AT_ONCE, show_progress_bar=False), np.float32)


def _folder(name: str) -> str:
    """The folder of a model that an installed package holds, or the name."""
    if os.path.isdir(name) or not name.isidentifier():
        return name
    try:
        module = importlib.import_module(name)
    except ImportError:
        return name
    found = sorted(pathlib.Path(str(module.__file__)).parent.rglob("modules.json"))
    return str(found[0].parent) if found else name


def _load(path: str) -> np.ndarray:
    try:
        with opened_as_is(path, "check config.data.features"):
            array = np.lib.format.open_memmap(path, mode="r")  # a header cannot announce more than the file has
    except UserError:
        raise
    except Exception as error:  # NumPy raises errors of many types for a header that is none
        raise UserError(f"{path}: no array that can be read: {' '.join(str(error).split())}") from None
    return numbers(array, path)


def _column(path: str, kind: str, column: str) -> np.ndarray:
    values = read_columns(path, kind, lambda names: known_columns(path, names, [column])).column(0).to_pylist()
    sizes = {None if row is None else len(row) if isinstance(row, list) else -1 for row in values}
    if len(sizes) != 1 or sizes & {None, -1, 0}:
        raise UserError(f"{path}: the column {column} must hold lists of numbers, all of one length")
    return numbers(np.array(values), f"{path}, column {column}")
