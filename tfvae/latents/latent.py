"""What every latent distribution offers."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import stateless

Params = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Term:
    """One quantity of the objective or of its log, kept as fine as it factorises.

    Attributes:
      name: a short name, the key in logs.
      value: nats (or what the name says) an example, [B], [B, J] or [B, J, F].
      role: "reconstruction", "kl" (part of the ELBO), "relief" (given back with a weight), "penalty" (added with a weight) or "diagnostic".
      estimator: "analytic" or "monte_carlo".
    """

    name: str
    value: tf.Tensor
    role: str
    estimator: str = "analytic"


class Latent(keras.layers.Layer):
    """A posterior q(z, c|x) and a prior p(z, c) over J variables; z is one vector of `size` numbers.

    `call` makes unconstrained parameters from features, and every other method applies the constraints itself, so parameters can be
    optimised directly. All arithmetic is float32 (or float64), whatever the policy of the networks around it.

    Attributes:
      size: numbers in z; 0 where there is no z.
      num_variables: J.
      num_components: K; 1 where there are no codes.
      has_prior: whether z can be drawn without an x.
      has_density: whether q(z|x) and p(z) have densities.
      has_codes: whether there is a discrete c.
      has_dispersion: whether the bound has the dispersion term that `ELBO.beta` gives back.
      fits_prior: whether the prior is fitted to posterior means, by `fit_prior`, after every epoch of training.
      moves_freely: whether a number of z may be moved alone, which on a sphere or between codes it may not; an array [size] where the
        entries differ.
      unit_variance: see `ExponentialFamily`; an array [size] where the entries differ.
    """

    size: int
    num_variables: int = 1
    num_components: int = 1
    has_prior: bool = True
    has_density: bool = True
    has_codes: bool = False
    has_dispersion: bool = False
    fits_prior: bool = False
    moves_freely: bool | np.ndarray = True
    unit_variance: float | np.ndarray = 1.0

    def build(self, input_shape: Any) -> None:
        """Does nothing: constructors make all weights."""
        self.built = True

    def call(self, features: tf.Tensor) -> Params:
        """Returns the posterior's unconstrained parameters, leaves [B, ...], from features [B, F]."""
        raise NotImplementedError

    def annealed_temperature(self, step: tf.Tensor | None) -> tf.Tensor | None:
        """Returns the temperature of training samples at a step, []; None: samples are not relaxed."""
        return None

    def in_training(self, features: tf.Tensor) -> Params:
        """Returns what `call` returns, of a latent that does otherwise in training, such as normalise over the batch."""
        return self(features)

    def sample(
        self, params: Params, num_samples: int, seed: tf.Tensor, *, temperature: tf.Tensor | float | None = None, start: int = 0
    ) -> tf.Tensor:
        """Draws z ~ q(z|x).

        Args:
          params: what `call` returned.
          num_samples: S.
          seed: int32 [2], or [B, 2] where a row's noise must not depend on its neighbours.
          temperature: of relaxed discrete latents, None for one-hot samples; the others ignore it.
          start: number of the first sample. With a seed a row, sample s is the same however start .. start + S - 1 are cut into calls.

        Returns:
          z, [S, B, size].
        """
        repeated = params
        if num_samples != 1:
            repeated = tf.nest.map_structure(lambda leaf: tf.tile(leaf, [num_samples] + [1] * (len(leaf.shape) - 1)), params)
        if seed.shape.rank == 1:
            seed = stateless.fold(seed, start)
        else:
            seed = tf.reshape(stateless.fold(seed, start + tf.range(num_samples)[:, tf.newaxis]), [-1, 2])
        z = self._sample_once(repeated, seed, temperature)
        return tf.reshape(z, [num_samples, tf.shape(z)[0] // num_samples, self.size])

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        """Returns one z an example, [B, size]."""
        raise NotImplementedError

    def mean(self, params: Params) -> tf.Tensor:
        """Returns the posterior mean of z, [B, size]."""
        raise NotImplementedError

    def mode(self, params: Params) -> tf.Tensor:
        """Returns the z of greatest posterior density, [B, size]: the one a text is best reconstructed from."""
        return self.mean(params)

    def interpolate(self, start: tf.Tensor, end: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
        """Returns points on the shortest way from one z to another within the latent space.

        Args:
          start: z, [..., size].
          end: z, [..., size].
          fraction: share of the way, [...] broadcasting with the leading axes of z; 0 is the start.
        """
        fraction = fraction[..., tf.newaxis]
        return (1 - fraction) * start + fraction * end

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns the latent's terms of the objective.

        Args:
          params: what `call` returned.
          z: samples, [S, B, size], for terms that are Monte Carlo estimates.
          weight: weights of the examples, [B].
        """
        raise NotImplementedError

    def divergence(self, params: Params, other: Params) -> tf.Tensor:
        """Returns KL(q || q') of two posteriors over the same variables, nats, [B], from unconstrained parameters of both."""
        raise NotImplementedError

    def log_posterior(self, params: Params, z: tf.Tensor) -> tf.Tensor:
        """Returns log q(z|x), nats, [..., B] from z [..., B, size]."""
        raise NotImplementedError

    def log_prior(self, z: tf.Tensor) -> tf.Tensor:
        """Returns log p(z), nats, [...] from z [..., size]."""
        raise NotImplementedError

    def sample_prior(self, num: int, seed: tf.Tensor, component: Any = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws from the prior.

        Args:
          num: n.
          seed: int32 [2], or [n, 2] one a row.
          component: codes to hold, int [n, J] with -1 for a free variable, or None for all free.

        Returns:
          z [n, size] and the codes [n, J], int32.
        """
        raise NotImplementedError

    def coded_part(self) -> "Latent":
        """The part whose codes these are: the latent itself, unless it is made of several."""
        return self

    def code_columns(self, variable: int) -> slice:
        """Returns which entries of z are those of one variable."""
        width = self.size // self.num_variables
        return slice(variable * width, (variable + 1) * width)

    def component_centres(self) -> np.ndarray:
        """Returns the z of each variable's components, [J, K, D]: their modes, in the entries that `code_columns` names."""
        raise NotImplementedError

    def code_logits(self, params: Params) -> tf.Tensor:
        """Returns logits of q(c|x), [B, J, K]; of one component where there are no codes."""
        return tf.zeros_like(self.code_probabilities(params))

    def code_probabilities(self, params: Params) -> tf.Tensor:
        """Returns q(c|x), [B, J, K]; of one component where there are no codes."""
        batch = tf.shape(tf.nest.flatten(params)[0])[0]
        return tf.ones([batch, self.num_variables, self.num_components])

    def log_code_probabilities(self, params: Params) -> tf.Tensor:
        """Returns log q(c|x), [B, J, K]."""
        probabilities = self.code_probabilities(params)
        return tf.math.log(tf.maximum(probabilities, np.finfo(probabilities.dtype.as_numpy_dtype).tiny))

    def log_mixing(self) -> tf.Tensor:
        """Returns log p(c), [J, K]; of one component where there are no codes."""
        return tf.zeros([self.num_variables, self.num_components])

    def statistics(self, params: Params, weight: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns sums over examples, from which `from_statistics` makes what the aggregate posterior determines."""
        return {}

    def from_statistics(self, sums: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns quantities of the aggregate posterior, by name, from (added up) `statistics`."""
        return {}

    @property
    def prior_variables(self) -> list[keras.Variable]:
        """Trainable variables of p(z, c)."""
        return []

    def initialize_from(self, other: "Latent") -> None:
        """Takes the weights of a latent that was trained before.

        Raises:
          ValueError: it is of another kind or size.
        """
        if type(other) is not type(self):
            raise ValueError(f"a {type(self).__name__} cannot begin as a {type(other).__name__}")
        self.check_sizes(other)
        if type(getattr(self, "family", None)) is not type(getattr(other, "family", None)):
            raise ValueError("the components' families differ")
        self.set_weights(other.get_weights())

    def check_sizes(self, other: "Latent") -> None:
        """Checks that a latent reads as many features and has a z of the same shape.

        Raises:
          ValueError: says what differs.
        """
        names = {"feature_dim": "features", "num_variables": "variables", "num_components": "components", "size": "numbers in z"}
        for name, what in names.items():
            own, theirs = getattr(self, name, 0), getattr(other, name, 0)
            if own != theirs:
                raise ValueError(f"{own} {what} here and {theirs} there")

    def prior_parameters(self) -> dict[str, np.ndarray]:
        """Returns what a picture of the prior needs, by name; empty where the prior has no parameters."""
        return {}


def weighted_sum(weight: tf.Tensor, value: tf.Tensor) -> tf.Tensor:
    """Returns sum over examples of weight * value: shape [...] from [B] and [B, ...]."""
    return tf.tensordot(tf.cast(weight, value.dtype), value, axes=1)


def dense(units: int, input_dim: int, seed: int | None, *, activation: str | None = None, dtype: str, name: str) -> keras.layers.Dense:
    """Returns a built dense layer, initialised by its own seed, or to zero where the seed is None."""
    initializer = keras.initializers.Zeros() if seed is None else keras.initializers.GlorotUniform(seed)
    layer = keras.layers.Dense(units, activation=activation, kernel_initializer=initializer, dtype=dtype, name=name)
    layer.build((None, input_dim))
    return layer
