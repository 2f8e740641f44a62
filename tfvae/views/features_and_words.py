"""Features that others have made, and beside them what the words themselves say."""

from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from tfvae.views.features import FeaturesView
from tfvae.views.view import Batch, Passes
from tfvae.views.words import WordsView

DIMENSIONS = 100
"""Dimensions that words are reduced to."""


@keras.saving.register_keras_serializable(package="tfvae")
class FeaturesAndWordsView(FeaturesView):
    """The features, and the TF-IDF of words, reduced by a singular value decomposition to points on the unit sphere.

    Embeddings of sentences lay texts side by side that are alike anywhere. The words that this corpus tells its classes by may weigh
    little in them.

    References:
      Deerwester, Dumais, Furnas, Landauer, Harshman. Indexing by Latent Semantic Analysis. JASIS 41, 1990.

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
        self.directions = self.add_weight(shape=(self.words.output_dim, DIMENSIONS), name="directions", **options)
        self.words_centre = self.add_weight(shape=(DIMENSIONS,), name="words_centre", **options)

    def learn(self, passes: Passes) -> None:
        """Finds the features' mean and spread, and the words' weights and directions."""
        super().learn(passes)
        self.words.learn(passes)
        present = scipy.sparse.vstack([scipy.sparse.csr_matrix(self.words(batch).numpy()) for batch in passes()], "csr")
        weights = TfidfTransformer().fit(present)
        size = min(DIMENSIONS, *present.shape)
        directions = np.zeros(self.directions.shape, np.float32)
        directions[:, :size] = weights.idf_[:, np.newaxis] * randomized_svd(weights.transform(present), size, random_state=0)[2].T
        self.directions.assign(directions)
        self.words_centre.assign(normalize(present @ directions).mean(axis=0))

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns "features", [B, F], scaled, and the points of "tokens" [B, T], from their mean: [B, F + 100]."""
        words = tf.math.l2_normalize(tf.cast(self.words(batch), tf.float32) @ tf.convert_to_tensor(self.directions), axis=-1)
        words = self.words_weight * self.num_features**0.5 * (words - tf.convert_to_tensor(self.words_centre))
        return tf.concat([super().call(batch), tf.cast(words, self.compute_dtype)], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "vocabulary_size": self.vocabulary_size, "words_weight": self.words_weight}
