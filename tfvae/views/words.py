"""Which words an example has."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.clustering.spectral import SpectralClusters
from tfvae.clustering.word_vectors import WordVectorClusters
from tfvae.layers.word_counts import FIRST
from tfvae.views.view import Batch, Clusters, Passes, View, presence, rows_with

FEATURES = 4096
"""Words, at most, that are features."""


@keras.saving.register_keras_serializable(package="tfvae")
class WordsView(View):
    """The presence of words, the most frequent of those that are neither too rare nor too common among training examples.

    Args:
      vocabulary_size: V, special tokens included.
      most: share of examples beyond which a word is too common: 1 for all words, less for those that say what a text is about.
      least: number of examples below which it is too rare.
    """

    def __init__(self, vocabulary_size: int, *, most: float = 1.0, least: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size, self.most, self.least = vocabulary_size, most, least
        self.output_dim = min(FEATURES, vocabulary_size - FIRST)
        nothing = keras.initializers.Constant(self.output_dim)
        self.column = self.add_weight(shape=(vocabulary_size,), dtype="int32", initializer=nothing, trainable=False, name="column")
        self.built = True

    def learn(self, passes: Passes) -> None:
        """Chooses the words."""
        frequency, count = document_frequency(passes, self.vocabulary_size)
        frequency[(frequency > self.most * count) | (frequency < min(self.least, count))] = 0
        frequency[:FIRST] = 0
        kept = np.argsort(-frequency, kind="stable")[: min(self.output_dim, np.count_nonzero(frequency))]
        column = np.full(self.vocabulary_size, self.output_dim, np.int32)
        column[kept] = np.arange(len(kept))
        self.column.assign(column)

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns 1 for every word that "tokens" [B, T] have, [B, F]."""
        return presence(tf.gather(self.column, batch["tokens"]), self.output_dim, self.compute_dtype)

    def clusters(self, count: int, seed: int) -> Clusters:
        """Returns what finds texts that say alike things where all words are read, and else words that go together."""
        return WordVectorClusters(count, seed) if self.most == 1 else SpectralClusters(count, seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ("vocabulary_size", "most", "least")}}


def document_frequency(passes: Passes, vocabulary_size: int) -> tuple[np.ndarray, int]:
    """Returns how many examples have each token, int [V], and how many examples there are."""
    frequency, count = np.zeros(vocabulary_size, np.int64), 0
    for batch in passes():
        tokens = batch["tokens"].numpy()
        frequency, count = frequency + rows_with(tokens, vocabulary_size), count + len(tokens)
    return frequency, count
