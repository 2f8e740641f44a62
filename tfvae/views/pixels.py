"""All pixels of an image."""

from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf

from tfvae.clustering.neighbours import NeighbourClusters
from tfvae.views.view import Batch, Passes, View


@keras.saving.register_keras_serializable(package="tfvae")
class PixelsView(View):
    """The pixels as they are.

    Args:
      height: H of an image.
      width: W.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width, self.output_dim = height, width, height * width
        self.built = True

    def call(self, batch: Batch) -> tf.Tensor:
        """Returns "image" [B, H, W] in rows, [B, H W]."""
        return tf.reshape(tf.cast(batch["image"], self.compute_dtype), [-1, self.output_dim])

    def clusters(self, count: int, seed: int) -> NeighbourClusters:
        """Returns what finds examples whose nearest neighbours are the same."""
        return NeighbourClusters(count, seed)

    def start(self, features: scipy.sparse.csr_matrix, count: int, seed: int, passes: Passes) -> tuple[np.ndarray, np.ndarray]:
        """Returns clusters, and the neighbours that they were found by."""
        return self.clusters(count, seed).fit(features).predict_by_neighbours(features)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}
