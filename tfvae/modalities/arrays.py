"""Items that are arrays of one shape: all of a modality but what an item means."""

import functools
import json
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus, Split
from tfvae.data.files import write_text
from tfvae.data.npz import read_arrays
from tfvae.errors import UserError
from tfvae.modalities.modality import Batch, Modality

_AT_ONCE = 4096  # items of a batch, at most
_COST = 64  # tokens that an item counts as, where memory is shared out


class Arrays(Modality):
    """An example is an array of numbers of a fixed shape.

    A subclass says in `shown` what the networks read of it, and in `show` what an item is of what a decoder has written.

    Attributes:
      key: of the batch, under which the networks find what `shown` returns.
      dtype: of items.
      limits_of_values: the least and the greatest number in an item.
      sizes: names of the sizes in `shape`.
      size: the sizes themselves.
      seed: of what is drawn to show items outside training.
    """

    files = ("shape.json",)
    suffix = ".npz"
    learnt = "shape"
    key: str
    dtype: type[np.generic]
    limits_of_values: tuple[int, int]
    sizes: tuple[str, ...]

    def __init__(self, *size: int, seed: int = 0) -> None:
        """Sets the shape of an item, and the seed of what is drawn outside training."""
        self.size, self.seed = size, seed

    @classmethod
    def of(cls, size: Sequence[int], data: DataConfig) -> "Arrays":
        """Makes the modality from the shape of an item and the settings of the data."""
        return cls(*size, seed=data.split_seed)

    @classmethod
    def learn(cls, corpus: Corpus, data: DataConfig) -> "Arrays":
        """Takes the shape of the training items."""
        return cls.of([int(size) for size in np.shape(corpus.train.items)[1:]], data)

    @classmethod
    def load(cls, folder: pathlib.Path, data: DataConfig) -> "Arrays":
        """Reads shape.json."""
        path = folder / cls.files[0]
        try:
            shape = json.loads(path.read_text())
            return cls.of([int(shape[name]) for name in cls.sizes], data)
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{path}: does not hold the numbers {', '.join(cls.sizes)}; take the file as the run was written") from None

    def save(self, folder: pathlib.Path) -> None:
        """Writes shape.json."""
        write_text(folder / self.files[0], json.dumps(dict(self.shape)) + "\n")

    def same(self, other: Modality) -> bool:
        """Returns whether items have the same shape."""
        return type(other) is type(self) and other.shape == self.shape

    @property
    def shape(self) -> Mapping[str, int]:
        """The sizes by name."""
        return dict(zip(self.sizes, self.size, strict=True))

    def describe(self) -> str:
        """Returns the shape."""
        return f"{' x '.join(map(str, self.size))} {self.unit}s"

    def examples(self, split: Split, *, training: bool = False, seed: int = 0) -> "ArrayExamples":
        """Makes a split's examples; what is drawn to show those of training is drawn by `seed`, else by that of the splits."""
        return ArrayExamples(self, self.checked(split.items), split.labels, seed if training else self.seed)

    def longest(self, split: Split) -> int:
        """Returns the numbers of an item."""
        return int(np.prod(self.size))

    def batches(self, items: Any, batch_size: int) -> Iterator[tuple[np.ndarray, Batch, dict[str, np.ndarray]]]:
        """Yields batches of items, [N, …]."""
        arrays = self.checked(items)
        size = min(batch_size, _AT_ONCE)
        for start in range(0, len(arrays), size):
            index = np.arange(start, min(start + size, len(arrays)))
            yield index, self.read(tf.constant(arrays[index])), {}

    def checked(self, items: Any) -> np.ndarray:
        """Returns items as an array.

        Raises:
          UserError: they are no arrays of this shape and these limits, or there are none.
        """
        low, high = self.limits_of_values
        wanted = f"{self.name} must be an array of one {self.item} or more, {[None, *self.size]}, numbers from {low:g} to {high:g}"
        try:
            arrays = np.asarray(items)
        except ValueError:
            raise UserError(f"{wanted}; these are of several shapes") from None
        if arrays.dtype.kind not in "biuf" or arrays.shape[1:] != tuple(self.size) or not len(arrays):
            raise UserError(f"{wanted}; this is {arrays.dtype} {list(arrays.shape)}")
        if not (arrays.min() >= low and arrays.max() <= high):
            raise UserError(f"{wanted}; these are from {arrays.min():g} to {arrays.max():g}")
        whole = np.issubdtype(self.dtype, np.integer)
        if whole and arrays.dtype.kind == "f" and not np.array_equal(arrays, np.round(arrays)):
            raise UserError(f"{wanted}, whole ones; these have fractions: scale and round them first")
        return arrays.astype(self.dtype)

    def shown(self, items: tf.Tensor, seed: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Returns what the networks read of items [B, …], the items of the numbers `index` [B], drawn by a seed [2] where it is drawn."""
        raise NotImplementedError

    def show(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns what a decoder has written, as it is."""
        return raw

    def unpack(self, shown: Sequence[np.ndarray]) -> np.ndarray:
        """Returns an array [N, …]."""
        return np.concatenate([np.asarray(part) for part in shown])

    def read_file(self, path: str, column: str = "") -> np.ndarray:
        """Reads the array of an .npz file that has the modality's name; there is no other to choose."""
        if column:
            raise UserError(f"--text_column={column}: {path} is no table of texts but a file of {self.name}: leave it out")
        return read_arrays(path, {self.name: (self.dtype, (None, *self.size))}, advice="check --input")[self.name]

    def save_items(self, path: pathlib.Path, items: np.ndarray, columns: int) -> None:
        """Writes an .npz file with an array of the modality's name."""
        partial = path.with_name(f".{path.name}")
        np.savez(partial, **{self.name: items})  # type: ignore[arg-type]
        os.replace(partial, path)

    def summarize(self, tag: str, heading: str, notes: Sequence[Any], items: np.ndarray) -> None:
        """Writes a table, an item a line."""
        rows = [f"| {note} | {np.asarray(item).tolist()} |" for note, item in zip(notes, items, strict=True)]
        tf.summary.text(tag, "\n".join([f"| {heading} | {self.item} |", "|---|---|", *rows]))

    def input_spec(self) -> tf.TensorSpec:
        """Returns items, [B, …]."""
        return tf.TensorSpec([None, *self.size], self.dtype, self.name)

    def read(self, items: tf.Tensor) -> Batch:
        """Returns items as they are shown: what is drawn of one depends on the item alone."""
        index = stateless.fingerprint(items)
        return {self.key: self.shown(items, tf.constant([self.seed, 0]), index), "index": index}

    def blank(self) -> tf.Tensor:
        """Returns zeros."""
        return tf.zeros(self.size, self.dtype)

    def width(self, batch: Batch) -> tf.Tensor:
        """Returns what an item costs, as a sentence of some tens of words."""
        return tf.constant(_COST)

    def stand_ins(self) -> np.ndarray:
        """Returns three items, of the least number, the greatest and one between."""
        low, high = self.limits_of_values
        return np.stack([np.full(self.size, value, self.dtype) for value in (low, (low + high) // 2, high)])


class ArrayExamples:
    """A split of arrays.

    Attributes:
      arrays: the items, [N, …].
      labels: for each label name the class of every item, int32 [N].
    """

    def __init__(self, modality: Arrays, arrays: np.ndarray, labels: Mapping[str, np.ndarray], seed: int) -> None:
        """Joins items, how they are shown, and the seed of that."""
        self.modality, self.arrays, self.labels, self.seed = modality, arrays, labels, seed

    def __len__(self) -> int:
        """How many there are."""
        return len(self.arrays)

    @property
    def cost(self) -> np.ndarray:
        """One, for each item."""
        return np.ones(len(self), np.int32)

    def batch(self, index: np.ndarray | tf.Tensor, epoch: tf.Tensor | None = None) -> Batch:
        """Returns the batch of the items that `index`, int [B], names, as the epoch shows them."""
        index = tf.cast(index, tf.int32)
        arrays, labels = self._tensors
        stream = tf.constant(0) if epoch is None else 1 + tf.cast(epoch, tf.int32)
        return {
            self.modality.key: self.modality.shown(tf.gather(arrays, index), tf.stack([self.seed, stream]), index),
            "weight": tf.ones_like(index, tf.float32),
            "index": index,
            "labels": {name: tf.gather(classes, index) for name, classes in labels.items()},
        }

    @functools.cached_property
    def _tensors(self) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        with tf.init_scope(), tf.device("CPU"):
            return tf.constant(self.arrays), {name: tf.constant(classes) for name, classes in self.labels.items()}
