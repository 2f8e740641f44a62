"""No latent variable: the language model."""

from typing import Any

import keras
import tensorflow as tf

from tfvae.latents.deterministic import DeterministicLatent
from tfvae.latents.latent import Params


@keras.saving.register_keras_serializable("tfvae")
class NoLatent(DeterministicLatent):
    """z has no numbers, so p(x|z) = p(x): the ELBO is the log-likelihood itself."""

    size = 0
    num_variables = 0

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": nothing, [B, 0]}."""
        return {"posterior": tf.zeros([tf.shape(features)[0], 0], self.compute_dtype)}

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns zeros, [..., B]."""
        return tf.reduce_sum(z, axis=-1)

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns zeros, [...]."""
        return tf.reduce_sum(z, axis=-1)

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, 0] and codes [n, 0]."""
        return tf.zeros([num, 0], self.compute_dtype), tf.zeros([num, 0], tf.int32)
