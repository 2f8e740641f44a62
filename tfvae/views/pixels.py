"""All pixels of an image."""

from typing import Any

import keras
import tensorflow as tf
from sklearn.cluster import MiniBatchKMeans

from tfvae.views.view import Batch, Clusters, View


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

    def clusters(self, count: int, seed: int) -> Clusters:
        """Returns mini-batch k-means, the best of 10 starts."""
        return MiniBatchKMeans(count, n_init=10, random_state=seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}
