"""Noise that is a function of a seed alone.

A seed is an int32 tensor of shape [2], for a whole batch, or [B, 2], one a row: then a row's noise does not depend on the rows beside it.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def fold(seed: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """Returns a seed of the same shape, [2] or [B, 2], that depends on `seed` and the integer `data`."""
    if seed.shape.rank == 2:
        return tf.map_fn(lambda row: tf.random.experimental.stateless_fold_in(row, data), seed)
    return tf.random.experimental.stateless_fold_in(seed, data)


def rows(seed: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns a seed for each row, [B, 2], from one seed [2] and the rows' own numbers, int32 [B]."""
    return tf.map_fn(lambda row: tf.random.experimental.stateless_fold_in(seed, row), index, fn_output_signature=tf.int32)


def normal(shape: tf.Tensor | list, seed: tf.Tensor, dtype: str = "float32") -> tf.Tensor:
    """Standard normal noise of the given shape; under a seed a row, shape[0] is B."""
    return _draw(lambda shape, seed: tf.random.stateless_normal(shape, seed, dtype=dtype), shape, seed, dtype)


def uniform(shape: tf.Tensor | list, seed: tf.Tensor, dtype: str = "float32") -> tf.Tensor:
    """Noise uniform on [0, 1) of the given shape; under a seed a row, shape[0] is B."""
    return _draw(lambda shape, seed: tf.random.stateless_uniform(shape, seed, dtype=dtype), shape, seed, dtype)


def dropout(x: tf.Tensor, rate: float, seed: tf.Tensor | None) -> tf.Tensor:
    """Inverted dropout of `x`; the identity when `rate` is 0 or `seed` is None, as outside training.

    Its noise is float32: one of half precision, as in `tf.nn.experimental.stateless_dropout`, drops .305 of what should be .3.
    """
    if seed is None or not rate:
        return x
    keep = uniform(tf.shape(x), seed) >= rate
    return tf.where(keep, x * tf.constant(1 / (1 - rate), x.dtype), tf.zeros([], x.dtype))


def _draw(draw: Callable[[Any, tf.Tensor], tf.Tensor], shape: Any, seed: tf.Tensor, dtype: str) -> tf.Tensor:
    if seed.shape.rank == 2:
        return tf.map_fn(lambda row: draw(shape[1:], row), seed, fn_output_signature=dtype)
    return draw(shape, seed)
