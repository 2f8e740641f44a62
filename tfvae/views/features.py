"""Features that others have made, such as sentence embeddings."""

from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from tfvae.clustering.directions import DirectionClusters
from tfvae.clustering.neighbours import Neighbours
from tfvae.clustering.word_vectors import WordVectorClusters
from tfvae.views.view import Batch, Passes, View, seen
from tfvae.views.words import WordsView

NEAREST = 3
"""Neighbours, an example itself among them, of which its second sight is one."""
WORDS = 0.5
"""Length of the part that words have in the points that codes start from; that of features is 1 on average."""


@keras.saving.register_keras_serializable(package="tfvae")
class FeaturesView(View):
    """The features, from their mean and in units of their spread, which is that of all together.

    Embeddings of sentences lay texts side by side that are alike anywhere. The words that this corpus tells its classes by may weigh
    little in them: where examples have words, clusters and neighbours, from which codes start, are found by both. Codes are read from
    features alone.

    Args:
      num_features: F.
      vocabulary_size: V, special tokens included; 0: examples have no words.
    """

    def __init__(self, num_features: int, vocabulary_size: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_features = self.output_dim = num_features
        self.vocabulary_size = vocabulary_size
        self.centre = self.add_weight(shape=(num_features,), initializer="zeros", trainable=False, name="centre", dtype="float32")
        self.spread = self.add_weight(shape=(), initializer="ones", trainable=False, name="spread", dtype="float32")
        self.built = True

    def learn(self, passes: Passes) -> None:
        """Finds mean and spread."""
        count, total, squares = 0, np.zeros(self.num_features), np.zeros(self.num_features)
        for batch in passes():
            rows = np.asarray(batch["features"], np.float64)
            count, total, squares = count + len(rows), total + rows.sum(axis=0), squares + (rows**2).sum(axis=0)
        self.centre.assign(total / count)
        variance = np.mean(squares / count - (total / count) ** 2)
        self.spread.assign(np.sqrt(variance) if variance > 0 else 1.0)

    def example(self) -> Batch:
        """Returns features of one example."""
        return {"features": tf.zeros([1, self.num_features])}

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns "features", [B, F], scaled."""
        scaled = (batch["features"] - tf.convert_to_tensor(self.centre)) / tf.convert_to_tensor(self.spread)
        return tf.cast(scaled, self.compute_dtype)

    def clusters(self, count: int, seed: int) -> DirectionClusters:
        """Returns what finds points that lie in the same direction."""
        return DirectionClusters(count, seed)

    def start(self, features: scipy.sparse.csr_matrix, count: int, seed: int, passes: Passes) -> tuple[np.ndarray, np.ndarray]:
        """Returns clusters, and each example's nearest neighbours, itself the first, by features and words."""
        points = self._with_words(features, passes) if self.vocabulary_size else features
        neighbours = Neighbours(points)
        return self.clusters(count, seed).fit(points).predict(points), neighbours.places[neighbours.nearest(points, NEAREST)]

    def _with_words(self, features: scipy.sparse.csr_matrix, passes: Passes) -> scipy.sparse.csr_matrix:
        """Features, and beside them where examples lie by the words that "tokens" have; 0, if they have none that count."""
        words = WordsView(self.vocabulary_size)
        words.learn(passes)
        present = seen(words, passes)
        places = WordVectorClusters(1).places(present)
        if places is None:
            return features
        places = places * (present.getnnz(axis=1) > 0)[:, np.newaxis] * (WORDS * self.num_features**0.5)
        return scipy.sparse.hstack([features, scipy.sparse.csr_matrix(places.astype(np.float32))], "csr")

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_features": self.num_features, "vocabulary_size": self.vocabulary_size}
