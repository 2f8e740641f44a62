"""From a batch of sentences to features."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.encoders.encoder import Batch, Encoder
from tfvae.layers.common import uniform_initializer
from tfvae.layers.gru import GRU
from tfvae.layers.packing import Packing


@keras.saving.register_keras_serializable(package="tfvae")
class RecurrentEncoder(Encoder):
    """Bidirectional GRU; a sentence's features are the last layer's final states of both directions. Padding does not change them.

    Args:
      vocabulary_size: V.
      embedding_dim: E.
      hidden_dim: H, units of a direction.
      num_layers: layers of both directions.
      dropout: rate of dropout on the embeddings and between layers.
      implementation: "fast" or "plain", see `GRU`.
      seed: of the initial weights.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_dim: int,
        hidden_dim: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        implementation: str = "fast",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size, self.embedding_dim, self.hidden_dim = vocabulary_size, embedding_dim, hidden_dim
        self.num_layers, self.dropout, self.implementation, self.seed = num_layers, dropout, implementation, seed
        draw = random.Random(seed)
        initializer = uniform_initializer(0.1, draw.getrandbits(31))
        self.embedding = self.add_weight(name="embedding", shape=(vocabulary_size, embedding_dim), initializer=initializer)

        def direction(name: str, layer: int) -> GRU:
            input_dim = 2 * hidden_dim if layer else embedding_dim
            options: dict[str, Any] = {"implementation": implementation, "seed": draw.getrandbits(31), "dtype": self.dtype_policy}
            return GRU(hidden_dim, input_dim=input_dim, name=f"{name}_{layer}", **options)

        self.forward_layers = [direction("forward", layer) for layer in range(num_layers)]
        self.backward_layers = [direction("backward", layer) for layer in range(num_layers)]
        self.built = True

    @property
    def output_dim(self) -> int:
        """Size of the features, 2H."""
        return 2 * self.hidden_dim

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, 2H].

        Args:
          batch: "tokens" [B, T] and "length" [B].
          seed: in training, of dropout, int32 [2]; None: outside training.
        """
        packing = Packing(batch["length"], tf.shape(batch["tokens"])[1])
        return self.run(tf.gather(self.embedding, packing.pack(batch["tokens"])), packing, seed)

    def run(self, embedded: tf.Tensor, packing: Packing, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, 2H], of embedded words, shape [M, E], or of mixtures of such."""
        training = seed is not None
        x = tf.expand_dims(tf.cast(embedded, self.compute_dtype), 1)  # [M, 1, E]
        for layer, (forward, backward) in enumerate(zip(self.forward_layers, self.backward_layers, strict=True)):
            x = stateless.dropout(x, self.dropout, None if seed is None else packing.seeds(stateless.fold(seed, layer)))
            ahead, last = forward.packed(x, packing, training=training)
            behind, first = backward.packed(tf.gather(x, packing.reverse), packing, training=training)
            x = tf.concat([ahead, tf.gather(behind, packing.reverse)], -1)  # [M, 1, 2H]
        return tf.concat([last[0], first[0]], -1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "embedding_dim", "hidden_dim", "num_layers", "dropout", "implementation", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
