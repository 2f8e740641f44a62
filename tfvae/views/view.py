"""What every view offers."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

Batch = Mapping[str, Any]
Passes = Callable[[], Iterable[Batch]]
"""Begins a pass over the training examples, in batches."""


class Clusters(Protocol):
    """Finds clusters of rows."""

    def fit(self, matrix: scipy.sparse.csr_matrix) -> Any:
        """Finds clusters of rows, [N, F]."""

    def predict(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Returns the cluster of each row, int [N]."""


class View(keras.layers.Layer):
    """From a batch to features [B, F] that are the view's alone: it has no weights but what `learn` sets.

    A variable's code is what a view says of an example, and still says when features are hidden. Different views give variables different
    things to tell: how something is said, and what it is about.

    Attributes:
      output_dim: F.
      of_common_words: whether common words, which tell nothing elsewhere, are what it shows.
    """

    output_dim: int
    of_common_words: bool = False

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def learn(self, passes: Passes) -> None:
        """Chooses features by what training examples have."""

    def example(self) -> Batch:
        """Returns what a view reads that no decoder writes, of one example."""
        return {}

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns features, float [B, F]."""
        raise NotImplementedError

    def clusters(self, count: int, seed: int) -> Clusters:
        """Returns what finds clusters of the features, from which a code starts."""
        raise NotImplementedError

    def start(self, features: scipy.sparse.csr_matrix, count: int, seed: int, passes: Passes) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns what a code learns from.

        Args:
          features: of N examples.
          count: clusters.
          seed: of what is drawn.
          passes: begins a pass over the same examples, which may have more to tell than the view shows.

        Returns:
          clusters, int [N], and numbers of examples that tell the same as each does, as far as the view knows, from which another sight
          of it is drawn, int [N, k]; None: each example itself.
        """
        return self.clusters(count, seed).fit(features).predict(features), None


def seen(look: Callable[[Batch], tf.Tensor], passes: Passes) -> scipy.sparse.csr_matrix:
    """Returns what is seen of all examples in a pass, [N, F], by what says it of a batch, [B, F]."""
    return scipy.sparse.vstack([scipy.sparse.csr_matrix(look(batch).numpy()) for batch in passes()], "csr")


def rows_with(ids: np.ndarray, size: int) -> np.ndarray:
    """Returns how many rows have each id, int64 [size], of ids [B, T]; an id of `size` or more is none."""
    row = np.repeat(np.arange(len(ids)), ids.shape[1])
    row_and_id = np.unique(row * (size + 1) + np.minimum(ids, size).ravel())
    return np.bincount(row_and_id % (size + 1), minlength=size + 1)[:size]


def presence(columns: tf.Tensor, size: int, dtype: str) -> tf.Tensor:
    """Returns 1 where a row has a column, [B, size].

    Args:
      columns: int [B, T]; `size` is no column, and not counted.
      size: how many columns there are.
      dtype: of the answer.
    """
    found = tf.math.bincount(columns, minlength=size + 1, maxlength=size + 1, axis=-1, binary_output=True)
    return tf.ensure_shape(tf.cast(found[:, :size], dtype), [None, size])
