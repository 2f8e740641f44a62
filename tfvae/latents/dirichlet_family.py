"""Dirichlet distributions over shares that add up to 1."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily, bounded

LOG_CONCENTRATION_RANGE = (-1.0, 5.0)


@keras.saving.register_keras_serializable("tfvae")
class Dirichlet(ExponentialFamily):
    """D shares that add up to 1, of density proportional to prod_i z_i^(a_i - 1): one factor with D natural parameters.

    eta = a, T(z) = log z, h(z) = prod_i 1 / z_i;  A = sum_i log Gamma(a_i) - log Gamma(sum_i a_i).

    References:
      Joo, Lee, Park, Moon. Dirichlet Variational Autoencoder. Pattern Recognition 107, 2020.
      Figurnov, Mohamed, Mnih. Implicit Reparameterization Gradients. NeurIPS 2018: the gradient of samples.
    """

    moves_freely = False

    def __init__(self, dim: int) -> None:
        """Makes the family of distributions over `dim` shares."""
        self.event_size = dim
        self.raw_size = dim
        self.unit_variance = (dim - 1) / (dim**2 * (dim + 1))  # under the uniform law

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns the concentrations a, [..., D]; their logarithms are drawn into LOG_CONCENTRATION_RANGE smoothly."""
        return (tf.exp(bounded(raw, *LOG_CONCENTRATION_RANGE)),)

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., 1, D] from concentrations [..., D]."""
        return parameters[0][..., tf.newaxis, :]

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns the concentrations, [..., D]."""
        return (eta[..., 0, :],)

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., 1]."""
        return tf.reduce_sum(tf.math.lgamma(eta), axis=-1) - tf.math.lgamma(tf.reduce_sum(eta, axis=-1))

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns E log z, [..., 1, D]."""
        return tf.math.digamma(eta) - tf.math.digamma(tf.reduce_sum(eta, axis=-1, keepdims=True))

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns TFP's Dirichlet."""
        return tfp.distributions.Dirichlet(eta[..., 0, :])

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns shares [..., D], gamma variables over their sum, reparameterised implicitly."""
        parts = stateless.gamma(eta[..., 0, :], seed)
        return parts / tf.reduce_sum(parts, axis=-1, keepdims=True)

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns a over its sum, [..., D]."""
        return eta[..., 0, :] / tf.reduce_sum(eta[..., 0, :], axis=-1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size}
