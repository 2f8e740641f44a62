"""Von Mises-Fisher distributions on the unit sphere, with a frozen concentration; `learnt_concentration` has the others."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import scipy.interpolate
import scipy.special
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.latents.exponential_family import ExponentialFamily


@keras.saving.register_keras_serializable("tfvae")
class VonMisesFisher(ExponentialFamily):
    """f(z) = C_d(kappa) exp(kappa mu . z) on the sphere of R^d: one factor with eta = kappa mu and T(z) = z.

    A(eta) = -log C_d(|eta|) with C_d(k) = k^(d/2-1) / ((2 pi)^(d/2) I_(d/2-1)(k)); at eta = 0, the uniform law, A is the log of the area.
    Averages of members have a smaller norm than kappa: every function of eta takes any norm, but `sample`, which needs kappa.

    References:
      Xu, Durrett. Spherical Latent Spaces for Stable Variational Autoencoders. EMNLP 2018, section 3.
      Davidson et al. Hyperspherical Variational Auto-Encoders. UAI 2018.
    """

    moves_freely = False

    def __init__(self, dim: int, concentration: float) -> None:
        """Makes the family on the unit sphere of R^dim with kappa = concentration."""
        self.event_size = dim
        self.raw_size = dim
        self.concentration = concentration
        self.unit_variance = 1 / dim  # under the uniform law

    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the mean direction [..., d] and the concentration [...]."""
        direction = direction_of(raw)
        return direction, tf.fill(tf.shape(raw)[:-1], tf.constant(self.concentration, raw.dtype))

    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta = concentration * direction, [..., 1, d]."""
        direction, concentration = parameters
        return (concentration[..., tf.newaxis] * direction)[..., tf.newaxis, :]

    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the direction [..., d] (the first axis where eta = 0, any direction being as good) and the norm of eta [...]."""
        vector = eta[..., 0, :]
        squared_norm = tf.reduce_sum(tf.square(vector), axis=-1, keepdims=True)
        nonzero = squared_norm > 0
        norm = tf.sqrt(tf.where(nonzero, squared_norm, 1.0))
        first_axis = tf.one_hot(0, self.event_size, dtype=eta.dtype)
        return tf.where(nonzero, vector / norm, first_axis), tf.where(nonzero, norm, 0.0)[..., 0]

    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), [..., 1]."""
        return _log_partition(self.event_size, tf.reduce_sum(tf.square(eta), axis=-1))

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns E z = A_d(|eta|) eta / |eta|, [..., 1, d]."""
        return _mean_length_over_norm(self.event_size, tf.reduce_sum(tf.square(eta), axis=-1, keepdims=True)) * eta

    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns TFP's VonMisesFisher."""
        direction, concentration = self.from_natural(eta)
        return tfp.distributions.VonMisesFisher(direction, concentration)

    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns z = cos(a) mu + sin(a) v for eta of norm `concentration`: v is uniform on the unit vectors orthogonal to mu.

        The angle's law depends on kappa alone, so the gradient flows through mu only. v is held fixed but for the turn that keeps it
        orthogonal to mu (parallel transport): the gradient is unbiased, and bounded everywhere on the sphere, which that of a Householder
        reflection is not.
        """
        direction = tf.math.l2_normalize(eta[..., 0, :], axis=-1)
        shape, dtype = tf.shape(direction), direction.dtype.name
        normal = stateless.normal(tf.concat([shape[:-1], [self.event_size + 1]], axis=0), seed, dtype)
        angle = self.angle(normal[..., :1], eta)
        fixed = tf.stop_gradient(direction)
        tangent = normal[..., 1:]
        for _ in range(2):  # once more, for what rounding leaves of a vector that lies almost along mu
            tangent -= tf.reduce_sum(tangent * fixed, axis=-1, keepdims=True) * fixed
            tangent = tf.math.l2_normalize(tangent, axis=-1, epsilon=1e-30)
        tangent -= tf.reduce_sum(tangent * direction, axis=-1, keepdims=True) * direction
        return tf.cos(angle) * direction + tf.sin(angle) * tangent

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns E z, [..., d], inside the unit ball."""
        return self.mean_parameters(eta)[..., 0, :]

    def mode(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the mean direction, [..., d], on the sphere."""
        return self.from_natural(eta)[0]

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points of the great circle through two unit vectors, [..., d]; between opposite ones, of some great circle."""
        cosine = tf.reduce_sum(start * end, axis=-1, keepdims=True)
        across = end - cosine * start
        # Opposite vectors share every great circle: the one towards the axis that is least along them is as good as any.
        axis = tf.one_hot(tf.argmin(tf.abs(start), axis=-1), self.event_size, dtype=start.dtype)
        other = axis - tf.reduce_sum(axis * start, axis=-1, keepdims=True) * start
        length = tf.norm(across, axis=-1, keepdims=True)
        across = tf.math.l2_normalize(tf.where((length < 1e-4) & (cosine < 0), other, across), axis=-1, epsilon=1e-24)
        angle = fraction[..., tf.newaxis] * tf.atan2(length, cosine)
        return tf.cos(angle) * start + tf.sin(angle) * across

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {"dim": self.event_size, "concentration": self.concentration}

    def angle(self, normal: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
        """Maps standard normal noise [..., 1] to the angle between z and mu, by the quantiles of both."""
        angles = tf.constant(angle_quantiles(self.event_size, self.concentration), normal.dtype)
        return tfp.math.interp_regular_1d_grid(normal, -NORMAL_LIMIT, NORMAL_LIMIT, angles, fill_value="constant_extension")


NORMAL_LIMIT = 7.0
"""Normal quantiles beyond which angles are those at the limit."""
_SHORTEST = 1e-12  # squared length


@functools.cache
def angle_quantiles(dim: int, concentration: float, size: int = 4097, points: int = 200_001) -> np.ndarray:
    """Angles a between z and mu at the quantiles Phi(n) for n evenly spaced in [-7, 7]; the largest n is the smallest angle.

    The density of a is proportional to exp(kappa cos a) sin(a)^(d-2). In terms of normal quantiles the angle is nearly a straight line, so
    interpolation is exact to about 1e-6.

    Args:
      dim: d of the space around the sphere, at least 2.
      concentration: kappa > 0.
      size: number of quantiles.
      points: at which the density is added up.

    Returns:
      angles in [0, pi], float64 [size].
    """
    mode = math.acos(_mode_cosine(dim, concentration))
    width = 1 / math.sqrt(concentration * math.cos(mode) + (dim - 2) / max(math.sin(mode) ** 2, 1e-300) + 1e-300)
    lowest, highest = max(0.0, mode - 12 * width), min(math.pi, mode + 12 * width)
    grid = np.linspace(lowest, highest, points)
    with np.errstate(divide="ignore"):
        log_density = concentration * np.cos(grid) + (scipy.special.xlogy(dim - 2, np.sin(grid)) if dim > 2 else 0.0)
    density = np.exp(log_density - log_density.max())
    mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    # From both ends, so that neither tail is lost to rounding against 1.
    remaining = np.concatenate([np.cumsum(((density[1:] + density[:-1]) / 2)[::-1])[::-1], [0.0]])
    total = mass[-1]
    lower, upper = scipy.special.ndtri(mass / total), -scipy.special.ndtri(remaining / total)
    score = np.where(mass < remaining, lower, upper)
    kept = np.concatenate([[True], np.diff(score) > 0]) & np.isfinite(score)
    quantile = scipy.interpolate.interp1d(score[kept], grid[kept], bounds_error=False, fill_value=(lowest, highest))
    return quantile(-np.linspace(-NORMAL_LIMIT, NORMAL_LIMIT, size))


def direction_of(raw: tf.Tensor) -> tf.Tensor:
    """Returns raw / |raw|, [..., d]; the first axis, with no gradient, where raw is too short to have a direction."""
    short = tf.reduce_sum(tf.square(raw), axis=-1, keepdims=True) < _SHORTEST
    return tf.math.l2_normalize(tf.where(short, tf.one_hot(0, raw.shape[-1], dtype=raw.dtype), raw), axis=-1)


def log_area(dim: int) -> float:
    """Returns the log of the area of the unit sphere of R^dim."""
    return math.log(2) + dim / 2 * math.log(math.pi) - math.lgamma(dim / 2)


def _mode_cosine(dim: int, concentration: float) -> float:
    """Cosine of the most probable angle: kappa sin^2 a = (d - 2) cos a."""
    half = (dim - 2) / (2 * concentration)
    return 1 / (half + math.sqrt(1 + half**2))


def _log_partition(dim: int, squared_norm: tf.Tensor) -> tf.Tensor:
    """A as a function of |eta|^2, with dA / d|eta|^2 = A_d(|eta|) / (2 |eta|), which has no singular point."""

    @tf.custom_gradient
    def function(squared: tf.Tensor) -> tuple[tf.Tensor, Any]:
        return _values(dim, squared)[0], lambda upstream: upstream * _mean_length_over_norm(dim, squared) / 2

    return function(squared_norm)


def _mean_length_over_norm(dim: int, squared_norm: tf.Tensor) -> tf.Tensor:
    """g(k^2) = A_d(k) / k with A_d(k) = I_(d/2)(k) / I_(d/2-1)(k), and g' = (1 - k^2 g^2 - d g) / (2 k^2); g(0) = 1 / d."""

    @tf.custom_gradient
    def function(squared: tf.Tensor) -> tuple[tf.Tensor, Any]:
        value = _values(dim, squared)[1]

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            small, safe = _split_at_small(dim, squared)
            slope = (1 - safe * tf.square(value) - dim * value) / (2 * safe)
            series = -1 / (dim**2 * (dim + 2)) + 4 * squared / (dim**3 * (dim + 2) * (dim + 4))
            return upstream * tf.where(small, series, slope)

        return value, gradient

    return function(squared_norm)


def _values(dim: int, squared_norm: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """A and g at squared norms of any shape, without their gradients."""
    flat = _traced_values(dim, squared_norm.dtype.name)(tf.reshape(squared_norm, [-1]))
    log_partition, mean_length = (tf.reshape(value, tf.shape(squared_norm)) for value in flat)
    return tf.ensure_shape(log_partition, squared_norm.shape), tf.ensure_shape(mean_length, squared_norm.shape)


@functools.cache
def _traced_values(dim: int, dtype: str) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """The function from squared norms [N] to A and g [N], traced once: TFP's Bessel functions are over a thousand operations."""

    def values(squared: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        small, safe = _split_at_small(dim, squared)
        norm, order = tf.sqrt(safe), dim / 2 - 1
        log_bessel = tfp.math.log_bessel_ive(tf.constant(order, dtype), norm) + norm
        log_partition = log_bessel - order * tf.math.log(norm) + dim / 2 * math.log(2 * math.pi)
        mean_length = tfp.math.bessel_iv_ratio(tf.constant(dim / 2, dtype), norm) / norm
        cubic = squared**3 / (3 * dim**3 * (dim + 2) * (dim + 4))
        series = log_area(dim) + squared / (2 * dim) - tf.square(squared) / (4 * dim**2 * (dim + 2)) + cubic
        length_series = 1 / dim - squared / (dim**2 * (dim + 2)) + 2 * tf.square(squared) / (dim**3 * (dim + 2) * (dim + 4))
        return tf.where(small, series, log_partition), tf.where(small, length_series, mean_length)

    # Inlined, its sums may become an AddN, which adds in the order in which buffers happen to fall free: the last bit would change by run.
    apart = {"_noinline": True}
    signature = [tf.TensorSpec([None], dtype)]
    with tf.init_scope():
        return tf.function(values, signature, autograph=False, experimental_attributes=apart).get_concrete_function()


def _split_at_small(dim: int, squared_norm: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Where the power series around 0 is the better formula, and the squared norm with such points moved out of the way."""
    small = squared_norm < 0.01 * dim
    return small, tf.where(small, tf.ones_like(squared_norm) * dim, squared_norm)
