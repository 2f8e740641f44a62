"""What every decoder offers."""

import types
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.decoders.rate import PERPLEXITY, Rate

Batch = Mapping[str, Any]
Z_TO_INPUTS = ("none", "first", "all")
"""Which layers of a decoder read z beside their input."""


class Decoder(keras.layers.Layer):
    """A distribution p(x|z) of an example. Constructors make all weights, as a function of a seed.

    Attributes:
      z_dim: numbers Z in z; 0: p(x), whatever the switches say that connect z.
      methods: ways in which `write` chooses, of `tfvae.generation.decoding.METHODS`.
      settings: fields of `Decoding` that `write` reads.
      usual: fields of `Decoding` that suit it where the user says nothing.
      ordered: whether an example's observations come one after the other, the last of them its end.
      rate: what nats an observation are given as.
      context_dim: size of the "summary" that `prepare` makes of what was said before; 0: it reads no context.
    """

    z_dim: int
    methods: tuple[str, ...] = ("sample", "greedy")
    settings: tuple[str, ...] = ("method", "temperature")
    usual: Mapping[str, Any] = types.MappingProxyType({})
    ordered: bool = False
    rate: Rate = PERPLEXITY
    context_dim: int = 0

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def prepare(self, batch: Batch, seed: tf.Tensor | None = None) -> Batch:
        """Returns the batch with what the decoder computes of it once, whatever z; `seed` is as of `log_prob`."""
        return batch

    def log_prob(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x|z), shape [S, B], nats, summed over each example's observations.

        Args:
          batch: the examples.
          z: shape [S, B, Z].
          seed: in training, of dropout and the like, int32 [2]; None: outside training.
        """
        raise NotImplementedError

    def num_observations(self, batch: Batch) -> tf.Tensor:
        """Returns how many observations (words, pixels) each example's log p(x|z) is a sum over, shape [B], float32."""
        raise NotImplementedError

    def example(self) -> dict[str, tf.Tensor]:
        """Returns a batch of one small example: what `log_prob` reads of a batch."""
        raise NotImplementedError

    def check_method(self, method: str) -> None:
        """Raises ValueError unless `method` is one of `methods`."""
        if method not in self.methods:
            raise ValueError(f"method = {method!r}: must be one of {', '.join(self.methods)}")

    def write(self, z: tf.Tensor, seed: tf.Tensor, decoding: Any) -> tf.Tensor:
        """Makes an example of each z.

        Args:
          z: shape [N, Z].
          seed: of what is drawn, int32 [2], or [N, 2] where an example must not depend on its neighbours.
          decoding: a `tfvae.generation.decoding.Decoding`, how observations are chosen.

        Returns:
          raw examples, shape [N, ...], which a modality shows: token ids, or intensities in [0, 1].
        """
        raise NotImplementedError


def check_z_to_inputs(value: str) -> None:
    """Raises ValueError unless `value` is of Z_TO_INPUTS."""
    if value not in Z_TO_INPUTS:
        raise ValueError(f"z_to_inputs = {value!r}: must be one of {', '.join(Z_TO_INPUTS)}")
