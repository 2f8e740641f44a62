"""Gaussians that are never nearer to the standard normal law than so many nats."""

import math
from typing import Any

import keras
import scipy.special
import tensorflow as tf

from tfvae.latents.gaussian_family import Gaussian

_SHORTEST = 1e-6  # squared mean, below which its root has no usable slope


@keras.saving.register_keras_serializable("tfvae")
class LeastKLGaussian(Gaussian):
    """N(mean, diag(variance)) with KL(. || N(0, 1)) = delta + softplus(m) / 2 in every dimension, for raw numbers m and s.

    variance v = l^(1 - sigmoid(s)) u^sigmoid(s), for l < 1 < u the two variances at which N(0, v) is delta nats from N(0, 1), the roots of
    log v - v + 2 delta + 1 = 0; mean = sqrt(2 delta + 1 + log v - v + softplus(m)).

    A softplus stands for the paper's max(0, m), where means below 0 would have no gradient. Means are positive.

    References:
      Razavi, van den Oord, Poole, Vinyals. Preventing Posterior Collapse with delta-VAEs. ICLR 2019, section 3.1 and appendix.
    """

    def __init__(self, dim: int, delta: float) -> None:
        """Makes the family on R^dim of Gaussians that are `delta` nats or more, a dimension, from the standard normal law."""
        super().__init__(dim)
        self.delta = delta
        roots = [-scipy.special.lambertw(-math.exp(-1 - 2 * delta), branch).real for branch in (0, -1)]
        self._low, self._high = map(math.log, roots)

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mean and log-variance, [..., D] each."""
        mean, spread = tf.split(raw, 2, axis=-1)
        log_variance = self._low + (self._high - self._low) * tf.sigmoid(spread)
        room = 2 * self.delta + 1 + log_variance - tf.exp(log_variance)
        return tf.sqrt(tf.maximum(room + tf.math.softplus(mean), _SHORTEST)), log_variance

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size, "delta": self.delta}
