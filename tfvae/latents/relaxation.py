"""One-hot samples with gradients: the Gumbel-softmax relaxation, and ways between one-hot vectors.

References:
  Jang, Gu, Poole. Categorical Reparameterization with Gumbel-Softmax. ICLR 2017.
  Maddison, Mnih, Teh. The Concrete Distribution: A Continuous Relaxation of Discrete Random Variables. ICLR 2017.
"""

import tensorflow as tf

_TINY = 1e-20  # keeps both logarithms finite where the noise is 0 or rounded to 1


def gumbel(noise: tf.Tensor) -> tf.Tensor:
    """Returns Gumbel noise, -log(-log u), from u uniform on [0, 1), of the same shape."""
    tiny = tf.constant(_TINY, noise.dtype)
    return -tf.math.log(-tf.math.log(noise + tiny) + tiny)


def gumbel_softmax(logits: tf.Tensor, noise: tf.Tensor, temperature: tf.Tensor | float = 1.0, *, hard: bool = False) -> tf.Tensor:
    """Returns relaxed samples of categorical variables, or one-hot ones with the gradient of the relaxed (straight through).

    Args:
      logits: unnormalised log-probabilities, [..., K].
      noise: uniform on [0, 1), [..., K].
      temperature: tau > 0; towards 0 samples become one-hot, towards infinity uniform.
      hard: whether samples are one-hot: that of the largest entry, which is an exact sample whatever the temperature.

    Returns:
      softmax((logits + gumbel) / temperature), or its one-hot vector, [..., K].
    """
    soft = tf.nn.softmax((logits + gumbel(noise)) / tf.cast(temperature, logits.dtype), axis=-1)
    return straight_through(one_hot(soft), soft) if hard else soft


def straight_through(value: tf.Tensor, soft: tf.Tensor) -> tf.Tensor:
    """Returns `value`, exactly, with the gradient of `soft`."""
    return tf.stop_gradient(value) + (soft - tf.stop_gradient(soft))


def one_hot(scores: tf.Tensor) -> tf.Tensor:
    """Returns the one-hot vector of the largest of scores [..., K], [..., K]."""
    return tf.one_hot(tf.argmax(scores, axis=-1), scores.shape[-1], dtype=scores.dtype)


def switched(start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """Returns points between two in a discrete space: the variables that differ take the end's value one after the other.

    Args:
      start: J variables' values as vectors, [..., J, V].
      end: the same, broadcasting with `start`.
      fraction: share of the way, [...], broadcasting with the axes before J; 0 is the start.
    """
    differs = tf.cast(tf.reduce_any(start != end, axis=-1), start.dtype)  # [..., J]
    count = tf.maximum(tf.reduce_sum(differs, axis=-1, keepdims=True), 1)
    place = (tf.cumsum(differs, axis=-1) - 0.5) / count  # in the middle of its share of the way
    return tf.where(fraction[..., tf.newaxis, tf.newaxis] >= place[..., tf.newaxis], end, start)
