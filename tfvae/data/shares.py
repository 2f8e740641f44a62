"""The shares of a batch that replicas train on."""

import dataclasses
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Shares:
    """Which shares of each batch a dataset has.

    A batch of B examples is dealt out to `count` replicas one by one, so that each has B / count of them, rounded up; where there are not
    enough for that, the batch's first example fills the place, with a weight of 0.

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
        there = tf.cast(tf.range(size * self.count) < batch, tf.float32)
        mine = slice(self.first, self.first + self.here)
        dealt = tuple(tf.transpose(tf.reshape(values, [size, self.count]))[mine] for values in (filled, there))
        own = tf.data.Dataset.from_tensor_slices(dealt)
        return own.map(lambda index, there: (tf.ensure_shape(index, [None]), there, *beside))


WHOLE = Shares()
