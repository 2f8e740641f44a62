"""One continuous latent variable, without codes."""

import random
from typing import Any

import tensorflow as tf

from tfvae.latents.exponential_family import ExponentialFamily, kl_divergence, natural
from tfvae.latents.latent import Latent, Params, dense


class ContinuousLatent(Latent):
    """q(z|x) is a member of an exponential family, a linear function of the features; subclasses add the prior."""

    def __init__(self, family: ExponentialFamily, *, feature_dim: int, seed: int = 0, dtype: str = "float32", **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          family: of the posterior.
          feature_dim: size of the encoder's features.
          seed: of the initial weights.
          dtype: float32 or float64.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.family, self.feature_dim, self.seed, self.size = family, feature_dim, seed, family.event_size
        self.unit_variance, self.moves_freely = family.unit_variance, family.moves_freely
        self.posterior = dense(family.raw_size, feature_dim, random.Random(seed).getrandbits(31), dtype=dtype, name="posterior")

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": the family's raw parameters, [B, R]}."""
        return {"posterior": self.posterior(features)}

    def _natural(self, params: Params) -> tf.Tensor:
        return natural(self.family, params["posterior"])  # [B, F, P]

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        return self.family.sample(self._natural(params), seed)

    def mean(self, params: Params) -> tf.Tensor:
        """Returns E[z|x], [B, size]."""
        return self.family.mean(self._natural(params))

    def mode(self, params: Params) -> tf.Tensor:
        """Returns the mode of q(z|x), [B, size]."""
        return self.family.mode(self._natural(params))

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the family's shortest way."""
        return self.family.interpolate(start, end, fraction)

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns KL(q || q'), [B]."""
        return tf.reduce_sum(kl_divergence(self.family, self._natural(params), self._natural(other)), axis=-1)

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns log q(z|x), [..., B]."""
        return self.family.distribution(self._natural(params)).log_prob(z)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, but for those of the family."""
        return {**super().get_config(), "feature_dim": self.feature_dim, "seed": self.seed, "dtype": self.compute_dtype}
