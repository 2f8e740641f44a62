"""Categorical distributions over one-hot vectors."""

from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily


@keras.saving.register_keras_serializable("tfvae")
class Categorical(ExponentialFamily):
    """One of `num_values` values as a one-hot vector: one factor with num_values - 1 natural parameters, the last logit being 0.

    A(eta) = log(1 + sum_v exp(eta_v)).

    References:
      Shi et al. Dispersed Exponential Family Mixture VAEs. ICML 2020, section 3.4 (DCM-VAE).
    """

    def __init__(self, num_values: int) -> None:
        """Makes the family of distributions over `num_values` values."""
        self.event_size = num_values
        self.raw_size = num_values - 1

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns all logits [..., V], the last of them 0."""
        return (_with_zero(raw),)

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., 1, V - 1] from logits [..., V]."""
        (logits,) = parameters
        return (logits[..., :-1] - logits[..., -1:])[..., tf.newaxis, :]

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor]:
        """Returns logits [..., V], the last of them 0."""
        return (_with_zero(eta[..., 0, :]),)

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., 1]."""
        return tf.reduce_logsumexp(_with_zero(eta), axis=-1)

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities of all values but the last, [..., 1, V - 1]."""
        return tf.nn.softmax(_with_zero(eta), axis=-1)[..., :-1]

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns a one-hot categorical."""
        return tfp.distributions.OneHotCategorical(logits=self.from_natural(eta)[0], dtype=eta.dtype)

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns one-hot vectors [..., V] by the Gumbel-max rule; no gradient flows to eta."""
        (logits,) = self.from_natural(eta)
        noise = stateless.uniform(tf.shape(logits), seed, logits.dtype.name)
        tiny = tf.constant(logits.dtype.as_numpy_dtype(1e-30), logits.dtype)
        gumbel = -tf.math.log(-tf.math.log(noise + tiny) + tiny)
        return tf.one_hot(tf.argmax(logits + gumbel, axis=-1), self.event_size, dtype=logits.dtype)

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities, [..., V]."""
        return tf.nn.softmax(self.from_natural(eta)[0], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"num_values": self.event_size}


def _with_zero(logits: tf.Tensor) -> tf.Tensor:
    return tf.concat([logits, tf.zeros_like(logits[..., :1])], axis=-1)
