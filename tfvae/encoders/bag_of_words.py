"""From sentences to features, the order of words aside."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.encoders.encoder import Batch, Encoder
from tfvae.layers.perceptron import AffineOfTwo, Perceptron
from tfvae.layers.word_counts import FIRST, word_counts


@keras.saving.register_keras_serializable(package="tfvae")
class BagOfWordsEncoder(Encoder):
    """Dense layers over the counts of an example's ordinary words: tanh between them, none after the last.

    Args:
      vocabulary_size: V, special tokens included.
      hidden_dim: units of a layer.
      num_layers: layers, at least 1.
      dropout: rate of dropout on the features.
      seed: of the initial weights.

    Raises:
      ValueError: no layers.

    References:
      Miao, Yu, Blunsom, "Neural Variational Inference for Text Processing", 2016, section 3 (NVDM).
      Xu, Durrett, "Spherical Latent Spaces for Stable Variational Autoencoders", 2018, section 4.1: two layers with tanh.
    """

    def __init__(
        self, vocabulary_size: int, *, hidden_dim: int, num_layers: int = 2, dropout: float = 0.0, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if num_layers < 1:
            raise ValueError(f"num_layers = {num_layers}: must be at least 1")
        self.vocabulary_size, self.hidden_dim, self.output_dim = vocabulary_size, hidden_dim, hidden_dim
        self.num_layers, self.dropout, self.seed = num_layers, dropout, seed
        draw = random.Random(seed)
        own: dict[str, Any] = {"seed": draw.getrandbits(31), "dtype": self.dtype_policy}
        words = vocabulary_size - FIRST
        self.hidden = Perceptron(words, units=hidden_dim, num_layers=num_layers - 1, activation="tanh", name="hidden", **own)
        self.last = AffineOfTwo(hidden_dim, input_dim=self.hidden.output_dim, name="last", **{**own, "seed": draw.getrandbits(31)})
        self.built = True

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, hidden_dim], of "tokens" [B, T]."""
        counts = word_counts(batch, self.vocabulary_size, self.compute_dtype)
        return stateless.dropout(self.last(self.hidden(counts)), self.dropout, seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "hidden_dim", "num_layers", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
