"""Features that others have made, such as sentence embeddings."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae.clustering.directions import DirectionClusters
from tfvae.views.view import Batch, Passes, PointsView


@keras.saving.register_keras_serializable(package="tfvae")
class FeaturesView(PointsView):
    """The features, from their mean and in units of their spread, which is that of all together.

    Those of sentences lie in clouds, which k-means finds; what neighbours they have is not so sure that clusters could follow it.

    Args:
      num_features: F.
    """

    balance = 0.8

    def __init__(self, num_features: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_features = self.output_dim = num_features
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
        """Returns what finds examples whose features point the same way."""
        return DirectionClusters(count, seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "num_features": self.num_features}
