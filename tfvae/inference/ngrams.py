"""Codes by the encoder and by words and pairs of neighbours beside: what is memorised beside what is generalised."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.preprocessing import normalize

from tfvae import stateless
from tfvae.clustering.semantic import semantic_directions
from tfvae.data.batching import spread
from tfvae.inference.inference import Answer, Inference
from tfvae.inference.linear_start import frequent, taught
from tfvae.tokens import EOS, PAD

BUCKETS = 2**18
"""Rows of the table of words and pairs, which are hashed into it."""
COLUMNS = 2**14
"""Words and pairs, at most, by which texts have places, and of which labels say something before training: the most frequent."""
EXAMPLES = 100_000
"""Training examples, at most, that are looked at before training."""
_AT_ONCE = 1024
_FACTORS = (1_000_003, 2_654_435_761)  # of the hash: a prime, and Knuth's multiplier
_KEPT = 1 << 40  # the hash's range before its low bits, which repeat, are dropped


@keras.saving.register_keras_serializable("tfvae")
class NGrams(Inference, keras.layers.Layer):
    """The logits of q(c|x) are those of the latent plus what a text's words and pairs of neighbours have in a table, summed.

    The sum is divided by the root of their number. A linear classifier of words is hard to beat where labels are many, and an encoder where
    the same is said in other words; the two together learn what the other leaves. Where labels are few, most words are in none of the texts
    that have one; but where a text lies by the words and pairs that it shares with others, all texts tell, and that is read beside
    (`semantic_dim`).

    Before training, places are found, and a penalised logistic regression of the labels that are known sets the table.

    References:
      Cheng et al. Wide & Deep Learning for Recommender Systems. DLRS 2016.
      Joulin, Grave, Bojanowski, Mikolov. Bag of Tricks for Efficient Text Classification. EACL 2017, section 2.2 (hashed n-grams).
      Deerwester et al. Indexing by Latent Semantic Analysis. JASIS 41, 1990 (places).
    """

    def __init__(
        self,
        *,
        variables: int,
        components: int,
        ordered: bool = True,
        hidden_share: float = 0.3,
        semantic_dim: int = 0,
        alone: bool = False,
        buckets: int = BUCKETS,
        **kwargs: Any,
    ) -> None:
        """Makes the layer.

        Args:
          variables: J.
          components: K.
          ordered: whether neighbours say anything.
          hidden_share: share of words and pairs, at random, that are not seen in training.
          semantic_dim: D, coordinates of a text's place; 0: it has none.
          alone: the encoder says nothing of codes, and what labels said before training stays.
          buckets: rows of the table.
          **kwargs: of keras.layers.Layer.
        """
        keras.layers.Layer.__init__(self, **kwargs)
        self.variables_and_components, self.ordered = (variables, components), ordered
        self.hidden_share, self.semantic_dim, self.alone, self.buckets = hidden_share, semantic_dim, alone, buckets
        self.table = self.add_weight(shape=(buckets, variables * components), initializer="zeros", name="table")
        if semantic_dim:
            size, none = min(COLUMNS, buckets), keras.initializers.Constant(min(COLUMNS, buckets))
            self.column = self.add_weight(shape=(buckets,), dtype="int32", initializer=none, trainable=False, name="column")
            self.directions = self.add_weight(shape=(size + 1, semantic_dim), initializer="zeros", trainable=False, name="directions")
            self.readout = self.add_weight(shape=(semantic_dim, variables * components), initializer="zeros", name="readout")
            self.bias = self.add_weight(shape=(variables * components,), initializer="zeros", name="bias")
        self.trainable = not alone
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        params = self.encoded(vae, batch, seed)
        kind = params["logits"].dtype
        if self.alone:
            return {**params, "logits": tf.cast(self.logits(batch), kind)}, None
        return {**params, "logits": params["logits"] + tf.cast(self.logits(batch, seed), kind)}, None

    def logits(self, batch: Mapping[str, Any], seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns what words and pairs add to the logits, [B, J, K]; the seed is of which are hidden, None for none."""
        places, seen = self.places(batch["tokens"])
        seen = tf.cast(seen, self.compute_dtype)
        count = tf.reduce_sum(seen, axis=1, keepdims=True)
        if seed is not None:
            seen = stateless.dropout(seen, self.hidden_share, stateless.fold(seed, 1))
        found = tf.gather(tf.convert_to_tensor(self.table), places)  # [B, N, J * K]
        summed = tf.einsum("bn,bnk->bk", seen, tf.cast(found, self.compute_dtype)) / tf.sqrt(tf.maximum(count, 1.0))
        if self.semantic_dim:
            near = tf.gather(tf.convert_to_tensor(self.directions), tf.gather(tf.convert_to_tensor(self.column), places))  # [B, N, D]
            place = tf.math.l2_normalize(tf.einsum("bn,bnd->bd", seen, tf.cast(near, self.compute_dtype)), axis=-1)
            summed += tf.matmul(place, tf.cast(self.readout, self.compute_dtype)) + tf.cast(self.bias, self.compute_dtype)
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

    def start(self, examples: Any, seed: int, say: Callable[[str], None], hints: Mapping[int, np.ndarray] | None = None) -> None:
        """Finds where texts lie, and what the codes that are known say of words, pairs and places."""
        if not (self.semantic_dim or hints):
            return
        began, chosen = time.monotonic(), spread(len(examples), EXAMPLES)
        batches = (examples.batch(chosen[begin : begin + _AT_ONCE]) for begin in range(0, len(chosen), _AT_ONCE))
        counts = scipy.sparse.vstack([self._counts(batch) for batch in batches], "csr")
        root = np.sqrt(np.maximum(np.asarray(counts.sum(axis=1))[:, 0], 1))
        kept = frequent(counts, COLUMNS)
        counts = counts[:, kept]
        features = scipy.sparse.diags(1 / root) @ counts
        if self.semantic_dim:
            features = scipy.sparse.hstack([features, self._find_places(counts, kept, seed)], "csr")
        known = {variable: codes[chosen] for variable, codes in (hints or {}).items()}
        for variable, codes in known.items():
            self._heed(variable, features, codes, kept)
        labels = sum(int(np.sum(codes >= 0)) for codes in known.values())
        say(f"{len(kept):,} words and pairs of {len(chosen):,} examples, and {labels:,} labels: {time.monotonic() - began:.0f} s")

    def _find_places(self, counts: scipy.sparse.csr_matrix, kept: np.ndarray, seed: int) -> np.ndarray:
        """Sets directions, and returns where texts lie, [N, D]; words and pairs that are not kept lead nowhere."""
        directions = semantic_directions(counts, self.semantic_dim, seed)
        nowhere = self.directions.shape[0] - 1
        column = np.full(self.buckets, nowhere, np.int32)
        column[kept] = np.arange(len(kept))
        self.column.assign(column)
        self.directions.assign(np.pad(directions, [(0, nowhere + 1 - len(kept)), (0, 0)]))
        return normalize(counts @ directions)

    def _heed(self, variable: int, features: scipy.sparse.csr_matrix, codes: np.ndarray, kept: np.ndarray) -> None:
        """Sets what words, pairs and places add to the logits of a variable's codes, [N], -1 where they are not known."""
        count = self.variables_and_components[1]
        slopes, shift = taught(features, codes, count, intercept=bool(self.semantic_dim))
        own = slice(variable * count, (variable + 1) * count)
        words, places = np.split(slopes, [len(kept)])
        table = self.table.numpy()
        table[kept, own] = words
        self.table.assign(table)
        if self.semantic_dim:
            readout, bias = self.readout.numpy(), self.bias.numpy()
            readout[:, own], bias[own] = places, shift
            self.readout.assign(readout)
            self.bias.assign(bias)

    def _counts(self, batch: Mapping[str, Any]) -> scipy.sparse.csr_matrix:
        """How often texts have each word and pair, by their rows of the table, [B, buckets]."""
        places, seen = (value.numpy() for value in self.places(batch["tokens"]))
        row, column = np.nonzero(seen)
        return scipy.sparse.csr_matrix((np.ones(len(row), np.float32), (row, places[row, column])), (len(places), self.buckets))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        variables, components = self.variables_and_components
        own = {
            "ordered": self.ordered,
            "hidden_share": self.hidden_share,
            "semantic_dim": self.semantic_dim,
            "alone": self.alone,
            "buckets": self.buckets,
        }
        return {**keras.layers.Layer.get_config(self), "variables": variables, "components": components, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "NGrams":
        """Makes the inference from `get_config`'s answer."""
        return cls(**config)
