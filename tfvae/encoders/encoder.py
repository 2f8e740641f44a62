"""What every encoder offers."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

Batch = Mapping[str, Any]


class Encoder(keras.layers.Layer):
    """From a batch of examples to features. Constructors make all weights, as a function of a seed.

    Attributes:
      output_dim: size F of the features; an attribute or a property.
    """

    output_dim: Any

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def example(self) -> Batch:
        """Returns what an encoder reads that no decoder writes, of one example."""
        return {}

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, F].

        Args:
          batch: the examples; what they are is the encoder's to say.
          seed: in training, of dropout and the like, int32 [2]; None: outside training.
        """
        raise NotImplementedError
