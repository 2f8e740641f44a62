"""The shares of a batch that replicas train on."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Shares:
    """Which shares of each batch a dataset has.

    A batch of B examples is dealt out to `count` replicas one by one, so that each has B / count of them, rounded up; where there are not
    enough for that, the batch's first example fills the place, with a weight of 0. A place may come filled: by -1 - i, the example i.

    Attributes:
      count: replicas.
      first: the first share that the dataset has.
      here: how many it has, one after the other.
    """

    count: int = 1
    first: int = 0
    here: int = 1

    def cut(self, index: tf.Tensor, *beside: Any) -> tf.data.Dataset:
        """Returns a share after the other of a batch.

        Args:
          index: numbers of its examples, int32 [B].
          *beside: what is the batch's, and each share has whole.

        Returns:
          (numbers, int32 [size]; which of them are there, float32 [size]; *beside), `here` times.
        """
        batch = tf.size(index)
        size = (batch + self.count - 1) // self.count
        filled = tf.concat([index, tf.repeat(index[:1], size * self.count - batch)], 0)
        there = tf.cast((tf.range(size * self.count) < batch) & (filled >= 0), tf.float32)
        filled = tf.where(filled < 0, -1 - filled, filled)
        mine = slice(self.first, self.first + self.here)
        dealt = tuple(tf.transpose(tf.reshape(values, [size, self.count]))[mine] for values in (filled, there))
        own = tf.data.Dataset.from_tensor_slices(dealt)
        return own.map(lambda index, there: (tf.ensure_shape(index, [None]), there, *beside))


def lay_out(parts: Sequence[np.ndarray], spare: Sequence[int], count: int) -> np.ndarray:
    """Lays a batch out so that the examples of each group of files are dealt out to replicas that follow each other.

    Args:
      parts: the numbers of each group's examples, int [n] each, perhaps none.
      spare: an example of each group, which fills places where the group has fewer than others.
      count: replicas, a multiple of the groups, or fewer than those.

    Returns:
      int32 [B], as `Shares.cut` deals them out, filled places among them.
    """
    each = max(1, count // len(parts))  # replicas of a group
    rows = -(-max(map(len, parts)) // each)
    columns = [np.append(part, np.full(rows * each - len(part), -1 - fill)) for part, fill in zip(parts, spare, strict=True)]
    return np.concatenate([column.reshape(rows, each) for column in columns], axis=1).ravel().astype(np.int32)


WHOLE = Shares()
