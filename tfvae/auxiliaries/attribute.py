"""The attribute loss: what is written, encoded again, must have the code that it was written from."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.latents.latent import Params, Term


@keras.saving.register_keras_serializable("tfvae")
class AttributeLoss(Auxiliary):
    """-E log q(c|x~) under q(c|x), x~ being each word's distribution as the decoder sees it after the true words before.

    The encoder reads the mean embedding of such a word, so gradients reach the decoder. One posterior sample is written from.

    References:
      Hu et al. Toward Controlled Generation of Text. ICML 2017, equation 6.
      Zhao, Lee, Eskenazi. Unsupervised Discrete Sentence Representation Learning for Interpretable Neural Dialog Generation. ACL 2018,
      section 3.3.
    """

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns the term "attribute", nats, [B], summed over variables."""
        if not vae.latent.has_codes or not hasattr(vae.encoder, "run"):
            return []
        words, packing = vae.decoder.word_probabilities(batch, z[:1], seed)  # [M, V]
        table = tf.convert_to_tensor(vae.encoder.embedding)
        features = vae.encoder.run(tf.matmul(tf.cast(words, table.dtype), table), packing)
        found = vae.latent.log_code_probabilities(vae.latent(features))
        target = tf.stop_gradient(vae.latent.code_probabilities(params))
        loss = -tf.reduce_sum(target * found, axis=[1, 2])
        return [Term("attribute", loss, "penalty", "monte_carlo")]
