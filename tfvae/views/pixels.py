"""All pixels of an image."""

from typing import Any

import keras
import tensorflow as tf

from tfvae.views.view import Batch, PointsView


@keras.saving.register_keras_serializable(package="tfvae")
class PixelsView(PointsView):
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

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}
