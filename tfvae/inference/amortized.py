"""The encoder's own word: amortized inference."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfvae")
class Amortized:
    """Posterior parameters are what the encoder and the latent's heads make of a batch, and no more.

    Another inference has the same call: it may begin with these parameters and refine them.

    References:
      Kingma, Welling. Auto-Encoding Variational Bayes. ICLR 2014, section 2.2.
    """

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> tuple[Mapping[str, Any], tf.Tensor | None]:
        """Infers.

        Args:
          vae: the model, with `encoder` and `latent`.
          batch: the examples.
          seed: in training, of dropout and the like, int32 [2]; None: outside training.

        Returns:
          the posterior's unconstrained parameters, leaves [B, ...]; and a surrogate [] whose gradient is to be added to that of the
          objective, None where the objective's own is the whole.
        """
        return vae.latent(vae.encoder(batch, seed=seed)), None

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Amortized":
        """Makes the inference from `get_config`'s answer."""
        return cls(**config)
