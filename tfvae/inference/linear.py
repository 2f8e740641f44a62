"""Codes by a linear classifier of words, neighbours and places, which labels teach before the rest is trained."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.preprocessing import normalize

from tfvae.clustering.semantic import semantic_directions
from tfvae.inference.inference import Answer
from tfvae.inference.linear_start import frequent, taught
from tfvae.inference.ngrams import NGrams
from tfvae.inference.passes import passes_over

PLACING = 2**14
"""Words and neighbours, at most, by which texts have places: the most frequent. Labels tell of as many, and of more where they are more."""
COLUMNS = 2**17
"""The same, of which labels tell."""


@keras.saving.register_keras_serializable("tfvae")
class LinearCodes(NGrams):
    """q(z|x) is what the encoder makes of a text, q(c|x) what a table has for its words and neighbours, and a readout for its place.

    Where labels are few, most words are in no text that has one. But all texts tell which words go together, and so where each text lies
    among the others; of places few labels tell much. A penalised logistic regression of the labels that are known sets table and
    readout, after which they stay as they are, unless they are trainable.

    References:
      Deerwester, Dumais, Furnas, Landauer, Harshman. Indexing by Latent Semantic Analysis. JASIS 41, 1990 (places).
    """

    def __init__(
        self, *, order: int = 2, semantic_dim: int = 128, trainable: bool = False, buckets: int | None = None, **kwargs: Any
    ) -> None:
        """Makes the layer.

        Args:
          order: words in a row that are looked up together, at most.
          semantic_dim: D, coordinates of a text's place.
          trainable: whether what labels said goes on being taught with the rest.
          buckets: values of the hash of what is looked up, by default 4 to the power of 7 + order; those that labels tell of have rows of
            their own in the table, others share one.
          **kwargs: of `NGrams`.
        """
        buckets = buckets or 4 ** (7 + order)
        super().__init__(order=order, buckets=buckets, **kwargs)
        variables, components = self.variables_and_components
        self.semantic_dim = semantic_dim
        shared: dict[str, Any] = {"dtype": "int32", "initializer": keras.initializers.Constant(self._table_rows() - 1)}
        self.column = self.add_weight(shape=(buckets,), trainable=False, name="column", **shared)
        leading: dict[str, Any] = {"shape": (min(PLACING, buckets) + 1, semantic_dim), "initializer": "zeros"}
        self.directions = self.add_weight(trainable=False, name="directions", **leading)
        self.readout = self.add_weight(shape=(semantic_dim, variables * components), initializer="zeros", name="readout")
        self.bias = self.add_weight(shape=(variables * components,), initializer="zeros", name="bias")
        self.trainable = trainable

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        params = self.encoded(vae, batch, seed)
        return {**params, "logits": tf.cast(self.logits(batch, seed if self.trainable else None), params["logits"].dtype)}, None

    def second_sight(self, vae: Any, batch: Mapping[str, Any], seed: tf.Tensor) -> tf.Tensor:
        """Returns logits of q(c|x), [B, J, K], of texts that lack a share of their words and neighbours."""
        return self.logits(batch, seed)

    def logits(self, batch: Mapping[str, Any], seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the logits of q(c|x), [B, J, K]; the seed is of which words and neighbours the table does not see, None for none."""
        rows, there = self.places(batch["tokens"])
        place = tf.cast(self.place(rows, there), self.compute_dtype)
        of_place = tf.matmul(place, tf.cast(self.readout, self.compute_dtype)) + tf.cast(self.bias, self.compute_dtype)
        return self.read(rows, there, seed) + tf.reshape(of_place, [-1, *self.variables_and_components])

    def place(self, rows: tf.Tensor, there: tf.Tensor) -> tf.Tensor:
        """Returns where texts lie, of length 1, [B, D], of rows of the table, [B, N]; 0 of those that share nothing with others."""
        leading = tf.gather(tf.convert_to_tensor(self.directions), tf.minimum(rows, self.directions.shape[0] - 1))
        return tf.math.l2_normalize(tf.einsum("bn,bnd->bd", tf.cast(there, leading.dtype), leading), axis=-1)

    def places(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns rows of the table, see `NGrams`: the most frequent first, and the last one for what labels do not tell of."""
        hashes, there = super().places(tokens)
        return tf.gather(tf.convert_to_tensor(self.column), hashes), there

    def start(self, examples: Any, seed: int, say: Callable[[str], None], hints: Mapping[int, np.ndarray] | None = None) -> None:
        """Finds where texts lie, and what the codes that are known say of words, pairs and places."""
        began = time.monotonic()
        chosen, passes = passes_over(examples)
        counts = scipy.sparse.vstack([self._counts(batch) for batch in passes()], "csr")
        root = np.sqrt(np.maximum(np.asarray(counts.sum(axis=1))[:, 0], 1))
        known = {variable: codes[chosen] for variable, codes in (hints or {}).items()}
        labels = [int(np.sum(codes >= 0)) for codes in known.values()]
        kept = frequent(counts, min(max([PLACING, *labels]), self.table.shape[0] - 1))
        counts, placed = counts[:, kept], min(len(kept), self.directions.shape[0] - 1)
        directions = semantic_directions(counts[:, :placed], self.semantic_dim, seed)
        self.directions.assign(np.pad(directions, [(0, self.directions.shape[0] - placed), (0, 0)]))
        column = self.column.numpy()
        column[kept] = np.arange(len(kept))
        self.column.assign(column)
        features = scipy.sparse.hstack([scipy.sparse.diags(1 / root) @ counts, normalize(counts[:, :placed] @ directions)], "csr")
        for variable, codes in known.items():
            self._heed(variable, *taught(features, codes, self.variables_and_components[1]))
        say(f"codes: learned of {sum(labels):,} labels and {len(chosen):,} examples before the rest; {time.monotonic() - began:.0f} s")

    def _table_rows(self) -> int:
        return min(COLUMNS, self.buckets) + 1

    def _heed(self, variable: int, slopes: np.ndarray, shift: np.ndarray) -> None:
        """Sets what features [F, K] and none [K] add to the logits of a variable's codes."""
        count = self.variables_and_components[1]
        own = slice(variable * count, (variable + 1) * count)
        table, readout, bias = self.table.numpy(), self.readout.numpy(), self.bias.numpy()
        known = len(slopes) - self.semantic_dim
        table[:known, own], readout[:, own] = np.split(slopes, [known])
        bias[own] = shift
        for variable_, values in ((self.table, table), (self.readout, readout), (self.bias, bias)):
            variable_.assign(values)

    def _counts(self, batch: Mapping[str, Any]) -> scipy.sparse.csr_matrix:
        """How often texts have each value of the hash, [B, buckets]."""
        rows, there = (value.numpy() for value in super().places(batch["tokens"]))
        text, column = np.nonzero(there)
        return scipy.sparse.csr_matrix((np.ones(len(text), np.float32), (text, rows[text, column])), (len(rows), self.buckets))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "semantic_dim": self.semantic_dim, "trainable": self.trainable}
