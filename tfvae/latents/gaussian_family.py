"""Gaussians with diagonal covariance."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily, bounded

LOG_VARIANCE_RANGE = (-6.0, 4.0)


@keras.saving.register_keras_serializable("tfvae")
class Gaussian(ExponentialFamily):
    """N(mean, diag(exp(log_variance))): D factors with two natural parameters each.

    eta = (mean / variance, -1 / (2 variance));  A = -eta_1^2 / (4 eta_2) - log(-2 eta_2) / 2, up to a constant.

    References:
      Shi et al. Dispersed Exponential Family Mixture VAEs. ICML 2020, section 3.2.
    """

    def __init__(self, dim: int) -> None:
        """Makes the family of Gaussians on R^dim."""
        self.event_size = dim
        self.raw_size = 2 * dim

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mean and log-variance, [..., D] each; log-variances outside LOG_VARIANCE_RANGE are drawn in smoothly."""
        mean, log_variance = tf.split(raw, 2, axis=-1)
        return mean, bounded(log_variance, *LOG_VARIANCE_RANGE)

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., D, 2] from mean and log-variance [..., D]."""
        mean, log_variance = parameters
        precision = tf.exp(-log_variance)
        return tf.stack([mean * precision, -precision / 2], axis=-1)

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mean and log-variance, [..., D] each."""
        first, second = eta[..., 0], eta[..., 1]
        return -first / (2 * second), -tf.math.log(-2 * second)

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., D]."""
        first, second = eta[..., 0], eta[..., 1]
        return -tf.square(first) / (4 * second) - tf.math.log(-2 * second) / 2

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns (E z, E z^2), [..., D, 2]."""
        mean, log_variance = self.from_natural(eta)
        return tf.stack([mean, tf.square(mean) + tf.exp(log_variance)], axis=-1)

    def centred(self, eta: tf.Tensor, centre: tf.Tensor) -> tf.Tensor:
        """Moves the mean: eta_1 + 2 eta_2 t for t the mean of `centre`."""
        shift = tf.stop_gradient(self.from_natural(centre)[0])
        first, second = eta[..., 0] + 2 * eta[..., 1] * shift, eta[..., 1] + tf.zeros_like(shift)
        return tf.stack([first, second], axis=-1)

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns a diagonal Gaussian."""
        mean, log_variance = self.from_natural(eta)
        return tfp.distributions.MultivariateNormalDiag(mean, tf.exp(log_variance / 2))

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns mean + standard deviation * noise, reparameterised."""
        mean, log_variance = self.from_natural(eta)
        return mean + tf.exp(log_variance / 2) * stateless.normal(tf.shape(mean), seed, mean.dtype.name)

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the means, [..., D]."""
        return self.from_natural(eta)[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size}

    @staticmethod
    def standard_normal(shape: list[int], dtype: str) -> tf.Tensor:
        """Returns eta of N(0, 1) for each factor, [*shape, 2]."""
        return tf.stack([tf.zeros(shape, dtype), tf.fill(shape, tf.constant(-0.5, dtype))], axis=-1)
