"""Bernoulli distributions over vectors of zeros and ones."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily
from tfvae.latents.relaxation import gumbel, straight_through, switched


@keras.saving.register_keras_serializable("tfvae")
class Bernoulli(ExponentialFamily):
    """D independent numbers that are 0 or 1: D factors with one natural parameter each, the log-odds.

    A(eta) = log(1 + exp(eta)). The dispersion of components is -log(prod_c p_c^q_c + prod_c (1 - p_c)^q_c).

    References:
      Shi et al. Dispersed Exponential Family Mixture VAEs. ICML 2020, section 3.2: an example of theirs.
      Maddison, Mnih, Teh. The Concrete Distribution. ICLR 2017, appendix B: samples are straight-through binary ones, of temperature 1.
    """

    unit_variance = 0.25
    moves_freely = False

    def __init__(self, dim: int) -> None:
        """Makes the family of distributions over {0, 1}^dim."""
        self.event_size = dim
        self.raw_size = dim

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns the log-odds, [..., D]."""
        return (raw,)

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., D, 1] from log-odds [..., D]."""
        return parameters[0][..., tf.newaxis]

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns the log-odds, [..., D]."""
        return (eta[..., 0],)

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., D]."""
        return tf.math.softplus(eta[..., 0])

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities of 1, [..., D, 1]."""
        return tf.sigmoid(eta)

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns independent Bernoulli distributions."""
        return tfp.distributions.Independent(tfp.distributions.Bernoulli(logits=eta[..., 0], dtype=eta.dtype), 1)

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns zeros and ones [..., D], with the gradient of their relaxation."""
        log_odds = eta[..., 0]
        shape = tf.concat([tf.shape(log_odds), [2]], axis=0)
        noise = gumbel(stateless.uniform(shape, seed, log_odds.dtype.name))
        soft = tf.sigmoid(log_odds + noise[..., 0] - noise[..., 1])
        return straight_through(_above_half(soft), soft)

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities of 1, [..., D]."""
        return tf.sigmoid(eta[..., 0])

    def mode(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the more probable of 0 and 1, [..., D]."""
        return _above_half(self.mean(eta))

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the way, [..., D]: numbers that differ change one after the other."""
        return switched(start[..., tf.newaxis], end[..., tf.newaxis], fraction)[..., 0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size}


def _above_half(probabilities: tf.Tensor) -> tf.Tensor:
    return tf.cast(probabilities > 0.5, probabilities.dtype)
