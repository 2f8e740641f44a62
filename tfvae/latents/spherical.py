"""Von Mises-Fisher posterior, its concentration frozen or learned, and the uniform prior on the sphere."""

import functools
import math
from typing import Any

import keras
import numpy as np
import scipy.special
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.continuous import ContinuousLatent
from tfvae.latents.exponential_family import kl_divergence
from tfvae.latents.latent import Params, Term
from tfvae.latents.learnt_concentration import LearntVonMisesFisher
from tfvae.latents.von_mises_fisher_family import VonMisesFisher, log_area


@keras.saving.register_keras_serializable("tfvae")
class SphericalLatent(ContinuousLatent):
    """q(z|x) = vMF(mu(x), kappa), p(z) uniform on the unit sphere of R^d.

    Unless it is learned, kappa is a setting, so the KL is a constant that no training can lower: the posterior cannot collapse. Where it is
    learned, each example has a kappa(x) of its own, see `LearntVonMisesFisher`.

    References:
      Xu, Durrett. Spherical Latent Spaces for Stable Variational Autoencoders. EMNLP 2018, section 3.
    """

    def __init__(
        self, *, feature_dim: int, dim: int, kappa: float, learn_kappa: bool = False, kappa_gradient: str = "exact", **kwargs: Any
    ) -> None:
        """Makes the layer.

        Args:
          feature_dim: size of the encoder's features.
          dim: d, numbers in z.
          kappa: concentration of the posterior; the one that it begins with where it is learned.
          learn_kappa: whether kappa is a function of the features, as the direction is.
          kappa_gradient: of samples in a kappa that is learned: "exact", or "detached" for none.
          **kwargs: of `ContinuousLatent`.

        Raises:
          ValueError: a kappa that cannot be learned from there, or another kappa_gradient.
        """
        if kappa_gradient not in ("exact", "detached"):
            raise ValueError(f"kappa_gradient = {kappa_gradient!r}: must be 'exact' or 'detached'")
        learnt = functools.partial(LearntVonMisesFisher, detached=kappa_gradient == "detached")
        super().__init__((learnt if learn_kappa else VonMisesFisher)(dim, kappa), feature_dim=feature_dim, **kwargs)
        self.kappa, self.learn_kappa, self.kappa_gradient = kappa, learn_kappa, kappa_gradient
        self.kl = kl_to_uniform(dim, kappa)

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the KL, [B, 1], the same for all examples unless kappa is learned, `norm_penalty` [B], and a "kappa" [B] that is learned.

        The penalty (|raw direction| - 1)^2 keeps the length of what is normalised near 1; the authors' code gives it a weight of 1e-4.
        """
        raw = params["posterior"]
        squared = tf.reduce_sum(tf.square(raw[..., : self.size]), axis=-1)
        penalty = tf.square(tf.sqrt(tf.maximum(squared, 1e-12)) - 1)  # the square root has no slope at 0
        if not self.learn_kappa:
            kl = tf.fill([tf.shape(raw)[0], 1], tf.constant(self.kl, raw.dtype))
            return [Term("kl_z", kl, "kl"), Term("norm_penalty", penalty, "penalty")]
        eta = self._natural(params)
        kl = kl_divergence(self.family, eta, tf.zeros_like(eta))  # at eta = 0 the law is uniform
        kappa = self.family.from_natural(eta)[1]
        return [Term("kl_z", kl, "kl"), Term("norm_penalty", penalty, "penalty"), Term("kappa", kappa, "diagnostic")]

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns minus the log of the sphere's area, [...]."""
        return tf.fill(tf.shape(z)[:-1], tf.constant(-log_area(self.size), z.dtype))

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns z [n, d], uniform on the sphere, and codes of zeros [n, 1]: there is one component."""
        normal = stateless.normal([num, self.size], stateless.fold(seed, 0), self.compute_dtype)
        return tf.math.l2_normalize(normal, axis=-1), tf.zeros([num, 1], tf.int32)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("kappa", "learn_kappa", "kappa_gradient")
        return {**super().get_config(), "dim": self.size, **{name: getattr(self, name) for name in names}}


def mean_cosine(dim: int, kappa: float) -> float:
    """Returns A_d(kappa) = I_(d/2)(kappa) / I_(d/2-1)(kappa), the expected cosine between z and the mean direction, in float64."""
    return kappa / dim * math.exp(_log_hyp0f1(dim / 2 + 1, kappa) - _log_hyp0f1(dim / 2, kappa))


def kl_to_uniform(dim: int, kappa: float) -> float:
    """Returns KL(vMF(., kappa) || uniform), nats, in float64.

    The ratio of the densities at mu . z = c is exp(kappa c) / 0F1(; d/2; kappa^2 / 4), so KL = kappa A_d(kappa) - log 0F1: no large terms
    cancel where kappa is small, and none over- or underflows.

    References:
      Davidson et al. Hyperspherical Variational Auto-Encoders. UAI 2018, equation 14, is the same in Bessel functions.
    """
    return kappa * mean_cosine(dim, kappa) - _log_hyp0f1(dim / 2, kappa)


def _log_hyp0f1(b: float, kappa: float) -> float:
    """Log 0F1(; b; kappa^2 / 4), which is log [Gamma(b) (2 / kappa)^(b-1) I_(b-1)(kappa)]."""
    if kappa**2 < 2400 * b:  # below exp(600); beyond that the Bessel function does not underflow
        return float(np.log(scipy.special.hyp0f1(b, kappa**2 / 4)))
    return math.lgamma(b) + (b - 1) * math.log(2 / kappa) + math.log(scipy.special.ive(b - 1, kappa)) + kappa
