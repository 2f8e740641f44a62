"""Mixture prior: J variables, each with a mixture of K components of an exponential family."""

import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.coded import CodedLatent
from tfvae.latents.exponential_family import ExponentialFamily, average, dispersion, kl_divergence, natural, natural_variance
from tfvae.latents.latent import Params, Term, dense


@keras.saving.register_keras_serializable("tfvae")
class MixtureLatent(CodedLatent):
    """c_j ~ Cat(pi_j), z_j | c_j ~ p(z; eta_jc); q(z, c|x) = prod_j q(z_j|x) q(c_j|x), with q(z_j|x) of the components' family.

    The decoder reads z alone, so gradients to q(c|x) come from the regularisers, in closed form. With eta-bar the average of components'
    natural parameters under q(c|x), the KL of z splits into the KL to the averaged component and the dispersion term L_d.

    References:
      Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, sections 2 and 3.
    """

    has_dispersion = True

    def __init__(
        self,
        *,
        feature_dim: int,
        family: ExponentialFamily,
        prior_family: ExponentialFamily | None = None,
        variables: int,
        components: int,
        hidden_dim: int,
        mixing: str = "uniform",
        seed: int = 0,
        dtype: str = "float32",
        **kwargs: Any,
    ) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          family: of the posterior of one variable.
          prior_family: of the components; `family` unless it differs, as in a frozen concentration.
          variables: J.
          components: K.
          hidden_dim: units of the hidden layer before the component logits; 0: features give none, and an inference must.
          mixing: mixing weights pi: "uniform", 1/K each, or "learned", from there on.
          seed: of the initial weights and components.
          dtype: float32 or float64.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(dtype=dtype, **kwargs)
        self.family, self.prior_family = family, prior_family or family
        self.feature_dim, self.hidden_dim, self.seed = feature_dim, hidden_dim, seed
        self.num_variables, self.num_components = variables, components
        self.size, self.unit_variance = variables * family.event_size, family.unit_variance
        self.moves_freely = family.moves_freely
        seeds = random.Random(seed)
        self.mixing = mixing
        self.posterior = dense(variables * family.raw_size, feature_dim, seeds.getrandbits(31), dtype=dtype, name="posterior")
        hidden_seed = seeds.getrandbits(31)
        if hidden_dim:
            self.hidden = dense(hidden_dim, feature_dim, hidden_seed, activation="relu", dtype=dtype, name="hidden")
            # q(c|x) starts at the prior, so that no chance association of codes with sentences is there to be kept.
            self.logits = dense(variables * components, hidden_dim, None, dtype=dtype, name="logits")
        self.components = self.add_weight(
            shape=(variables, components, self.prior_family.raw_size),
            initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seeds.getrandbits(31)),
            name="components",
        )
        self.mixing_logits = None
        if mixing == "learned":
            self.mixing_logits = self.add_weight(shape=(variables, components), initializer="zeros", name="mixing_logits")

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": raw parameters [B, J, R], "logits": of q(c|x) [B, J, K]}."""
        posterior = tf.reshape(self.posterior(features), [-1, self.num_variables, self.family.raw_size])
        if not self.hidden_dim:
            return {"posterior": posterior, "logits": tf.zeros([tf.shape(posterior)[0], self.num_variables, self.num_components])}
        return {
            "posterior": posterior,
            "logits": tf.reshape(self.logits(self.hidden(features)), [-1, self.num_variables, self.num_components]),
        }

    def component_parameters(self) -> tf.Tensor:
        """Returns the components' natural parameters, [J, K, F, P]."""
        return natural(self.prior_family, tf.convert_to_tensor(self.components))

    def _natural(self, params: Params) -> tf.Tensor:
        return natural(self.family, params["posterior"])  # [B, J, F, P]

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        return self._join(self.family.sample(self._natural(params), seed))

    def mean(self, params: Params) -> tf.Tensor:
        """Returns E[z|x], [B, J * event_size]."""
        return self._join(self.family.mean(self._natural(params)))

    def mode(self, params: Params) -> tf.Tensor:
        """Returns the mode of q(z|x), [B, J * event_size]."""
        return self._join(self.family.mode(self._natural(params)))

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the family's shortest way, each variable on its own."""
        return self._join(self.family.interpolate(self._split(start), self._split(end), fraction[..., tf.newaxis]))

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the terms, all in closed form.

        `kl_z` is R_z = E_q(c|x) KL(q(z|x) || p(z|c)) [B, J, F] and `kl_c` is R_c = KL(q(c|x) || p(c)) [B, J]. `dispersion` L_d is part of
        kl_z and `average_kl` the rest of it; `natural_variance` is the spread of the components' natural parameters.
        """
        components = self.component_parameters()
        probabilities = self.code_probabilities(params)
        average_kl = kl_divergence(self.family, self._natural(params), average(probabilities, components))
        spread = dispersion(self.prior_family, probabilities, components)
        return [
            Term("kl_z", average_kl + spread, "kl"),
            Term("kl_c", self._code_cross_entropy(probabilities) - self._code_entropy(params), "kl"),
            Term("dispersion", spread, "relief"),
            Term("average_kl", average_kl, "diagnostic"),
            Term("natural_variance", natural_variance(probabilities, components), "diagnostic"),
        ]

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns KL(q(z, c) || q'(z, c)), [B]: sums over variables, of z and of codes."""
        of_z = kl_divergence(self.family, self._natural(params), self._natural(other))
        return tf.reduce_sum(of_z, axis=[1, 2]) + self._code_divergence(params, other)

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns log q(z|x) = sum_j log q(z_j|x), [..., B]."""
        return tf.reduce_sum(self.family.distribution(self._natural(params)).log_prob(self._split(z)), axis=-1)

    def prior(self) -> tfp.distributions.MixtureSameFamily:
        """Returns the prior of each variable: batch shape [J], event shape [event_size]."""
        return tfp.distributions.MixtureSameFamily(
            tfp.distributions.Categorical(logits=self.log_mixing()),
            self.prior_family.distribution(self.component_parameters()),
        )

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(z) = sum_j log sum_k pi_jk p(z_j|c_j = k), [...]."""
        return tf.reduce_sum(self.prior().log_prob(self._split(z)), axis=-1)

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, size] and codes [n, J]; free codes (-1) are drawn by the mixing weights."""
        codes = self._draw_codes(num, seed, component)
        eta = tf.gather(self.component_parameters(), tf.transpose(codes), axis=1, batch_dims=1)  # [J, n, F, P]
        return self._join(self.prior_family.sample(tf.transpose(eta, [1, 0, 2, 3]), stateless.fold(seed, 1))), codes

    @property
    def prior_variables(self) -> list[keras.Variable]:
        """The components, and the mixing weights where those are learned."""
        return [self.components, *([] if self.mixing_logits is None else [self.mixing_logits])]

    def component_centres(self) -> np.ndarray:
        """Returns the components' modes, [J, K, event_size]."""
        return self.prior_family.mode(self.component_parameters()).numpy()

    def prior_parameters(self) -> dict[str, np.ndarray]:
        """Returns the components' natural parameters, [J, K, F, P]."""
        return {"components": self.component_parameters().numpy()}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "feature_dim": self.feature_dim,
            "family": keras.saving.serialize_keras_object(self.family),
            "prior_family": keras.saving.serialize_keras_object(self.prior_family),
            "variables": self.num_variables,
            "components": self.num_components,
            "hidden_dim": self.hidden_dim,
            "mixing": self.mixing,
            "seed": self.seed,
            "dtype": self.compute_dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "MixtureLatent":
        """Makes the layer from `get_config`'s answer."""
        families = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("family", "prior_family")}
        return cls(**{**config, **families})
