"""Gaussian posterior, standard normal prior: the plain VAE."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.exponential_family import kl_divergence, natural
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.latent import Latent, Params, Term, dense


@keras.saving.register_keras_serializable("tfvae")
class GaussianLatent(Latent):
    """q(z|x) = N(m(x), diag v(x)), p(z) = N(0, I).

    References:
      Kingma, Welling. Auto-Encoding Variational Bayes. ICLR 2014.
      Bowman et al. Generating Sentences from a Continuous Space. CoNLL 2016.
    """

    def __init__(self, *, feature_dim: int, dim: int, seed: int = 0, dtype: str = "float32", **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          dim: size of z.
          seed: of the initial weights.
          dtype: float32 or float64.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.feature_dim, self.seed, self.size = feature_dim, seed, dim
        self.family = Gaussian(dim)
        self.posterior = dense(2 * dim, feature_dim, random.Random(seed).getrandbits(31), dtype=dtype, name="posterior")

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": raw mean and log-variance, [B, 2 D]}."""
        return {"posterior": self.posterior(features)}

    def _natural(self, params: Params) -> tf.Tensor:
        return natural(self.family, params["posterior"])  # [B, D, 2]

    def _prior(self, *batch: Any) -> tf.Tensor:
        return Gaussian.standard_normal([*batch, self.size], self.compute_dtype)

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: float | None) -> tf.Tensor:
        return self.family.sample(self._natural(params), seed)

    def mean(self, params: Params) -> tf.Tensor:
        """Returns the posterior mean, [B, D]."""
        return self.family.mean(self._natural(params))

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the KL to the prior a dimension, [B, 1, D]."""
        kl = kl_divergence(self.family, self._natural(params), self._prior())
        return [Term("kl_z", kl[:, tf.newaxis], "kl")]

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns log q(z|x), [..., B]."""
        return self.family.distribution(self._natural(params)).log_prob(z)

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log N(z; 0, I), [...]."""
        return self.family.distribution(self._prior()).log_prob(z)

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, D] and codes of zeros [n, 1]: there is one component."""
        z = self.family.sample(self._prior(num), stateless.fold(seed, 0))
        return z, tf.zeros([num, 1], tf.int32)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "feature_dim": self.feature_dim, "dim": self.size, "seed": self.seed, "dtype": self.compute_dtype}
