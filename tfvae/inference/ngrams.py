"""Codes by the encoder and by words and neighbours beside: what is memorised beside what is generalised."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.inference.inference import Answer, Inference
from tfvae.tokens import EOS, PAD

BUCKETS = 2**18
"""Rows of the table of words and neighbours, which are hashed into it."""
_FACTORS = (1_000_003, 2_654_435_761)  # of the hash: a prime, and Knuth's multiplier
_KEPT = 1 << 40  # the hash's range before its low bits, which repeat, are dropped


@keras.saving.register_keras_serializable("tfvae")
class NGrams(Inference, keras.layers.Layer):
    """The logits of q(c|x) are those of the latent plus what a text's words and neighbours in a row have in a table, summed.

    The sum is divided by the root of their number. A linear classifier of words is hard to beat where labels are many, and an encoder where
    the same is said in other words; the two together learn what the other leaves.

    References:
      Cheng et al. Wide & Deep Learning for Recommender Systems. DLRS 2016.
      Joulin, Grave, Bojanowski, Mikolov. Bag of Tricks for Efficient Text Classification. EACL 2017, section 2.2 (hashed n-grams).
    """

    def __init__(
        self, *, variables: int, components: int, order: int = 2, hidden_share: float = 0.3, buckets: int = BUCKETS, **kwargs: Any
    ) -> None:
        """Makes the layer.

        Args:
          variables: J.
          components: K.
          order: words in a row that are looked up together, at most: 1, words alone; 2, pairs too.
          hidden_share: share of what is looked up, at random, that is not seen in training.
          buckets: values of the hash of what is looked up, each with a row of the table.
          **kwargs: of keras.layers.Layer.
        """
        keras.layers.Layer.__init__(self, **kwargs)
        self.variables_and_components, self.order = (variables, components), order
        self.hidden_share, self.buckets = hidden_share, buckets
        self.table = self.add_weight(shape=(self._table_rows(), variables * components), initializer="zeros", name="table")
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        params = self.encoded(vae, batch, seed)
        return {**params, "logits": params["logits"] + tf.cast(self.logits(batch, seed), params["logits"].dtype)}, None

    def logits(self, batch: Mapping[str, Any], seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns what words and neighbours add to the logits, [B, J, K]; the seed is of which are hidden, None for none."""
        return self.read(*self.places(batch["tokens"]), seed)

    def read(self, places: tf.Tensor, there: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """Returns what rows of the table that are there, [B, N] each, add to the logits, [B, J, K], by the seed of which are hidden."""
        seen = tf.cast(there, self.compute_dtype)
        count = tf.reduce_sum(seen, axis=1, keepdims=True)
        if seed is not None:
            seen = stateless.dropout(seen, self.hidden_share, stateless.fold(seed, 1))
        found = tf.gather(tf.convert_to_tensor(self.table), places)  # [B, N, J * K]
        summed = tf.einsum("bn,bnk->bk", seen, tf.cast(found, self.compute_dtype)) / tf.sqrt(tf.maximum(count, 1.0))
        return tf.reshape(summed, [-1, *self.variables_and_components])

    def places(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows of the table of words, and of each with those before it, [B, N], and whether they are there, of ids [B, T]."""
        ids = tf.cast(tokens, tf.int64)
        rows, there = [self._hash(-tf.ones_like(ids), ids)], [(ids != PAD) & (ids != EOS)]
        before, first = tf.zeros_like(ids), ids
        for place in range(1, self.order):  # a text begins, as it ends, with the mark of an end
            first = tf.pad(first[:, :-1], [[0, 0], [1, 0]], constant_values=EOS)
            before += first * _FACTORS[0] ** (place - 1)
            rows.append(self._hash(before, ids))
            there.append(ids != PAD)
        return tf.concat(rows, axis=1), tf.concat(there, axis=1)

    def _table_rows(self) -> int:
        return self.buckets

    def _hash(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        mixed = tf.math.floormod((first * _FACTORS[0] + second) * _FACTORS[1], _KEPT)
        return tf.math.floormod(mixed // 2 ** (40 - math.ceil(math.log2(self.buckets))), self.buckets)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        variables, components = self.variables_and_components
        own = {"order": self.order, "hidden_share": self.hidden_share, "buckets": self.buckets}
        return {**keras.layers.Layer.get_config(self), "variables": variables, "components": components, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "NGrams":
        """Makes the inference from `get_config`'s answer."""
        return cls(**config)
