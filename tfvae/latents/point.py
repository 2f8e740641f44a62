"""A point in place of a posterior: the auto-encoder."""

import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.deterministic import DeterministicLatent
from tfvae.latents.latent import Params, dense


@keras.saving.register_keras_serializable("tfvae")
class PointLatent(DeterministicLatent):
    """z = m(x), with no noise, no KL and no prior of its own.

    `sample_prior` draws from a Gaussian that training fits, by `fit_prior` at the end of every epoch, to the z of training examples: the
    auto-encoder itself says nothing about where z lies.
    """

    has_density = False
    fits_prior = True

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
        self.posterior = dense(dim, feature_dim, random.Random(seed).getrandbits(31), dtype=dtype, name="posterior")
        self.prior_mean = self.add_weight(shape=(dim,), initializer="zeros", trainable=False, name="prior_mean")
        self.prior_scale = self.add_weight(shape=(dim, dim), initializer="identity", trainable=False, name="prior_scale")

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": z, [B, D]}."""
        return {"posterior": self.posterior(features)}

    def fit_prior(self, z: np.ndarray) -> None:
        """Fits the Gaussian that `sample_prior` draws from to z [N, D]: its mean and its full covariance."""
        covariance = np.atleast_2d(np.cov(z, rowvar=False)) if len(z) > 1 else np.zeros([self.size, self.size])
        ridge = 1e-6 * max(float(np.trace(covariance)) / self.size, 1e-6)  # a dimension that does not vary has no Cholesky factor
        self.prior_mean.assign(np.mean(z, axis=0))
        self.prior_scale.assign(np.linalg.cholesky(covariance + ridge * np.eye(self.size)))

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, D] of the Gaussian that was fitted and codes of zeros [n, 1]."""
        normal = stateless.normal([num, self.size], stateless.fold(seed, 0), self.compute_dtype)
        z = self.prior_mean + tf.matmul(normal, tf.convert_to_tensor(self.prior_scale), transpose_b=True)
        return z, tf.zeros([num, 1], tf.int32)

    def prior_parameters(self) -> dict[str, np.ndarray]:
        """Returns the Gaussian's mean [D] and the Cholesky factor of its covariance [D, D]."""
        return {"prior_mean": self.prior_mean.numpy(), "prior_scale": self.prior_scale.numpy()}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "feature_dim": self.feature_dim, "dim": self.size, "seed": self.seed, "dtype": self.compute_dtype}
