"""Categorical distributions over one-hot vectors."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily
from tfvae.latents.relaxation import gumbel_softmax, one_hot, switched


@keras.saving.register_keras_serializable("tfvae")
class Categorical(ExponentialFamily):
    """F independent one-hot vectors of V values, one after the other: F factors with V - 1 natural parameters each, the last logit being 0.

    A(eta) = log(1 + sum_v exp(eta_v)). As components of a mixture of one variable, all factors share its code (DCM-VAE).

    References:
      Shi et al. Dispersed Exponential Family Mixture VAEs. ICML 2020, section 3.4 (DCM-VAE).
      Jang, Gu, Poole. Categorical Reparameterization with Gumbel-Softmax. ICLR 2017: samples are straight-through ones, of temperature 1.
    """

    moves_freely = False

    def __init__(self, num_values: int, factors: int = 1) -> None:
        """Makes the family of distributions over `num_values` values, in `factors` factors."""
        self.num_values, self.factors = num_values, factors
        self.event_size = factors * num_values
        self.raw_size = factors * (num_values - 1)
        self.unit_variance = (1 - 1 / num_values) / num_values

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns all logits [..., F * V], the last of each factor 0."""
        return (self._join(_with_zero(self._split(raw, self.num_values - 1))),)

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., F, V - 1] from logits [..., F * V]."""
        logits = self._split(parameters[0], self.num_values)
        return logits[..., :-1] - logits[..., -1:]

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns logits [..., F * V], the last of each factor 0."""
        return (self._join(_with_zero(eta)),)

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., F]."""
        return tf.reduce_logsumexp(_with_zero(eta), axis=-1)

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities of all values but the last, [..., F, V - 1]."""
        return tf.nn.softmax(_with_zero(eta), axis=-1)[..., :-1]

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns one-hot categoricals, one after the other."""
        logits = _with_zero(eta)
        if self.factors == 1:
            return tfp.distributions.OneHotCategorical(logits=logits[..., 0, :], dtype=eta.dtype)
        each = tfp.distributions.Independent(tfp.distributions.OneHotCategorical(logits=logits, dtype=eta.dtype), 1)
        flat = tfp.bijectors.Reshape([self.event_size], event_shape_in=[self.factors, self.num_values])
        return tfp.distributions.TransformedDistribution(each, flat)

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns one-hot vectors [..., F * V] by the Gumbel-max rule, with the gradient of their relaxation."""
        logits = _with_zero(eta)
        return self._join(gumbel_softmax(logits, stateless.uniform(tf.shape(logits), seed, logits.dtype.name), hard=True))

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities, [..., F * V]."""
        return self._join(tf.nn.softmax(_with_zero(eta), axis=-1))

    def mode(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the one-hot vectors of the most probable values, [..., F * V]."""
        return self._join(one_hot(_with_zero(eta)))

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the way, [..., F * V]: factors that differ take the end's value one after the other."""
        return self._join(switched(self._split(start, self.num_values), self._split(end, self.num_values), fraction))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"num_values": self.num_values, "factors": self.factors}

    def _split(self, flat: tf.Tensor, values: int) -> tf.Tensor:
        return tf.reshape(flat, tf.concat([tf.shape(flat)[:-1], [self.factors, values]], axis=0))

    def _join(self, factors: tf.Tensor) -> tf.Tensor:
        return tf.reshape(factors, tf.concat([tf.shape(factors)[:-2], [self.event_size]], axis=0))


def _with_zero(logits: tf.Tensor) -> tf.Tensor:
    return tf.concat([logits, tf.zeros_like(logits[..., :1])], axis=-1)
