"""A mixture prior whose codes are summed out of the bound on z, and are then explained by z."""

from typing import Any

import keras
import tensorflow as tf

from tfvae.latents.latent import Params, Term
from tfvae.latents.mixture import MixtureLatent


@keras.saving.register_keras_serializable("tfvae")
class MarginalMixtureLatent(MixtureLatent):
    """The same model as `MixtureLatent`, its bound estimated from samples of z.

    For every z, with p(z_j) = sum_k pi_jk p(z_j|k) and p(c_j|z_j) the components' responsibilities,

        log q(z|x) + log q(c|x) - log p(z, c)  =  log q(z|x) - log p(z)  +  KL(q(c|x) || p(c|z)),  in expectation under q(c|x).

    So the KL of z is to the whole mixture, which a posterior may match without being spread over components, and what is left is how far
    z and the codes say the same. The averaged component and its dispersion, which pull components together, do not occur.

    References:
      Dilokthanakul et al. Deep Unsupervised Clustering with Gaussian Mixture Variational Autoencoders. 2016, section 3.
      Jiang, Zheng, Tan, Tang, Zhou. Variational Deep Embedding. IJCAI 2017, section 3.2: there q(c|x) is p(c|z).
    """

    has_dispersion = False

    def __init__(self, *, detached_codes: bool = False, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          detached_codes: whether the KL of codes moves z and the components alone, and not q(c|x), which then is learned elsewhere.
          **kwargs: of `MixtureLatent`.
        """
        super().__init__(**kwargs)
        self.detached_codes = detached_codes

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the terms, [B, J] each, means over samples.

        `kl_z` is log q(z|x) - log p(z) and `kl_c` KL(q(c|x) || p(c|z)).
        """
        points = self._split(z)  # [S, B, J, event_size]
        log_joint = self._log_joint(points)
        log_prior = tf.reduce_logsumexp(log_joint, axis=-1)  # [S, B, J]
        log_posterior = self.family.distribution(self._natural(params)).log_prob(points)
        probabilities, entropy = self.code_probabilities(params), self._code_entropy(params)
        if self.detached_codes:
            probabilities, entropy = tf.stop_gradient(probabilities), tf.stop_gradient(entropy)
        log_responsibility = tf.reduce_mean(log_joint - log_prior[..., tf.newaxis], axis=0)
        return [
            Term("kl_z", tf.reduce_mean(log_posterior - log_prior, axis=0), "kl", "monte_carlo"),
            Term("kl_c", -entropy - tf.reduce_sum(probabilities * log_responsibility, axis=-1), "kl", "monte_carlo"),
        ]

    def responsibilities(self, z: tf.Tensor) -> tf.Tensor:
        """Returns p(c|z), [..., J, K] from z [..., size]."""
        return tf.nn.softmax(self._log_joint(self._split(z)), axis=-1)

    def _log_joint(self, points: tf.Tensor) -> tf.Tensor:
        """Log p(z_j, c_j), [..., J, K] from [..., J, event_size]."""
        return self.log_mixing() + self.prior_family.distribution(self.component_parameters()).log_prob(points[..., tf.newaxis, :])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "detached_codes": self.detached_codes}
