"""Latents with codes: J discrete variables of K values, whatever z is."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.latent import Latent, Params, weighted_sum


class CodedLatent(Latent):
    """q(c|x) = prod_j Cat(c_j) and p(c) = prod_j Cat(pi_j); subclasses say how z depends on c.

    References:
      Zhao, Lee, Eskenazi. Unsupervised Discrete Sentence Representation Learning for Interpretable Neural Dialog Generation. ACL 2018,
      section 3.1: the mutual information of codes and its share of their KL.
    """

    has_codes = True
    mixing_logits: keras.Variable | None = None

    def code_logits(self, params: Params) -> tf.Tensor:
        """Returns logits of q(c|x), [B, J, K]."""
        return params["logits"]

    def code_probabilities(self, params: Params) -> tf.Tensor:
        """Returns q(c|x), [B, J, K]."""
        return tf.nn.softmax(self.code_logits(params), axis=-1)

    def log_code_probabilities(self, params: Params) -> tf.Tensor:
        """Returns log q(c|x), [B, J, K]."""
        return tf.nn.log_softmax(self.code_logits(params), axis=-1)

    def log_mixing(self) -> tf.Tensor:
        """Returns the logarithms of the weights pi of p(c), [J, K]; all -log K unless they are learned."""
        if self.mixing_logits is None:
            return tf.fill([self.num_variables, self.num_components], tf.constant(-math.log(self.num_components), self.compute_dtype))
        return tf.nn.log_softmax(tf.convert_to_tensor(self.mixing_logits), axis=-1)

    def _code_divergence(self, params: Params, other: Params) -> tf.Tensor:
        """KL(q(c|x) || q'(c|x)), [B], summed over variables."""
        odds = self.log_code_probabilities(params) - self.log_code_probabilities(other)
        return tf.reduce_sum(self.code_probabilities(params) * odds, axis=[1, 2])

    def _code_entropy(self, params: Params) -> tf.Tensor:
        """Entropy of q(c|x), [B, J]."""
        log_probabilities = self.log_code_probabilities(params)
        return -tf.reduce_sum(tf.exp(log_probabilities) * log_probabilities, axis=-1)

    def _code_cross_entropy(self, probabilities: tf.Tensor) -> tf.Tensor | float:
        """-E log p(c) under q(c|x), or under q(c), [..., J] from [..., J, K]."""
        if self.mixing_logits is None:
            return math.log(self.num_components)
        return -tf.reduce_sum(probabilities * tf.cast(self.log_mixing(), probabilities.dtype), axis=-1)

    def _draw_codes(self, num: int, seed: tf.Tensor, component: Any) -> tf.Tensor:
        """Codes int32 [n, J] drawn by p(c), but those that `component` holds; see `sample_prior`."""
        uniform = stateless.uniform([num, self.num_variables], stateless.fold(seed, 0))
        if self.mixing_logits is None:
            codes = tf.minimum(tf.cast(uniform * self.num_components, tf.int32), self.num_components - 1)
        else:
            below = tf.cumsum(tf.exp(self.log_mixing()), axis=-1)[:, :-1]  # a code is how many of these the noise has passed
            codes = tf.reduce_sum(tf.cast(uniform[..., tf.newaxis] >= tf.cast(below, uniform.dtype), tf.int32), axis=-1)
        if component is None:
            return codes
        chosen = tf.convert_to_tensor(component, tf.int32)
        return tf.where(chosen >= 0, chosen, codes)

    def statistics(self, params: Params, weight: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns sums over examples of q(c|x) [J, K], its entropy [J] and the weight []."""
        return {
            "codes": weighted_sum(weight, self.code_probabilities(params)),
            "code_entropy": weighted_sum(weight, self._code_entropy(params)),
            "weight": tf.reduce_sum(weight),
        }

    def from_statistics(self, sums: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns what q(c), the aggregate posterior of the examples summed over, determines.

        `mutual_information` I_q(x; c_j) = H(q(c_j)) - E H(q(c_j|x)) and `aggregate_kl_c` KL(q(c_j) || p(c_j)), nats [J], add up to the mean
        of KL(q(c_j|x) || p(c_j)); `component_use` is q(c_j), [J, K].
        """
        weight = tf.cast(sums["weight"], sums["codes"].dtype)
        use = sums["codes"] / weight
        entropy = -tf.reduce_sum(tf.math.xlogy(use, use), axis=-1)
        return {
            "mutual_information": entropy - sums["code_entropy"] / weight,
            "aggregate_kl_c": self._code_cross_entropy(use) - entropy,
            "component_use": use,
        }

    def _join(self, z: tf.Tensor) -> tf.Tensor:
        """[..., J, D] -> [..., size]."""
        return tf.reshape(z, tf.concat([tf.shape(z)[:-2], [self.size]], axis=0))

    def _split(self, z: tf.Tensor) -> tf.Tensor:
        """[..., size] -> [..., J, D]."""
        return tf.reshape(z, tf.concat([tf.shape(z)[:-1], [self.num_variables, self.size // self.num_variables]], axis=0))
