"""The tokens of a batch that are not padding."""

import functools

import tensorflow as tf

from tfvae import stateless


class Packing:
    """The order in which a recurrent network visits the M tokens of a batch: all first ones, all second ones, and so on.

    Sentences are in order of length, the longest first. At step t only the first `counts[t]` of them still have a token, so values of shape
    [M, ...] hold no padding, and a step's are the slice from `offsets[t]`.

    Attributes:
      length: tokens of each sentence, shape [B].
      time: T, tokens of the longest one or more.
      order: sentences, longest first, shape [B].
      rank: place of each sentence in that order, shape [B].
      counts: sentences that have a token at each step, shape [T].
      offsets: tokens before each step's, shape [T + 1].
      sentence: of each token, shape [M].
      position: of each token in its sentence, shape [M].
    """

    def __init__(self, length: tf.Tensor, time: tf.Tensor | int) -> None:
        """Finds the order for sentences of so many tokens, shape [B], in a batch padded to T."""
        self.length, self.time = tf.cast(length, tf.int32), time
        self.order = tf.argsort(self.length, direction="DESCENDING", stable=True)
        self.rank = tf.math.invert_permutation(self.order)
        has = tf.range(time)[:, None] < tf.gather(self.length, self.order)  # [T, B]
        self.counts = tf.reduce_sum(tf.cast(has, tf.int32), 1)
        self.offsets = tf.concat([[0], tf.cumsum(self.counts)], 0)
        token = tf.cast(tf.where(has), tf.int32)
        self.position, self.sentence = token[:, 0], tf.gather(self.order, token[:, 1])

    @property
    def batch(self) -> tf.Tensor:
        """B."""
        return tf.shape(self.length)[0]

    @functools.cached_property
    def reverse(self) -> tf.Tensor:
        """Which token is where the sentences are read backwards, shape [M]; a permutation that is its own inverse."""
        mirrored = tf.gather(self.length, self.sentence) - 1 - self.position
        return tf.gather(self.offsets, mirrored) + tf.gather(self.rank, self.sentence)

    def pack(self, values: tf.Tensor) -> tf.Tensor:
        """Returns [M, ...] from padded values [B, T, ...]."""
        index = self.sentence * self.time + self.position
        return tf.gather(tf.reshape(values, tf.concat([[-1], tf.shape(values)[2:]], 0)), index)

    def seeds(self, seed: tf.Tensor) -> tf.Tensor:
        """Returns a seed for each token, [M, 2], of its sentence's, [B, 2], and its position; one seed [2] as it is."""
        return seed if seed.shape.rank == 1 else stateless.fold(tf.gather(seed, self.sentence), self.position)

    def unpack(self, values: tf.Tensor) -> tf.Tensor:
        """Returns [B, T, ...], zero in the padding, from [M, ...]."""
        shape = tf.concat([[self.batch, self.time], tf.shape(values)[1:]], 0)
        return tf.scatter_nd(tf.stack([self.sentence, self.position], -1), values, shape)

    def last(self, values: tf.Tensor, otherwise: tf.Tensor) -> tf.Tensor:
        """Returns each sentence's value at its last token, [B, ...] from [M, ...]; of a sentence of none, its row of `otherwise`."""
        end = tf.gather(self.offsets, tf.maximum(self.length - 1, 0)) + self.rank  # in bounds only where there is a token
        index = tf.where(self.length > 0, end, tf.shape(values)[0] + tf.range(self.batch))
        return tf.gather(tf.concat([values, otherwise], 0), index)
