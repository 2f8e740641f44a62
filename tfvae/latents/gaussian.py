"""Gaussian posterior, standard normal prior: the plain VAE."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.continuous import ContinuousLatent
from tfvae.latents.exponential_family import kl_divergence
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.latent import Latent, Params, Term
from tfvae.latents.point import PointLatent


@keras.saving.register_keras_serializable("tfvae")
class GaussianLatent(ContinuousLatent):
    """q(z|x) = N(m(x), diag v(x)), p(z) = N(0, I).

    References:
      Kingma, Welling. Auto-Encoding Variational Bayes. ICLR 2014.
      Bowman et al. Generating Sentences from a Continuous Space. CoNLL 2016.
    """

    def __init__(self, *, feature_dim: int, dim: int, **kwargs: Any) -> None:
        """Makes the layer: z has `dim` numbers; the other arguments are those of `ContinuousLatent`."""
        super().__init__(Gaussian(dim), feature_dim=feature_dim, **kwargs)

    def _prior(self, *batch: Any) -> tf.Tensor:
        return Gaussian.standard_normal([*batch, self.size], self.compute_dtype)

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the KL to the prior a dimension, [B, 1, D]."""
        kl = kl_divergence(self.family, self._natural(params), self._prior())
        return [Term("kl_z", kl[:, tf.newaxis], "kl")]

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log N(z; 0, I), [...]."""
        return self.family.distribution(self._prior()).log_prob(z)

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, D] and codes of zeros [n, 1]: there is one component."""
        z = self.family.sample(self._prior(num), stateless.fold(seed, 0))
        return z, tf.zeros([num, 1], tf.int32)

    def initialize_from(self, other: Latent) -> None:
        """Takes the weights of a Gaussian latent, or an auto-encoder's point for the mean; then the variance keeps its own.

        Raises:
          ValueError: it is of another kind or size.
        """
        if not isinstance(other, PointLatent):
            super().initialize_from(other)
            return
        self.check_sizes(other)
        for own, mean in zip(self.posterior.weights, other.posterior.weights, strict=True):  # the mean comes before the variance
            own.assign(tf.concat([mean, own[..., self.size :]], axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "dim": self.size}
