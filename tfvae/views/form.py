"""How a text says what it says: its common words and their order, all other words alike."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.clustering.spectral import SpectralClusters
from tfvae.layers.word_counts import FIRST
from tfvae.tokens import EOS, PAD
from tfvae.views.view import Batch, Clusters, Passes, View, presence, rows_with
from tfvae.views.words import document_frequency

FEATURES = 512
"""Common words and pairs of neighbours, at most, that are features."""
SYMBOLS = 128
"""Common words, at most, the two below included."""
OTHER, EDGE = 0, 1
"""Symbols of all other words, and of both ends of a text."""
PAIRS = SYMBOLS**2
"""How many pairs of symbols there are; as a pair's number, none."""


@keras.saving.register_keras_serializable(package="tfvae")
class FormView(View):
    """The presence of common words, and of pairs of neighbours where all other words are one symbol.

    Args:
      vocabulary_size: V, special tokens included.
      common: share of training examples from which on a word is common; a pair is from half that on.
    """

    of_common_words = True

    def __init__(self, vocabulary_size: int, *, common: float = 0.01, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size, self.common, self.output_dim = vocabulary_size, common, FEATURES
        integers: dict[str, Any] = {"dtype": "int32", "trainable": False}
        self.symbol = self.add_weight(shape=(vocabulary_size,), initializer="zeros", name="symbol", **integers)
        nothing = keras.initializers.Constant(FEATURES)
        self.word_column = self.add_weight(shape=(SYMBOLS,), initializer=nothing, name="word_column", **integers)
        self.pair_column = self.add_weight(shape=(PAIRS + 1,), initializer=nothing, name="pair_column", **integers)
        self.built = True

    def learn(self, passes: Passes) -> None:
        """Chooses common words, and then common pairs."""
        frequency, count = document_frequency(passes, self.vocabulary_size)
        frequency[:FIRST] = 0
        words = np.argsort(-frequency, kind="stable")[: SYMBOLS - EDGE - 1]
        words = words[frequency[words] > self.common * count]
        symbol = np.full(self.vocabulary_size, OTHER, np.int32)
        symbol[EOS], symbol[words] = EDGE, np.arange(EDGE + 1, EDGE + 1 + len(words))
        self.symbol.assign(symbol)
        columns = np.full(SYMBOLS, FEATURES, np.int32)
        columns[symbol[words]] = np.arange(len(words))
        self.word_column.assign(columns)
        pairs = np.sum([rows_with(self._pairs(batch).numpy(), PAIRS) for batch in passes()], axis=0)
        kept = np.argsort(-pairs, kind="stable")[: FEATURES - len(words)]
        kept = kept[pairs[kept] > self.common / 2 * count]
        columns = np.full(PAIRS + 1, FEATURES, np.int32)
        columns[kept] = len(words) + np.arange(len(kept))
        self.pair_column.assign(columns)

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns 1 for every common word and pair that "tokens" [B, T] have, [B, F]."""
        words = tf.gather(self.word_column, tf.gather(self.symbol, batch["tokens"]))
        pairs = tf.gather(self.pair_column, self._pairs(batch))
        return presence(tf.concat([words, pairs], axis=-1), FEATURES, self.compute_dtype)

    def clusters(self, count: int, seed: int) -> Clusters:
        """Returns what finds words and pairs that go together."""
        return SpectralClusters(count, seed)

    def _pairs(self, batch: Batch) -> tf.Tensor:
        """The number of each pair of neighbours, int32 [B, T]; PAIRS after a text's end."""
        symbols = tf.gather(self.symbol, batch["tokens"])
        before = tf.concat([tf.fill([tf.shape(symbols)[0], 1], EDGE), symbols[:, :-1]], axis=-1)
        return tf.where(batch["tokens"] == PAD, PAIRS, before * SYMBOLS + symbols)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size, "common": self.common}
