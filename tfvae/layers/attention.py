"""Attention: which of several vectors matter to what is asked, or matter at all."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae.layers.common import uniform_initializer, widen


@keras.saving.register_keras_serializable(package="tfvae")
class Attention(keras.layers.Layer):
    """score = v . tanh(W q + U m + b) of a query q and each row m of a memory; what is read is tanh(O [q; sum of softmax(score) m]).

    Beside a memory's rows there is always one of zeros, so that a query may read nothing, and an empty memory is one like any other.

    Args:
      query_dim: H, size of a query, and of what is read.
      memory_dim: M, size of a row.
      seed: of the initial weights.

    References:
      Bahdanau, Cho, Bengio. Neural Machine Translation by Jointly Learning to Align and Translate. ICLR 2015, appendix A.1.2.
      Luong, Pham, Manning. Effective Approaches to Attention-based Neural Machine Translation. EMNLP 2015, equation 5.
    """

    def __init__(self, query_dim: int, *, memory_dim: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.query_dim, self.memory_dim, self.seed = query_dim, memory_dim, seed
        draw = random.Random(seed)
        shapes = {
            "query_kernel": (query_dim, query_dim),
            "memory_kernel": (memory_dim, query_dim),
            "score_kernel": (query_dim,),
            "query_output": (query_dim, query_dim),
            "memory_output": (memory_dim, query_dim),
        }
        for name, shape in shapes.items():
            weight = self.add_weight(name=name, shape=shape, initializer=uniform_initializer(0.1, draw.getrandbits(31)))
            setattr(self, name, weight)
        self.bias, self.output_bias = (
            self.add_weight(name=name, shape=(query_dim,), initializer="zeros") for name in ("bias", "output_bias")
        )
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def prepare(self, memory: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
        """Returns what `call` reads of a memory, computed once for all queries, each of its tensors [B, ...].

        Args:
          memory: [B, C, M].
          mask: which rows there are, bool [B, C].
        """
        memory = tf.pad(tf.cast(memory, self.compute_dtype), [[0, 0], [0, 1], [0, 0]])
        keys = tf.tensordot(memory, self._weight("memory_kernel"), 1) + self._weight("bias")
        return [keys, memory, tf.pad(mask, [[0, 0], [0, 1]], constant_values=True)]

    def call(self, query: tf.Tensor, keys: tf.Tensor, memory: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Returns what S queries of each of N memories read, [N, S, H].

        Args:
          query: [N, S, H].
          keys: [N, C + 1, H], as from `prepare`, and so are the others.
          memory: [N, C + 1, M].
          mask: bool [N, C + 1].
        """
        query = tf.cast(query, self.compute_dtype)
        asked = tf.tensordot(query, self._weight("query_kernel"), 1)[:, :, tf.newaxis]  # [N, S, 1, H]
        score = widen(tf.tensordot(tf.tanh(asked + keys[:, tf.newaxis]), self._weight("score_kernel"), 1))  # [N, S, C + 1]
        share = tf.nn.softmax(tf.where(mask[:, tf.newaxis], score, score.dtype.min))
        read = tf.matmul(tf.cast(share, memory.dtype), memory)
        outputs = tf.tensordot(query, self._weight("query_output"), 1) + tf.tensordot(read, self._weight("memory_output"), 1)
        return tf.tanh(outputs + self._weight("output_bias"))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ("query_dim", "memory_dim", "seed")}}

    def _weight(self, name: str) -> tf.Tensor:
        return tf.cast(getattr(self, name), self.compute_dtype)


def attentive_sum(values: tf.Tensor, score: tf.Tensor, group: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns each group's sum of softmax(score) values, [count, F]; zeros of a group of none.

    Args:
      values: [P, F].
      score: [P].
      group: of each, int32 [P].
      count: of groups.

    References:
      Yang et al. Hierarchical Attention Networks for Document Classification. NAACL 2016, equations 5 to 7.
    """
    score = widen(score)
    score -= tf.gather(tf.stop_gradient(tf.math.unsorted_segment_max(score, group, count)), group)
    weight = tf.exp(score)[:, tf.newaxis]
    total = tf.math.unsorted_segment_sum(weight, group, count)
    return tf.math.divide_no_nan(tf.math.unsorted_segment_sum(weight * widen(values), group, count), total)
