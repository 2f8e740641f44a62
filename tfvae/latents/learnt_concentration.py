"""Von Mises-Fisher distributions whose concentration is a parameter like any other."""

import functools
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.latents.von_mises_fisher_family import NORMAL_LIMIT, VonMisesFisher, angle_quantiles

CONCENTRATION_RANGE = (0.1, 1e4)
"""Concentrations that there are: at the lowest, the KL to the uniform law is below .003 nats in every dimension."""
_CONCENTRATIONS, _QUANTILES = 97, 1025  # of the table of angles; cubic in the logarithm of the one, linear in the other


@keras.saving.register_keras_serializable("tfvae")
class LearntVonMisesFisher(VonMisesFisher):
    """The family of `VonMisesFisher` with d + 1 raw numbers: a direction, and h, which gives the concentration.

    log kappa = l + (u - l) sigmoid(4 h / (u - l) + c), within the logarithms l and u of CONCENTRATION_RANGE; c makes kappa the one to begin
    with at h = 0, where a step in h is one in log kappa. So kappa is positive, and h always has a gradient.

    `sample` is a differentiable function of kappa, too: the angle to mu is F^-1(u; kappa) for the angle's law F and a u that is held, read
    from a table of quantiles by interpolation. Its derivative is the implicit one, -(dF / dkappa) / f. Where `detached`, samples have no
    gradient in kappa, as in the authors' code: kappa is then moved by the KL alone, whose derivative kappa A_d'(kappa) is positive, so it
    falls to its bound.

    References:
      Xu, Durrett. Spherical Latent Spaces for Stable Variational Autoencoders. EMNLP 2018. Their code has clip(10 h + 50, 10, 150), which
        has no gradient beyond its bounds.
      Figurnov, Mohamed, Mnih. Implicit Reparameterization Gradients. NeurIPS 2018, section 3.
      Davidson et al. Hyperspherical Variational Auto-Encoders. UAI 2018, section 3.
    """

    def __init__(self, dim: int, start: float, *, detached: bool = False) -> None:
        """Makes the family on the unit sphere of R^dim.

        Args:
          dim: d.
          start: kappa at h = 0.
          detached: whether samples have no gradient in kappa.

        Raises:
          ValueError: a start that is not within CONCENTRATION_RANGE.
        """
        super().__init__(dim, start)
        low, high = CONCENTRATION_RANGE
        if not low < start < high:
            raise ValueError(f"kappa = {start}: where it is learned, it begins between {low:g} and {high:g}")
        self.raw_size, self.detached = dim + 1, detached
        share = math.log(start / low) / math.log(high / low)
        self._offset = math.log(share / (1 - share))

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the mean direction [..., d] and the concentration [...]."""
        direction, _ = super().constrain(raw[..., :-1])
        low, high = map(math.log, CONCENTRATION_RANGE)
        return direction, tf.exp(low + (high - low) * tf.sigmoid(4 / (high - low) * raw[..., -1] + self._offset))

    def angle(self, normal: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
        """Returns the angle between z and mu at quantiles of the standard normal law, [..., 1]; a smooth function of the norm of eta."""
        concentration = self.from_natural(eta)[1][..., tf.newaxis]
        if self.detached:
            concentration = tf.stop_gradient(concentration)
        low, high = map(math.log, CONCENTRATION_RANGE)
        place = (tf.math.log(concentration) - low) * ((_CONCENTRATIONS - 1) / (high - low))
        row = tf.clip_by_value(tf.floor(tf.stop_gradient(place)), 1, _CONCENTRATIONS - 3)
        across = (tf.clip_by_value(normal, -NORMAL_LIMIT, NORMAL_LIMIT) / NORMAL_LIMIT + 1) * ((_QUANTILES - 1) / 2)
        column = tf.clip_by_value(tf.floor(across), 0, _QUANTILES - 2)
        flat = tf.constant(_table(self.event_size), normal.dtype)
        first = tf.cast((row - 1) * _QUANTILES + column, tf.int32)

        def at(node: int) -> tf.Tensor:
            start = tf.gather(flat, first + node * _QUANTILES)
            return start + (across - column) * (tf.gather(flat, first + node * _QUANTILES + 1) - start)

        t = place - row
        # Lagrange's cubic through the nodes at -1, 0, 1 and 2.
        weights = (t * (1 - t) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2, t * (t + 1) * (2 - t) / 2, t * (t + 1) * (t - 1) / 6)
        return tf.add_n([weight * at(node) for node, weight in enumerate(weights)])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size, "start": self.concentration, "detached": self.detached}


@functools.cache
def _table(dim: int) -> np.ndarray:
    """Angles at concentrations evenly spaced in their logarithm, and at normal quantiles evenly spaced: one row after the other."""
    concentrations = np.geomspace(*CONCENTRATION_RANGE, _CONCENTRATIONS)
    return np.concatenate([angle_quantiles(dim, float(kappa), _QUANTILES, points=20_001) for kappa in concentrations])
