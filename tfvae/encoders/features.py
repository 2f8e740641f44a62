"""From features that others have made, to features."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.encoders.encoder import Batch, Encoder
from tfvae.layers.perceptron import Perceptron


@keras.saving.register_keras_serializable(package="tfvae")
class FeaturesEncoder(Encoder):
    """Dense layers of rectified linear units over features, each scaled to the length sqrt(F) beforehand.

    Args:
      num_features: F.
      hidden_dim: units of a layer.
      num_layers: layers.
      dropout: rate of dropout on the features, before and after the layers.
      seed: of the initial weights.
    """

    def __init__(
        self, num_features: int, *, hidden_dim: int, num_layers: int = 1, dropout: float = 0.0, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_features, self.hidden_dim = num_features, hidden_dim
        self.num_layers, self.dropout, self.seed = num_layers, dropout, seed
        options: dict[str, Any] = {"units": hidden_dim, "num_layers": num_layers, "seed": seed, "dtype": self.dtype_policy}
        self.hidden = Perceptron(num_features, activation="relu", name="hidden", **options)
        self.output_dim = self.hidden.output_dim
        self.built = True

    def example(self) -> Batch:
        """Returns features of one example."""
        return {"features": tf.zeros([1, self.num_features])}

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, hidden_dim], of "features" [B, F]."""
        scaled = tf.cast(tf.math.l2_normalize(batch["features"], axis=-1) * self.num_features**0.5, self.compute_dtype)
        before, after = (None, None) if seed is None else (stateless.fold(seed, 0), stateless.fold(seed, 1))
        return stateless.dropout(self.hidden(stateless.dropout(scaled, self.dropout, before)), self.dropout, after)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("num_features", "hidden_dim", "num_layers", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
