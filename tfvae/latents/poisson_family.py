"""Poisson distributions over counts."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily, bounded
from tfvae.latents.relaxation import straight_through

LOG_RATE_RANGE = (-4.0, 3.0)
_EVENTS = 64  # a count of the largest rate, 20, is larger with a probability of 1e-14
_TEMPERATURE = 0.1


@keras.saving.register_keras_serializable("tfvae")
class Poisson(ExponentialFamily):
    """D independent counts: D factors with one natural parameter each, the logarithm of the rate.

    h(z) = 1 / z!;  A(eta) = exp(eta).

    References:
      Vafaii, Galor, Yates. Poisson Variational Autoencoder. NeurIPS 2024, section 3: a count is the number of events within a unit of
      time, whose arrival times are reparameterised; here the value is exact and the gradient that of their relaxed count.
    """

    moves_freely = False

    def __init__(self, dim: int) -> None:
        """Makes the family of distributions over `dim` counts."""
        self.event_size = dim
        self.raw_size = dim

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns the logarithms of the rates, [..., D], drawn into LOG_RATE_RANGE smoothly."""
        return (bounded(raw, *LOG_RATE_RANGE),)

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., D, 1] from log-rates [..., D]."""
        return parameters[0][..., tf.newaxis]

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns the logarithms of the rates, [..., D]."""
        return (eta[..., 0],)

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), the rates, [..., D]."""
        return tf.exp(eta[..., 0])

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the rates, [..., D, 1]."""
        return tf.exp(eta)

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns independent Poisson distributions."""
        return tfp.distributions.Independent(tfp.distributions.Poisson(log_rate=eta[..., 0]), 1)

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns counts [..., D] of events before time 1, with the gradient of how far before or after it each event is."""
        noise = stateless.uniform(tf.concat([tf.shape(eta)[:-1], [_EVENTS]], axis=0), seed, eta.dtype.name)
        times = tf.cumsum(-tf.math.log1p(-noise), axis=-1) * tf.exp(-eta)  # [..., D, events]
        count = tf.reduce_sum(tf.cast(times < 1, eta.dtype), axis=-1)
        return straight_through(count, tf.reduce_sum(tf.sigmoid((1 - times) / _TEMPERATURE), axis=-1))

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the rates, [..., D]."""
        return tf.exp(eta[..., 0])

    def mode(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the rates rounded down, [..., D]."""
        return tf.floor(self.mean(eta))

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns the counts that are nearest to the straight way, [..., D]."""
        return tf.round(super().interpolate(start, end, fraction))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size}
