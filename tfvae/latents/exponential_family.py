"""Exponential families, in natural parameters.

    p(z; eta) = h(z) exp(<eta, T(z)> - A(eta))

An event may factorise into F independent factors with P natural parameters each: eta has shape [..., F, P], and everything that is a sum
over factors keeps them, shape [..., F]. What mixtures need follows from A alone and is written here once.

References:
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 3.
  Wainwright, Jordan. Graphical Models, Exponential Families, and Variational Inference. 2008, section 3.
"""

import abc
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp


class ExponentialFamily(abc.ABC):
    """A family of distributions of one latent variable.

    Attributes:
      event_size: numbers in one z.
      raw_size: unconstrained numbers R that give one member.
      unit_variance: variance of an entry of z that variances are measured in: 1, that of a standard normal variable, unless z is bounded.
      moves_freely: whether a number of z may be moved alone: z may be any vector.
    """

    event_size: int
    raw_size: int
    unit_variance: float = 1.0
    moves_freely: bool = True

    @abc.abstractmethod
    def constrain(self, raw: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the family's usual parameters from unconstrained numbers [..., R], smoothly."""

    @abc.abstractmethod
    def natural_parameters(self, *parameters: tf.Tensor) -> tf.Tensor:
        """Returns eta [..., F, P] from the usual parameters."""

    @abc.abstractmethod
    def from_natural(self, eta: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the usual parameters; inverse of `natural_parameters`."""

    @abc.abstractmethod
    def log_partition(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns A(eta), shape [..., F], from eta [..., F, P]."""

    @abc.abstractmethod
    def distribution(self, eta: tf.Tensor) -> tfp.distributions.Distribution:
        """Returns the TFP distribution with event shape [event_size] and batch shape [...]."""

    @abc.abstractmethod
    def sample(self, eta: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns one z for each member, [..., event_size], a function of the seed ([2], or [B, 2] one a row of eta's first axis)."""

    def mean_parameters(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns E[T(z)] = grad A(eta), shape [..., F, P]."""
        with tf.GradientTape() as tape:
            tape.watch(eta)
            log_partition = self.log_partition(eta)
        return tape.gradient(log_partition, eta)

    def mean(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns E[z], [..., event_size]."""
        return self.distribution(eta).mean()

    def mode(self, eta: tf.Tensor) -> tf.Tensor:
        """Returns the z of greatest density, [..., event_size]; the mean, unless a family says otherwise."""
        return self.mean(eta)

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points [..., event_size] on the shortest way between two z within the sample space; fraction [...] is the share gone."""
        fraction = fraction[..., tf.newaxis]
        return (1 - fraction) * start + fraction * end

    def centred(self, eta: tf.Tensor, centre: tf.Tensor) -> tf.Tensor:
        """Returns eta as seen from the mean of `centre`, broadcasting; divergences stay the same, and float32 loses no digits in them.

        Only families that are closed under translation of z have anything to do.
        """
        return eta

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ExponentialFamily":
        """Makes a family from `get_config`'s answer."""
        return cls(**config)


def bounded(raw: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """Returns numbers of any size drawn into [low, high] smoothly, of the same shape; those well within stay as they are."""
    above = low + tf.math.softplus(raw - low)
    return high - tf.math.softplus(high - above)


def natural(family: ExponentialFamily, raw: tf.Tensor) -> tf.Tensor:
    """Returns eta [..., F, P] from unconstrained numbers [..., R]."""
    return family.natural_parameters(*family.constrain(raw))


def kl_divergence(family: ExponentialFamily, eta_q: tf.Tensor, eta_p: tf.Tensor) -> tf.Tensor:
    """KL(q || p) of two members, a Bregman divergence of A: A(eta_p) - A(eta_q) - <eta_p - eta_q, grad A(eta_q)>.

    Args:
      family: the family of both.
      eta_q: natural parameters, [..., F, P].
      eta_p: natural parameters, broadcasting with eta_q.

    Returns:
      nats, [..., F].
    """
    eta_q, eta_p = family.centred(eta_q, eta_q), family.centred(eta_p, eta_q)
    slope = tf.reduce_sum((eta_p - eta_q) * family.mean_parameters(eta_q), axis=-1)
    return family.log_partition(eta_p) - family.log_partition(eta_q) - slope


def average(probabilities: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
    """The averaged component: sum_k q(c = k) eta_k (paper section 3.2).

    Args:
      probabilities: q(c|x), [B, J, K].
      eta: the components, [J, K, F, P].

    Returns:
      natural parameters, [B, J, F, P].
    """
    return tf.einsum("bjk,jkfp->bjfp", probabilities, eta)


def dispersion(family: ExponentialFamily, probabilities: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
    """The dispersion term L_d = E_q(c|x) A(eta_c) - A(E_q(c|x) eta_c) >= 0 (paper equation 6); arguments as `average`.

    Returns:
      nats, [B, J, F].
    """
    averaged = average(probabilities, eta)
    components = family.centred(eta[tf.newaxis], averaged[:, :, tf.newaxis])  # [B or 1, J, K, F, P]
    expected = tf.einsum("bjk,bjkf->bjf", probabilities, family.log_partition(components) + tf.zeros_like(probabilities)[..., tf.newaxis])
    return expected - family.log_partition(family.centred(averaged, averaged))


def natural_variance(probabilities: tf.Tensor, eta: tf.Tensor) -> tf.Tensor:
    """Variance of the natural parameters under q(c|x), summed over a factor's parameters (paper section 3.2); arguments as `average`.

    Returns:
      [B, J, F].
    """
    centred = eta[tf.newaxis] - average(probabilities, eta)[:, :, tf.newaxis]  # [B, J, K, F, P]
    return tf.einsum("bjk,bjkfp->bjf", probabilities, tf.square(centred))
