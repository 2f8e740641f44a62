"""Discrete latent variables: z is the codes themselves, as one-hot vectors."""

import math
import random
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.coded import CodedLatent
from tfvae.latents.latent import Params, Term, dense
from tfvae.latents.relaxation import gumbel_softmax, one_hot, switched

GUMBEL = ("soft", "straight_through")
"""What training samples are: relaxed vectors, or one-hot ones with the gradient of the relaxed."""


@keras.saving.register_keras_serializable("tfvae")
class DiscreteLatent(CodedLatent):
    """J variables of K values each, q(c_j|x) a linear function of the features, p(c_j) uniform; z is their J one-hot vectors.

    In training, samples are relaxed at a temperature that may fall, max(floor, temperature exp(-decay step)); elsewhere they are one-hot.
    With the objective's mi_weight at 1 the KL of the aggregate posterior is what remains of that of codes.

    References:
      Jang, Gu, Poole. Categorical Reparameterization with Gumbel-Softmax. ICLR 2017: the annealing is theirs.
      Maddison, Mnih, Teh. The Concrete Distribution. ICLR 2017.
      Zhao, Lee, Eskenazi. Unsupervised Discrete Sentence Representation Learning. ACL 2018, section 3.1 (DI-VAE).
    """

    moves_freely = False

    def __init__(
        self,
        *,
        feature_dim: int,
        variables: int,
        components: int,
        gumbel: str = "soft",
        temperature: float = 1.0,
        temperature_decay: float = 0.0,
        temperature_floor: float = 0.5,
        seed: int = 0,
        dtype: str = "float32",
        **kwargs: Any,
    ) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          variables: J.
          components: K, values of each variable.
          gumbel: "soft" or "straight_through", what training samples are.
          temperature: of the relaxation at the first step.
          temperature_decay: how fast it falls, a step.
          temperature_floor: where it stops falling.
          seed: of the initial weights.
          dtype: float32 or float64.
          **kwargs: of keras.layers.Layer.

        Raises:
          ValueError: an unknown `gumbel`.
        """
        super().__init__(dtype=dtype, **kwargs)
        if gumbel not in GUMBEL:
            raise ValueError(f"gumbel = {gumbel!r}: must be one of {', '.join(GUMBEL)}")
        self.feature_dim, self.num_variables, self.num_components, self.seed = feature_dim, variables, components, seed
        self.size, self.unit_variance = variables * components, (1 - 1 / components) / components
        self.gumbel, self.temperature = gumbel, temperature
        self.temperature_decay, self.temperature_floor = temperature_decay, temperature_floor
        self.logits = dense(self.size, feature_dim, random.Random(seed).getrandbits(31), dtype=dtype, name="logits")

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"logits": of q(c|x), [B, J, K]}."""
        return {"logits": self._split(self.logits(features))}

    def annealed_temperature(self, step: tf.Tensor | None) -> tf.Tensor:
        """Returns the temperature at a step, []; the first one where the step is None."""
        gone = tf.zeros([], self.compute_dtype) if step is None else tf.cast(step, self.compute_dtype)
        floor = min(self.temperature_floor, self.temperature)
        return tf.maximum(floor, self.temperature * tf.exp(-self.temperature_decay * gone))

    def relax(self, logits: tf.Tensor, noise: tf.Tensor, temperature: tf.Tensor | float) -> tf.Tensor:
        """Returns training samples [..., J, K] of logits [..., J, K], from uniform noise of their shape: see `gumbel_softmax`."""
        return gumbel_softmax(logits, noise, temperature, hard=self.gumbel == "straight_through")

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        logits = params["logits"]
        noise = stateless.uniform(tf.shape(logits), seed, logits.dtype.name)
        if temperature is None:
            return self._join(one_hot(gumbel_softmax(logits, noise)))
        return self._join(self.relax(logits, noise, temperature))

    def mean(self, params: Params) -> tf.Tensor:
        """Returns the probabilities, [B, J * K]."""
        return self._join(self.code_probabilities(params))

    def mode(self, params: Params) -> tf.Tensor:
        """Returns the one-hot vectors of the most probable codes, [B, J * K]."""
        return self._join(one_hot(params["logits"]))

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the way: the codes that differ change one after the other."""
        return self._join(switched(self._split(start), self._split(end), fraction))

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns `kl_c`, KL(q(c_j|x) || p(c_j)) of every variable, [B, J], in closed form."""
        return [Term("kl_c", math.log(self.num_components) - self._code_entropy(params), "kl")]

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns KL(q(c|x) || q'(c|x)), [B]."""
        return self._code_divergence(params, other)

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns log q(c|x) of one-hot z, [..., B]."""
        return tf.reduce_sum(z * self._join(tf.nn.log_softmax(params["logits"], axis=-1)), axis=-1)

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(c) = -J log K, [...]."""
        return tf.fill(tf.shape(z)[:-1], tf.constant(-self.num_variables * math.log(self.num_components), z.dtype))

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, J * K] and codes [n, J]."""
        codes = self._draw_codes(num, seed, component)
        return self._join(tf.one_hot(codes, self.num_components, dtype=self.compute_dtype)), codes

    def component_centres(self) -> np.ndarray:
        """Returns the z of each code, [J, K, K]."""
        return np.tile(np.eye(self.num_components, dtype=self.compute_dtype), (self.num_variables, 1, 1))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("feature_dim", "gumbel", "temperature", "temperature_decay", "temperature_floor", "seed")
        sizes = {"variables": self.num_variables, "components": self.num_components, "dtype": self.compute_dtype}
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, **sizes}
