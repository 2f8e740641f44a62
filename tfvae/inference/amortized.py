"""The encoder's own word: amortized inference."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.inference.inference import Answer, Inference


@keras.saving.register_keras_serializable("tfvae")
class Amortized(Inference):
    """Posterior parameters are what the encoder and the latent's heads make of a batch, and no more.

    Another inference has the same call: it may begin with these parameters and refine them.

    References:
      Kingma, Welling. Auto-Encoding Variational Bayes. ICLR 2014, section 2.2.
    """

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        return self.encoded(vae, batch, seed), None
