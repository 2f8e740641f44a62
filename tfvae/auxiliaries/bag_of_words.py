"""The bag-of-words loss: z alone must tell which words an example has."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.decoders.bag_of_words import BagOfWordsDecoder
from tfvae.latents.latent import Params, Term


@keras.saving.register_keras_serializable("tfvae")
class BagOfWordsLoss(Auxiliary):
    """-log of the probability of an example's words, their order aside, under a decoder of bags of words that reads z.

    References:
      Zhao, Zhao, Eskenazi. Learning Discourse-level Diversity for Neural Dialog Models using Conditional Variational Autoencoders.
      ACL 2017, section 3.3.
    """

    def __init__(self, vocabulary_size: int, *, z_dim: int, hidden_dim: int = 400, seed: int = 0, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          vocabulary_size: V.
          z_dim: numbers in z.
          hidden_dim: units between z and the words.
          seed: of the initial weights.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(**kwargs)
        self.vocabulary_size, self.z_dim, self.hidden_dim, self.seed = vocabulary_size, z_dim, hidden_dim, seed
        options: dict[str, Any] = {"hidden_dim": hidden_dim, "num_layers": 1, "seed": seed, "dtype": self.dtype_policy}
        self.decoder = BagOfWordsDecoder(vocabulary_size, z_dim=z_dim, name="words", **options)
        self.built = True

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns the term "bag_of_words", nats, [B], the mean over samples."""
        if "tokens" not in batch:
            return []
        return [Term("bag_of_words", -tf.reduce_mean(self.decoder.log_prob(batch, z), axis=0), "penalty", "monte_carlo")]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "z_dim", "hidden_dim", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
