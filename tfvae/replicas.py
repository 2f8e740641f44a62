"""Sums over the replicas of a model that train on one batch together.

A loss that is a function of sums over examples, and not only a mean of theirs, needs the sums of the whole batch: each replica finds those
of its own share, `total` puts all together, and gradients, which each replica has of its own share alone, are then summed.

References:
  tf.distribute, ReplicaContext.all_reduce.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def count() -> int:
    """Returns how many replicas the step that is being traced runs on; 1 outside of a strategy."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def summed(values: Any) -> Any:
    """Returns sums over replicas of a structure of tensors, the same on each; all that are alike in type go in one message.

    No gradient is meant to pass.
    """
    context = tf.distribute.get_replica_context()
    if count() == 1 or context is None:
        return values
    leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(values)]
    sums: list[Any] = [None] * len(leaves)
    for dtype in sorted({leaf.dtype.name for leaf in leaves}):
        places = [i for i, leaf in enumerate(leaves) if leaf.dtype.name == dtype]
        joined = tf.concat([tf.reshape(leaves[i], [-1]) for i in places], 0)
        parts = tf.split(context.all_reduce(tf.distribute.ReduceOp.SUM, joined), [tf.size(leaves[i]) for i in places])
        for i, part in zip(places, parts, strict=True):
            sums[i] = tf.ensure_shape(tf.reshape(part, tf.shape(leaves[i])), leaves[i].shape)
    return tf.nest.pack_sequence_as(values, sums)


def total(values: Any) -> Any:
    """Returns what `summed` does, whose gradient is that of the replica's own share."""
    if count() == 1:
        return values
    sums = summed(tf.nest.map_structure(tf.stop_gradient, values))
    return tf.nest.map_structure(lambda own, whole: own + (whole - tf.stop_gradient(own)), values, sums)


def of_all(value: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Returns what is of the whole batch, so that the mean over its examples, [B] weights of the replica's own, has the whole gradient."""
    if count() == 1:
        return value
    own = tf.reduce_sum(weight)
    share = tf.cast(tf.math.divide_no_nan(summed(own), own), value.dtype)
    return tf.stop_gradient(value) + share * (value - tf.stop_gradient(value))


def share(mean: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Returns what a mean over the replica's own examples, of weights [B], adds to the mean over the whole batch."""
    if count() == 1:
        return mean
    own = tf.reduce_sum(weight)
    return mean * tf.cast(own / summed(own), mean.dtype)


def sum_gradients(gradients: Sequence[Any]) -> list[Any]:
    """Returns gradients summed over replicas; of a sparse one, the rows of one index are added up, as its norm is of them only then."""
    if count() == 1:
        return [_merged(gradient) for gradient in gradients]
    return summed([tf.convert_to_tensor(gradient) for gradient in gradients])


def _merged(gradient: Any) -> Any:
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    indices, place = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(indices))
    return tf.IndexedSlices(values, indices, gradient.dense_shape)


def batch_normalization(name: str, **options: Any) -> keras.layers.BatchNormalization:
    """Returns the layer with momentum .9 and epsilon 1e-5, of the statistics of the whole batch; what fills shares up counts among them."""
    given = {"momentum": 0.9, "epsilon": 1e-5, "synchronized": tf.distribute.has_strategy()}
    return keras.layers.BatchNormalization(name=name, **given, **options)


class SummedGradients:
    """Mixed into a Keras optimiser: the gradients that it is given are sums over replicas already, as clipping needs them."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        """Leaves them as they are."""
        return grads_and_vars
