"""Gaussian posterior, standard normal prior: the plain VAE."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.continuous import ContinuousLatent
from tfvae.latents.exponential_family import kl_divergence
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.latent import Latent, Params, Term
from tfvae.latents.least_kl_gaussian import LeastKLGaussian
from tfvae.latents.normalized_mean import NormalizedMean
from tfvae.latents.point import PointLatent


@keras.saving.register_keras_serializable("tfvae")
class GaussianLatent(ContinuousLatent):
    """q(z|x) = N(m(x), diag v(x)), p(z) = N(0, I).

    Two settings keep the posterior from the prior, one at a time: see `NormalizedMean` and `LeastKLGaussian`.

    References:
      Kingma, Welling. Auto-Encoding Variational Bayes. ICLR 2014.
      Bowman et al. Generating Sentences from a Continuous Space. CoNLL 2016.
    """

    def __init__(self, *, feature_dim: int, dim: int, batch_norm: float = 0.0, minimum_kl: float = 0.0, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          dim: numbers in z.
          batch_norm: standard deviation of means over a batch; 0: whatever the encoder says.
          minimum_kl: nats of KL a dimension that there are at least.
          **kwargs: of `ContinuousLatent`.
        """
        super().__init__(LeastKLGaussian(dim, minimum_kl) if minimum_kl else Gaussian(dim), feature_dim=feature_dim, **kwargs)
        self.batch_norm, self.minimum_kl = batch_norm, minimum_kl
        self.normalized = NormalizedMean(dim, batch_norm, dtype=self.compute_dtype, name="normalized") if batch_norm else None

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": means and what gives log-variances, [B, 2 D]}."""
        return self._params(features, training=False)

    def in_training(self, features: tf.Tensor) -> Params:
        """Returns what `call` returns; means that are normalised are so over the batch."""
        return self._params(features, training=True)

    def _params(self, features: tf.Tensor, *, training: bool) -> Params:
        raw = self.posterior(features)
        if self.normalized is not None:
            mean, spread = tf.split(raw, 2, axis=-1)
            raw = tf.concat([self.normalized(mean, training=training), spread], axis=-1)
        return {"posterior": raw}

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
        if isinstance(other, PointLatent) and self.minimum_kl:
            raise ValueError("a Gaussian of least KL does not take a point for its mean")
        if not isinstance(other, PointLatent):
            super().initialize_from(other)
            return
        self.check_sizes(other)
        for own, mean in zip(self.posterior.weights, other.posterior.weights, strict=True):  # the mean comes before the variance
            own.assign(tf.concat([mean, own[..., self.size :]], axis=-1))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "dim": self.size, "batch_norm": self.batch_norm, "minimum_kl": self.minimum_kl}
