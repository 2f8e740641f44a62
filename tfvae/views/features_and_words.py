"""Features that others have made, and beside them what the words themselves say."""

from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from tfvae.clustering.word_vectors import word_vectors
from tfvae.views.features import FeaturesView
from tfvae.views.view import Batch, Passes
from tfvae.views.words import WordsView

DIMENSIONS = 150
"""Dimensions of a word's vector."""


@keras.saving.register_keras_serializable(package="tfvae")
class FeaturesAndWordsView(FeaturesView):
    """The features, and the mean of vectors of a text's words, which are learned from which words share texts.

    Embeddings of sentences lay texts side by side that are alike anywhere. The words that this corpus tells its classes by may weigh
    little in them. Vectors are those that `tfvae.clustering.word_vectors` begins with.

    Args:
      num_features: F.
      vocabulary_size: V, special tokens included.
      words_weight: length of the words' part, the features' part having 1 on average.
    """

    def __init__(self, num_features: int, vocabulary_size: int, *, words_weight: float = 0.5, **kwargs: Any) -> None:
        super().__init__(num_features, **kwargs)
        self.vocabulary_size, self.words_weight = vocabulary_size, words_weight
        self.words = WordsView(vocabulary_size, name="words")
        self.output_dim = num_features + DIMENSIONS
        options: dict[str, Any] = {"initializer": "zeros", "trainable": False, "dtype": "float32"}
        self.vectors = self.add_weight(shape=(self.words.output_dim, DIMENSIONS), name="vectors", **options)
        self.words_centre = self.add_weight(shape=(DIMENSIONS,), name="words_centre", **options)

    def learn(self, passes: Passes) -> None:
        """Finds the features' mean and spread, and the words' vectors."""
        super().learn(passes)
        self.words.learn(passes)
        present = scipy.sparse.vstack([scipy.sparse.csr_matrix(self.words(batch).numpy()) for batch in passes()], "csr")
        vectors, centre = word_vectors(present.astype(np.float64), DIMENSIONS)
        self.vectors.assign(vectors)
        self.words_centre.assign(centre)

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns "features", [B, F], scaled, and the points of "tokens" [B, T], 0 without known words: [B, F + 150]."""
        words = tf.cast(self.words(batch), tf.float32) @ tf.convert_to_tensor(self.vectors)
        known = tf.reduce_any(words != 0, axis=-1, keepdims=True)
        point = tf.math.l2_normalize(tf.math.l2_normalize(words, axis=-1) - tf.convert_to_tensor(self.words_centre), axis=-1)
        point = tf.where(known, self.words_weight * self.num_features**0.5 * point, 0.0)
        return tf.concat([super().call(batch), tf.cast(point, self.compute_dtype)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size, "words_weight": self.words_weight}
