"""A mixture prior whose codes are summed out, and read off z: no network infers them."""

from typing import Any

import keras
import tensorflow as tf

from tfvae.latents.exponential_family import dispersion, kl_divergence, natural_variance
from tfvae.latents.latent import Params, Term
from tfvae.latents.marginal_mixture import MarginalMixtureLatent


@keras.saving.register_keras_serializable("tfvae")
class MixtureOfPriorsLatent(MarginalMixtureLatent):
    """q(z|x) with p(z_j) = sum_k pi_jk p(z_j|k); the codes' posterior is p(c|z), so the bound has no term of codes.

    Where one code must be told of an example, it is that of the mode of q(z|x).

    References:
      Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020: `GMVAE_MoP` of the
      authors' code.
      Jiang, Zheng, Tan, Tang, Zhou. Variational Deep Embedding. IJCAI 2017, section 3.2: q(c|x) = p(c|z) is the best there is.
    """

    def __init__(self, *, hidden_dim: int = 0, **kwargs: Any) -> None:
        """Makes the layer; the arguments are those of `MarginalMixtureLatent`, of which `hidden_dim` means nothing here and is 0."""
        super().__init__(**{**kwargs, "hidden_dim": 0})

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": raw parameters [B, J, R]}."""
        return {"posterior": super().call(features)["posterior"]}

    def code_logits(self, params: Params) -> tf.Tensor:
        """Returns log p(z_j, c_j) at the modes of q(z_j|x), logits of p(c|z), [B, J, K]."""
        return self._log_joint(self.family.mode(self._natural(params)))

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns KL(q(z|x) || q'(z|x)), [B]: codes are read off z."""
        return tf.reduce_sum(kl_divergence(self.family, self._natural(params), self._natural(other)), axis=[1, 2])

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the terms, [B, J] or [B, J, F] each, means over samples.

        `kl_z` is log q(z|x) - log p(z); `dispersion` and `natural_variance` are those of the components under p(c|z).
        """
        points = self._split(z)  # [S, B, J, event_size]
        log_joint = self._log_joint(points)
        log_posterior = self.family.distribution(self._natural(params)).log_prob(points)
        components, told = self.component_parameters(), self._told(log_joint)
        spread, variance = dispersion(self.prior_family, told, components), natural_variance(told, components)
        samples = tf.shape(z)[0]
        return [
            Term("kl_z", tf.reduce_mean(log_posterior - tf.reduce_logsumexp(log_joint, axis=-1), axis=0), "kl", "monte_carlo"),
            Term("dispersion", _mean_over(samples, spread), "diagnostic", "monte_carlo"),
            Term("natural_variance", _mean_over(samples, variance), "diagnostic", "monte_carlo"),
        ]

    def _told(self, log_joint: tf.Tensor) -> tf.Tensor:
        """p(c|z) of all samples, [S * B, J, K]."""
        return tf.reshape(tf.nn.softmax(log_joint, axis=-1), [-1, self.num_variables, self.num_components])


def _mean_over(samples: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """[S * B, ...] -> [B, ...]."""
    return tf.reduce_mean(tf.reshape(values, tf.concat([[samples, -1], tf.shape(values)[1:]], axis=0)), axis=0)
