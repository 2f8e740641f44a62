"""From images to features by dense layers."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.encoders.encoder import Batch, Encoder
from tfvae.layers.perceptron import Perceptron


@keras.saving.register_keras_serializable(package="tfvae")
class PerceptronEncoder(Encoder):
    """Dense layers of rectified linear units over all pixels.

    Args:
      height: H of an image.
      width: W.
      hidden_dim: units of a layer.
      num_layers: layers.
      dropout: rate of dropout on the features.
      seed: of the initial weights.

    References:
      Dieng et al., "Avoiding Latent Variable Collapse With Generative Skip Models", 2019, section 4: two layers of 512.
    """

    def __init__(
        self, height: int, width: int, *, hidden_dim: int, num_layers: int = 2, dropout: float = 0.0, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width, self.hidden_dim = height, width, hidden_dim
        self.num_layers, self.dropout, self.seed = num_layers, dropout, seed
        options: dict[str, Any] = {"units": hidden_dim, "num_layers": num_layers, "seed": seed, "dtype": self.dtype_policy}
        self.hidden = Perceptron(height * width, activation="relu", name="hidden", **options)
        self.output_dim = self.hidden.output_dim
        self.built = True

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, hidden_dim], of "image" [B, H, W]."""
        pixels = tf.cast(tf.reshape(batch["image"], [-1, self.height * self.width]), self.compute_dtype)
        return stateless.dropout(self.hidden(pixels), self.dropout, seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("height", "width", "hidden_dim", "num_layers", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
