"""From what was said before to a memory of it."""

import random
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.layers.attention import attentive_sum
from tfvae.layers.common import uniform_initializer
from tfvae.layers.gru import GRU
from tfvae.layers.packing import Packing


class Context(NamedTuple):
    """What was said before, as a network reads it.

    Attributes:
      memory: a vector a turn, [B, C, M].
      mask: which turns there are, bool [B, C].
      summary: of all of them, [B, M]; zeros where there are none.
    """

    memory: tf.Tensor
    mask: tf.Tensor
    summary: tf.Tensor


@keras.saving.register_keras_serializable(package="tfvae")
class ContextEncoder(keras.layers.Layer):
    """A bidirectional GRU over each turn's words, of whose states attention makes a vector, and a GRU over the turns.

    A turn's vector has beside whether the one who speaks now said it. Padding, of words and of turns, changes nothing.

    Args:
      vocabulary_size: V.
      embedding_dim: E.
      turn_dim: U, units of a direction.
      context_dim: M, units of the GRU over turns.
      dropout: rate of dropout on the embeddings and on the turns' vectors.
      implementation: "fast" or "plain", see `GRU`.
      seed: of the initial weights.

    References:
      Zhao, Lee, Eskenazi. Unsupervised Discrete Sentence Representation Learning for Interpretable Neural Dialog Generation. ACL 2018.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_dim: int,
        turn_dim: int,
        context_dim: int,
        dropout: float = 0.0,
        implementation: str = "fast",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size, self.embedding_dim, self.turn_dim, self.context_dim = vocabulary_size, embedding_dim, turn_dim, context_dim
        self.dropout, self.implementation, self.seed = dropout, implementation, seed
        draw = random.Random(seed)
        options: dict[str, Any] = {"implementation": implementation, "dtype": self.dtype_policy}

        def weight(name: str, *shape: int) -> keras.Variable:
            return self.add_weight(name=name, shape=shape, initializer=uniform_initializer(0.1, draw.getrandbits(31)))

        self.embedding = weight("embedding", vocabulary_size, embedding_dim)
        self.forward_layer, self.backward_layer = (
            GRU(turn_dim, input_dim=embedding_dim, seed=draw.getrandbits(31), name=name, **options) for name in ("forward", "backward")
        )
        self.hidden_kernel, self.score_kernel = weight("hidden_kernel", 2 * turn_dim, turn_dim), weight("score_kernel", turn_dim)
        self.over_turns = GRU(context_dim, input_dim=2 * turn_dim + 1, seed=draw.getrandbits(31), name="turns", **options)
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(self, batch: Mapping[str, Any], seed: tf.Tensor | None = None) -> Context:
        """Reads the context of a batch.

        Args:
          batch: "context" [B, C, L], "context_length" [B, C], 0 of a turn that is not there, which come last, and "context_own" [B, C].
          seed: in training, of dropout, int32 [2]; None: outside training.
        """
        training = seed is not None
        seeds = [None if seed is None else stateless.fold(seed, i) for i in range(2)]
        # a turn and a word at least, so that no dimension is empty
        shape = tf.shape(batch["context"])
        missing = tf.maximum(0, 1 - shape[1:])
        tokens = tf.pad(batch["context"], [[0, 0], [0, missing[0]], [0, missing[1]]])
        length, own = (tf.pad(batch[name], [[0, 0], [0, missing[0]]]) for name in ("context_length", "context_own"))
        turns, time = tf.shape(tokens)[1], tf.shape(tokens)[2]
        packing = Packing(tf.reshape(length, [-1]), time)  # of B * C turns
        words = packing.pack(tf.reshape(tokens, [-1, time]))
        x = tf.cast(tf.gather(self.embedding, words), self.compute_dtype)[:, tf.newaxis]
        x = stateless.dropout(x, self.dropout, None if seed is None else packing.seeds(_of_turns(seeds[0], turns)))
        ahead, _ = self.forward_layer.packed(x, packing, training=training)
        behind, _ = self.backward_layer.packed(tf.gather(x, packing.reverse), packing, training=training)
        states = tf.cast(tf.concat([ahead, tf.gather(behind, packing.reverse)], -1)[:, 0], self.compute_dtype)  # [P, 2U]
        score = tf.tensordot(
            tf.tanh(tf.matmul(states, tf.cast(self.hidden_kernel, states.dtype))), tf.cast(self.score_kernel, states.dtype), 1
        )
        vectors = tf.cast(attentive_sum(states, score, packing.sentence, packing.batch), self.compute_dtype)
        vectors = stateless.dropout(tf.reshape(vectors, [shape[0], turns, 2 * self.turn_dim]), self.dropout, seeds[1])
        vectors = tf.concat([vectors, tf.cast(own, self.compute_dtype)[..., tf.newaxis]], -1)
        mask = length > 0
        memory, summary = self.over_turns(vectors[tf.newaxis], tf.reduce_sum(tf.cast(mask, tf.int32), 1), training=training)
        return Context(memory[0], mask, summary[0])

    def empty(self, count: tf.Tensor) -> Context:
        """Returns what is read where nothing was said, of `count` examples."""
        memory = tf.zeros([count, 0, self.context_dim], self.compute_dtype)
        return Context(memory, tf.zeros([count, 0], tf.bool), tf.zeros([count, self.context_dim], self.compute_dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "embedding_dim", "turn_dim", "context_dim", "dropout", "implementation", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _of_turns(seed: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """A seed for each of C turns, [B * C, 2], of its example's, [B, 2]; one seed [2] as it is."""
    return seed if seed.shape.rank == 1 else tf.reshape(tf.transpose(stateless.samples(seed, turns), [1, 0, 2]), [-1, 2])
