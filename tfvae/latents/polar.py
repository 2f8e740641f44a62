"""A direction and a norm: von Mises-Fisher times uniform."""

import math
import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.latent import Params, Term, dense
from tfvae.latents.spherical import SphericalLatent

_SLACK = 1e-4  # share of the width by which a norm may leave its interval through rounding


@keras.saving.register_keras_serializable("tfvae")
class PolarLatent(SphericalLatent):
    """z = r w: w as in `SphericalLatent`; q(r|x) uniform on [rho(x), rho(x) + e], p(r) uniform on [0, M].

    rho = (M - e) sigmoid(h), so the interval is always within [0, M], the KL of the norm is the constant log(M / e), and with a frozen
    concentration no training can lower any part of the KL. Densities are those of z in R^d: of w and r, over r^(d-1).

    References:
      Guu, Hashimoto, Oren, Liang. Generating Sentences by Editing Prototypes. TACL 2018, section 4.3.
      Xu, Durrett. Spherical Latent Spaces for Stable Variational Autoencoders. EMNLP 2018: their code's "unifvmf", which draws a norm for
        each entry of z, while its KL is that of one norm.
    """

    def __init__(self, *, feature_dim: int, norm_max: float = 2.0, norm_width: float = 1.0, seed: int = 0, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          norm_max: M.
          norm_width: e.
          seed: of the initial weights.
          **kwargs: of `SphericalLatent`.

        Raises:
          ValueError: e is not below M, or as of `SphericalLatent`.
        """
        super().__init__(feature_dim=feature_dim, seed=seed, **kwargs)
        if not 0 < norm_width < norm_max:
            raise ValueError(f"norm_width = {norm_width}: must be above 0 and below norm_max = {norm_max}")
        self.norm_max, self.norm_width = norm_max, norm_width
        self.norm_kl = math.log(norm_max / norm_width)
        self.unit_variance = norm_max**2 / (3 * self.size)  # under the prior
        self.norm = dense(1, feature_dim, random.Random(seed + 1).getrandbits(31), dtype=self.compute_dtype, name="norm")

    def call(self, features: tf.Tensor) -> Params:
        """Returns {"posterior": the direction's raw parameters, [B, R]; "norm": h, [B, 1]}."""
        return {**super().call(features), "norm": self.norm(features)}

    def least_norm(self, params: Params) -> tf.Tensor:
        """Returns rho(x), [B, 1]."""
        return (self.norm_max - self.norm_width) * tf.sigmoid(params["norm"])

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        direction = super()._sample_once(params, stateless.fold(seed, 0), temperature)
        share = stateless.uniform(tf.shape(params["norm"]), stateless.fold(seed, 1), direction.dtype.name)
        return (self.least_norm(params) + self.norm_width * share) * direction

    def mean(self, params: Params) -> tf.Tensor:
        """Returns E[z|x], [B, size]."""
        return (self.least_norm(params) + self.norm_width / 2) * super().mean(params)

    def mode(self, params: Params) -> tf.Tensor:
        """Returns the most probable direction at the mean norm, [B, size]: the density of z itself is greatest at the least norm."""
        return (self.least_norm(params) + self.norm_width / 2) * super().mode(params)

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points whose directions are on a great circle, and whose norms change evenly."""
        first, last = (tf.norm(z, axis=-1, keepdims=True) for z in (start, end))
        share = fraction[..., tf.newaxis]
        return ((1 - share) * first + share * last) * super().interpolate(_direction(start), _direction(end), fraction)

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the terms of `SphericalLatent`, the KL being that of direction and norm."""
        kl, *others = super().terms(params, z, weight)
        return [Term(kl.name, kl.value + self.norm_kl, kl.role), *others]

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns KL(q || q'), [B]: infinite unless the norms' intervals are the same."""
        apart = tf.abs(self.least_norm(params) - self.least_norm(other))[:, 0] > _SLACK * self.norm_width
        return tf.where(apart, tf.constant(math.inf, self.compute_dtype), super().divergence(params, other))

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns log q(z|x), [..., B]; -inf where the norm is not within the interval."""
        norm = tf.norm(z, axis=-1)
        place = (norm - self.least_norm(params)[:, 0]) / self.norm_width
        density = super().log_posterior(params, _direction(z)) - math.log(self.norm_width) - (self.size - 1) * _log(norm)
        return tf.where((place >= -_SLACK) & (place <= 1 + _SLACK), density, tf.constant(-math.inf, density.dtype))

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(z), [...]; -inf beyond M."""
        norm = tf.norm(z, axis=-1)
        density = super().log_prior(z) - math.log(self.norm_max) - (self.size - 1) * _log(norm)
        return tf.where(norm <= self.norm_max + _SLACK * self.norm_width, density, tf.constant(-math.inf, density.dtype))

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, d] and codes of zeros [n, 1]: there is one component."""
        direction, codes = super().sample_prior(num, stateless.fold(seed, 0), component)
        return self.norm_max * stateless.uniform([num, 1], stateless.fold(seed, 1), self.compute_dtype) * direction, codes

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "norm_max": self.norm_max, "norm_width": self.norm_width}


def _direction(z: tf.Tensor) -> tf.Tensor:
    return tf.math.l2_normalize(z, axis=-1, epsilon=1e-24)


def _log(norm: tf.Tensor) -> tf.Tensor:
    return tf.math.log(tf.maximum(norm, tf.constant(1e-12, norm.dtype)))
