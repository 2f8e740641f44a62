"""Gamma distributions over positive numbers."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily, bounded

LOG_CONCENTRATION_RANGE = (-1.0, 5.0)
LOG_RATE_RANGE = (-4.0, 4.0)


@keras.saving.register_keras_serializable("tfvae")
class Gamma(ExponentialFamily):
    """D independent positive numbers of density z^(a - 1) exp(-b z) b^a / Gamma(a): D factors with two natural parameters each.

    eta = (a, -b), T(z) = (log z, z), h(z) = 1 / z;  A = log Gamma(a) - a log b.

    References:
      Figurnov, Mohamed, Mnih. Implicit Reparameterization Gradients. NeurIPS 2018: the gradient of samples.
    """

    moves_freely = False

    def __init__(self, dim: int) -> None:
        """Makes the family of distributions over `dim` positive numbers."""
        self.event_size = dim
        self.raw_size = 2 * dim

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns concentration a and rate b, [..., D] each; their logarithms are drawn into their ranges smoothly."""
        log_concentration, log_rate = tf.split(raw, 2, axis=-1)
        return tf.exp(bounded(log_concentration, *LOG_CONCENTRATION_RANGE)), tf.exp(bounded(log_rate, *LOG_RATE_RANGE))

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., D, 2] from concentration and rate [..., D]."""
        concentration, rate = parameters
        return tf.stack([concentration, -rate], axis=-1)

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns concentration and rate, [..., D] each."""
        return eta[..., 0], -eta[..., 1]

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., D]."""
        concentration, rate = self.from_natural(eta)
        return tf.math.lgamma(concentration) - concentration * tf.math.log(rate)

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns (E log z, E z), [..., D, 2]."""
        concentration, rate = self.from_natural(eta)
        return tf.stack([tf.math.digamma(concentration) - tf.math.log(rate), concentration / rate], axis=-1)

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns independent gamma distributions."""
        return tfp.distributions.Independent(tfp.distributions.Gamma(*self.from_natural(eta)), 1)

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns positive numbers [..., D], reparameterised implicitly."""
        concentration, rate = self.from_natural(eta)
        return stateless.gamma(concentration, seed) / rate

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns a / b, [..., D]."""
        concentration, rate = self.from_natural(eta)
        return concentration / rate

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size}
