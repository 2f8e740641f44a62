"""Noise that is a function of a seed alone.

A seed is an int32 tensor of shape [2], for a whole batch, or [B, 2], one a row: then a row's noise does not depend on the rows beside it.
TensorFlow draws the noise of a batch. It has no operation that takes a seed a row, so rows are served by a generator that is a handful of
integer operations on all rows at once.

References:
  Steele, Lea, Flood. Fast Splittable Pseudorandom Number Generators. OOPSLA 2014, figures 16 and 17 (SplitMix64).
  Box, Muller. A Note on the Generation of Random Normal Deviates. Annals of Mathematical Statistics 29, 1958.
  Marsaglia, Tsang. A Simple Method for Generating Gamma Variables. ACM Transactions on Mathematical Software 26, 2000.
  Figurnov, Mohamed, Mnih. Implicit Reparameterization Gradients. NeurIPS 2018.
"""

import math
from collections.abc import Callable

import tensorflow as tf


def fold(seed: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """Returns a seed that depends on `seed` and on integers.

    Args:
      seed: int32 [2], or [B, 2].
      data: an integer []; with a seed a row also [..., B], or what broadcasts with that.

    Returns:
      int32 [2]; [..., B, 2] with a seed a row.
    """
    if seed.shape.rank == 1:
        return tf.random.experimental.stateless_fold_in(seed, data)
    numbers = tf.cast(tf.bitcast(tf.convert_to_tensor(data, tf.int32), tf.uint32), tf.uint64)
    return tf.bitcast(_mix(_mix(tf.bitcast(seed, tf.uint64)) + _spaced(numbers)), tf.int32)


def rows(seed: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns a seed for each row, [B, 2], from one seed [2] and the rows' own numbers, int32 [B]."""
    return fold(seed[tf.newaxis], index)


def fingerprint(values: tf.Tensor) -> tf.Tensor:
    """Returns a number for each row that depends on its values alone, int32 [B]; zeros at a row's end change nothing.

    Args:
      values: [B, ...], of a kind of 32 bits or fewer.
    """
    if not values.dtype.is_integer:
        values = tf.bitcast(tf.cast(values, tf.float32), tf.int32)
    flat = tf.reshape(tf.cast(values, tf.uint64), [tf.shape(values)[0], -1])
    place = tf.cast(1 + tf.range(tf.shape(flat)[1]), tf.uint64)
    terms = tf.where(flat == 0, tf.zeros([], tf.uint64), _mix(_mix(_spaced(place)) + _spaced(flat)))
    return tf.bitcast(tf.reduce_sum(tf.bitcast(terms, tf.int64), axis=1), tf.int32)[:, 0]


def normal(shape: tf.Tensor | list, seed: tf.Tensor, dtype: str = "float32") -> tf.Tensor:
    """Standard normal noise of the given shape; under a seed a row, shape[0] is B."""
    if seed.shape.rank == 1:
        return tf.random.stateless_normal(shape, seed, dtype=dtype)
    pairs = uniform(tf.concat([shape, [2]], axis=0), seed, dtype)
    return tf.sqrt(-2 * tf.math.log1p(-pairs[..., 0])) * tf.cos(2 * math.pi * pairs[..., 1])


def samples(seed: tf.Tensor, count: tf.Tensor | int) -> tf.Tensor:
    """Returns a seed for each of S samples of each row, [S, B, 2], from a seed a row, [B, 2]; one seed [2] as it is."""
    return seed if seed.shape.rank == 1 else fold(seed, tf.range(count)[:, tf.newaxis])


def uniform(shape: tf.Tensor | list, seed: tf.Tensor, dtype: str = "float32") -> tf.Tensor:
    """Noise uniform on [0, 1) of the given shape; under a seed a row, shape[0] is B; under [S, B, 2], shape[:2] is [S, B]."""
    if seed.shape.rank == 1:
        return tf.random.stateless_uniform(shape, seed, dtype=dtype)
    bits = {"float32": 24, "float64": 53}[dtype]  # of the fraction, so that no number is rounded to 1
    count = tf.cast(tf.reduce_prod(shape[seed.shape.rank - 1 :]), tf.int64)
    place = tf.cast(1 + tf.range(count), tf.uint64)
    words = _mix(tf.bitcast(seed, tf.uint64)[..., tf.newaxis] + _spaced(place))
    fractions = tf.cast(tf.bitwise.right_shift(words, tf.constant(64 - bits, tf.uint64)), dtype) * 2.0**-bits
    return tf.reshape(fractions, shape)


def gamma(concentration: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Gamma variables of rate 1 with an implicit gradient to their concentration; under a seed a row, its first axis is B.

    TensorFlow's own generator takes no seed a row. Of a few proposals the first that is accepted is taken: one out of twenty is not, at
    worst, so that none of them is is next to impossible.
    """
    dtype, shape = concentration.dtype.name, tf.shape(concentration)
    proposals = tf.concat([shape, [_PROPOSALS]], axis=0)

    @tf.custom_gradient
    def sample(concentration: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        shifted = concentration[..., tf.newaxis] + (1 - 1 / 3)  # of a variable whose concentration is larger by 1
        noise = normal(proposals, fold(seed, 0), dtype)
        cube = (1 + noise / (3 * tf.sqrt(shifted))) ** 3
        tiny = tf.constant(1e-30, concentration.dtype)
        log_cube = tf.math.log(tf.maximum(cube, tiny))
        log_uniform = tf.math.log(tf.maximum(uniform(proposals, fold(seed, 1), dtype), tiny))
        accepted = (cube > 0) & (log_uniform < tf.square(noise) / 2 + shifted * (1 - cube + log_cube))
        first = tf.argmax(tf.cast(accepted, tf.int32), axis=-1)
        larger = shifted[..., 0] * tf.gather(tf.maximum(cube, tiny), first, batch_dims=concentration.shape.rank)
        power = tf.math.log1p(-uniform(shape, fold(seed, 2), dtype)) / concentration
        value = larger * tf.exp(power)
        return value, lambda upstream: upstream * tf.raw_ops.RandomGammaGrad(alpha=concentration, sample=value)

    return sample(concentration)


_PROPOSALS = 8


def dropout(x: tf.Tensor, rate: float, seed: tf.Tensor | None) -> tf.Tensor:
    """Inverted dropout of `x`; the identity when `rate` is 0 or `seed` is None, as outside training.

    Its noise is float32: one of half precision, as in `tf.nn.experimental.stateless_dropout`, drops .305 of what should be .3.
    """
    if seed is None or not rate:
        return x
    keep = uniform(tf.shape(x), seed) >= rate
    return tf.where(keep, x * tf.constant(1 / (1 - rate), x.dtype), tf.zeros([], x.dtype))


_GOLDEN = 0x9E3779B97F4A7C15  # the odd number nearest to 2^64 over the golden ratio


def _spaced(numbers: tf.Tensor) -> tf.Tensor:
    return numbers * tf.constant(_GOLDEN, tf.uint64)


def _mix(words: tf.Tensor) -> tf.Tensor:
    """Scrambles uint64 words one to one: the output function of SplitMix64."""

    def fold_down(words: tf.Tensor, shift: int) -> tf.Tensor:
        return words ^ tf.bitwise.right_shift(words, tf.constant(shift, tf.uint64))

    words = fold_down(words, 30) * tf.constant(0xBF58476D1CE4E5B9, tf.uint64)
    words = fold_down(words, 27) * tf.constant(0x94D049BB133111EB, tf.uint64)
    return fold_down(words, 31)
