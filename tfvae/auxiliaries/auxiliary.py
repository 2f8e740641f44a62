"""What every auxiliary loss offers."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.latents.latent import Params, Term


class Auxiliary(keras.layers.Layer):
    """A loss beside the bound, with weights of its own or without. It reads what it needs of a batch, and is silent without that."""

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def example(self) -> Mapping[str, Any]:
        """Returns what of a batch is read that no other part has, of one example."""
        return {}

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns terms which the objective weighs by name; none where the batch has not what it takes.

        Those of the role "penalty" are added, and those of the role "relief" taken from the regularisers, under the schedule of these.

        Args:
          vae: the model.
          batch: the examples.
          params: unconstrained parameters of their posteriors, leaves [B, ...].
          z: posterior samples, [S, B, size].
          seed: in training, int32 [2]; None: outside training.
        """
        raise NotImplementedError
