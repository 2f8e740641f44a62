"""Posterior means that are normalised over the batch."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import replicas


@keras.saving.register_keras_serializable("tfvae")
class NormalizedMean(keras.layers.Layer):
    """gamma (m - mean) / sqrt(variance + epsilon) + shift of each dimension of a mean m; gamma is fixed, the shift is learned.

    Over a batch, the second moment of what is returned is gamma^2 + shift^2, but for epsilon, whatever the encoder says: so its mean KL to
    a standard normal prior is gamma^2 / 2 a dimension or more. Outside training mean and variance are moving ones, and an example's
    posterior does not depend on those beside it.

    References:
      Zhu et al. A Batch Normalized Inference Network Keeps the KL Vanishing Away. ACL 2020, section 4, equation 8.
    """

    def __init__(self, dim: int, gamma: float, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          dim: D, numbers in a mean.
          gamma: standard deviation over a batch.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(**kwargs)
        self.dim, self.gamma = dim, gamma
        options: dict[str, Any] = {"center": False, "scale": False, "dtype": self.dtype_policy}
        self.norm = replicas.batch_normalization("norm", **options)
        self.norm.build((None, dim))
        self.shift = self.add_weight(shape=(dim,), initializer="zeros", name="shift")
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(self, mean: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns normalised means, [B, D] from [B, D]; in training by those of the batch, which then move the moving ones."""
        return self.gamma * self.norm(mean, training=training) + self.shift

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "dim": self.dim, "gamma": self.gamma}
