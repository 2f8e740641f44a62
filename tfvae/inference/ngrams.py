"""Codes by the encoder and by words and pairs of neighbours beside: what is memorised beside what is generalised."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.inference.inference import Answer, Inference
from tfvae.tokens import EOS, PAD

BUCKETS = 2**18
"""Rows of the table of words and pairs, which are hashed into it."""
_FACTORS = (1_000_003, 2_654_435_761)  # of the hash: a prime, and Knuth's multiplier
_KEPT = 1 << 40  # the hash's range before its low bits, which repeat, are dropped


@keras.saving.register_keras_serializable("tfvae")
class NGrams(Inference, keras.layers.Layer):
    """The logits of q(c|x) are those of the latent plus what a text's words and pairs of neighbours have in a table, summed.

    The sum is divided by the root of their number. A linear classifier of words is hard to beat where labels are many, and an encoder where
    the same is said in other words; the two together learn what the other leaves.

    References:
      Cheng et al. Wide & Deep Learning for Recommender Systems. DLRS 2016.
      Joulin, Grave, Bojanowski, Mikolov. Bag of Tricks for Efficient Text Classification. EACL 2017, section 2.2 (hashed n-grams).
    """

    def __init__(
        self, *, variables: int, components: int, ordered: bool = True, hidden_share: float = 0.3, buckets: int = BUCKETS, **kwargs: Any
    ) -> None:
        """Makes the layer.

        Args:
          variables: J.
          components: K.
          ordered: whether neighbours say anything.
          hidden_share: share of words and pairs, at random, that are not seen in training.
          buckets: rows of the table.
          **kwargs: of keras.layers.Layer.
        """
        keras.layers.Layer.__init__(self, **kwargs)
        self.variables_and_components, self.ordered = (variables, components), ordered
        self.hidden_share, self.buckets = hidden_share, buckets
        self.table = self.add_weight(shape=(buckets, variables * components), initializer="zeros", name="table")
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        params = self.encoded(vae, batch, seed)
        return {**params, "logits": params["logits"] + tf.cast(self.logits(batch, seed), params["logits"].dtype)}, None

    def logits(self, batch: Mapping[str, Any], seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns what words and pairs add to the logits, [B, J, K]; the seed is of which are hidden, None for none."""
        places, seen = self.places(batch["tokens"])
        seen = tf.cast(seen, self.compute_dtype)
        count = tf.reduce_sum(seen, axis=1, keepdims=True)
        if seed is not None:
            seen = stateless.dropout(seen, self.hidden_share, stateless.fold(seed, 1))
        found = tf.gather(tf.convert_to_tensor(self.table), places)  # [B, N, J * K]
        summed = tf.einsum("bn,bnk->bk", seen, tf.cast(found, self.compute_dtype)) / tf.sqrt(tf.maximum(count, 1.0))
        return tf.reshape(summed, [-1, *self.variables_and_components])

    def places(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the rows of the table of words, and of each with the one before, [B, N], and whether they are there, of ids [B, T]."""
        ids = tf.cast(tokens, tf.int64)
        there = (ids != PAD) & (ids != EOS)
        single = self._hash(tf.fill(tf.shape(ids), tf.constant(-1, tf.int64)), ids)
        if not self.ordered:
            return single, there
        before = tf.pad(ids[:, :-1], [[0, 0], [1, 0]], constant_values=EOS)
        return tf.concat([single, self._hash(before, ids)], axis=1), tf.concat([there, ids != PAD], axis=1)

    def _hash(self, first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
        mixed = tf.math.floormod((first * _FACTORS[0] + second) * _FACTORS[1], _KEPT)
        return tf.math.floormod(mixed // 2 ** (40 - math.ceil(math.log2(self.buckets))), self.buckets)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        variables, components = self.variables_and_components
        own = {"ordered": self.ordered, "hidden_share": self.hidden_share, "buckets": self.buckets}
        return {**keras.layers.Layer.get_config(self), "variables": variables, "components": components, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "NGrams":
        """Makes the inference from `get_config`'s answer."""
        return cls(**config)
