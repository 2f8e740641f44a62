"""Gaussian posterior, and a mixture of posteriors as the prior."""

import math
import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.exponential_family import natural
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.latent import Params, Term


@keras.saving.register_keras_serializable("tfvae")
class VampLatent(GaussianLatent):
    """q(z|x) = N(m(x), diag v(x)), p(z) = 1/K sum_k q(z|u_k) for K pseudo-inputs u_k, which are learned.

    A pseudo-input is a point of the encoder's feature space, not an example: so it is the same for words, images and whatever else an
    example is, and costs no pass through the encoder. The KL has no closed form; it is log q(z|x) - log p(z), a mean over samples.

    References:
      Tomczak, Welling. VAE with a VampPrior. AISTATS 2018, section 3; there pseudo-inputs are examples.
    """

    def __init__(self, *, feature_dim: int, dim: int, pseudo_inputs: int, seed: int = 0, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          dim: size of z.
          pseudo_inputs: K.
          seed: of the initial weights.
          **kwargs: of `GaussianLatent`.
        """
        super().__init__(feature_dim=feature_dim, dim=dim, seed=seed, **kwargs)
        self.pseudo_inputs = pseudo_inputs
        # Of the order of a GRU's states, and of what tanh returns.
        initializer = keras.initializers.RandomNormal(stddev=0.5, seed=random.Random(seed + 1).getrandbits(31))
        self.pseudo_features = self.add_weight(shape=(pseudo_inputs, feature_dim), initializer=initializer, name="pseudo_features")

    def _components(self) -> tf.Tensor:
        """Natural parameters of the prior's components, [K, D, 2]."""
        return natural(self.family, self.posterior(tf.convert_to_tensor(self.pseudo_features)))

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the KL to the prior, [B, 1], a mean over samples."""
        kl = tf.reduce_mean(self.log_posterior(params, z) - self.log_prior(z), axis=0)
        return [Term("kl_z", kl[:, tf.newaxis], "kl", "monte_carlo")]

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(z), [...]."""
        each = self.family.distribution(self._components()).log_prob(z[..., tf.newaxis, :])  # [..., K]
        return tf.reduce_logsumexp(each, axis=-1) - math.log(self.pseudo_inputs)

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, D] and codes of zeros [n, 1]: the prior's components are no codes."""
        uniform = stateless.uniform([num, 1], stateless.fold(seed, 0))[:, 0]
        drawn = tf.minimum(tf.cast(uniform * self.pseudo_inputs, tf.int32), self.pseudo_inputs - 1)
        z = self.family.sample(tf.gather(self._components(), drawn), stateless.fold(seed, 1))
        return z, tf.zeros([num, 1], tf.int32)

    @property
    def prior_variables(self) -> list[keras.Variable]:
        """The pseudo-inputs; the layer that reads them is the posterior's."""
        return [self.pseudo_features]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        values = super().get_config()
        del values["batch_norm"], values["minimum_kl"]
        return {**values, "pseudo_inputs": self.pseudo_inputs}
