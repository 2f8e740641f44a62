"""A language model conditioned on z: p(x|z)."""

import dataclasses
import random
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.decoders.decoder import Batch, Decoder, check_z_to_inputs
from tfvae.generation.decoding import METHODS, Decoding
from tfvae.layers.common import uniform_initializer
from tfvae.layers.gru import GRU
from tfvae.layers.packing import Packing
from tfvae.layers.softmax import VocabularySoftmax
from tfvae.tokens import BOS, UNK


@keras.saving.register_keras_serializable(package="tfvae")
class RecurrentDecoder(Decoder):
    """GRU language model whose states, inputs and output may each be connected to z.

    Args:
      vocabulary_size: V.
      z_dim: Z; 0: a language model without z, whatever the switches say.
      embedding_dim: E.
      hidden_dim: H.
      num_layers: GRU layers.
      z_to_state: every layer's initial state is a linear function of z instead of zero.
      z_to_inputs: the layers that read z beside their input at every step: "none", "first" or "all".
      z_to_output: z enters the logits, E h + U z + b.
      tied_embeddings: the output projection is the embedding table; then E = H.
      dropout: rate of dropout on the embeddings, between layers and on the output.
      word_dropout: probability that an input word is replaced by UNK in training; with 1, "inputless", all are, outside training too.
      implementation: "fast" or "plain", see `GRU` and `VocabularySoftmax`.
      seed: of the initial weights.

    References:
      Dieng et al., "Avoiding Latent Variable Collapse With Generative Skip Models", 2019: z to every layer and to the output.
      Bowman et al., "Generating Sentences from a Continuous Space", 2016: word dropout.
      Xu, Durrett, "Spherical Latent Spaces for Stable Variational Autoencoders", 2018: the inputless setting.
    """

    methods = METHODS
    settings = tuple(field.name for field in dataclasses.fields(Decoding))
    ordered = True

    def __init__(
        self,
        vocabulary_size: int,
        *,
        z_dim: int,
        embedding_dim: int,
        hidden_dim: int,
        num_layers: int = 1,
        z_to_state: bool = True,
        z_to_inputs: str = "first",
        z_to_output: bool = False,
        tied_embeddings: bool = False,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
        implementation: str = "fast",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_z_to_inputs(z_to_inputs)
        if tied_embeddings and embedding_dim != hidden_dim:
            raise ValueError(f"tied embeddings need embedding_dim = hidden_dim, not {embedding_dim} and {hidden_dim}")
        self.vocabulary_size, self.z_dim, self.embedding_dim, self.hidden_dim = vocabulary_size, z_dim, embedding_dim, hidden_dim
        self.num_layers, self.z_to_state, self.z_to_inputs, self.z_to_output = num_layers, z_to_state, z_to_inputs, z_to_output
        self.tied_embeddings, self.dropout, self.word_dropout = tied_embeddings, dropout, word_dropout
        self.implementation, self.seed = implementation, seed
        draw = random.Random(seed)
        options: dict[str, Any] = {"implementation": implementation, "initializer_range": 0.1, "dtype": self.dtype_policy}
        initializer = uniform_initializer(0.1, draw.getrandbits(31))
        self.embedding = self.add_weight(name="embedding", shape=(vocabulary_size, embedding_dim), initializer=initializer)
        softmax: dict[str, Any] = {"z_dim": z_dim if z_to_output else 0, "tied": tied_embeddings, "seed": draw.getrandbits(31)}
        self.softmax = VocabularySoftmax(vocabulary_size, hidden_dim=hidden_dim, name="softmax", **softmax, **options)
        self.cells: list[GRU] = []
        self.state_kernels: list[keras.Variable] = []
        for layer in range(num_layers):
            input_dim = hidden_dim if layer else embedding_dim
            cell: dict[str, Any] = {"input_dim": input_dim, "seed": draw.getrandbits(31), "name": f"layer_{layer}"}
            reads_z = z_to_inputs == "all" or (z_to_inputs == "first" and layer == 0)
            self.cells.append(GRU(hidden_dim, context_dim=z_dim if reads_z else 0, **cell, **options))
            initializer = uniform_initializer(0.1, draw.getrandbits(31))  # drawn whatever the switches, so that they move no other weight
            if z_to_state and z_dim:
                self.state_kernels.append(self.add_weight(name=f"state_{layer}", shape=(z_dim, hidden_dim), initializer=initializer))
        self.built = True

    def log_prob(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x|z), shape [S, B], nats, summed over each sentence's words and its end.

        Args:
          batch: "tokens" [B, T] and "length" [B].
          z: shape [S, B, Z].
          seed: in training, of dropout and word dropout, int32 [2]; None: outside training.
        """
        x, packing, table = self.hidden(batch, z, seed)
        targets = packing.pack(batch["tokens"])
        return self.softmax.packed_log_prob(x, targets, packing, tf.cast(z, self.compute_dtype), table, training=seed is not None)

    def hidden(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tuple[tf.Tensor, Packing, tf.Tensor | None]:
        """Returns what the softmax reads before each word of a batch, [M, S, H], where the words are, and the table that it is tied to."""
        batch = self.prepare(batch, seed)
        tokens, length = batch["tokens"], batch["length"]
        z = tf.cast(z, self.compute_dtype)
        training = seed is not None
        seeds = [None if seed is None else stateless.fold(seed, i) for i in range(self.num_layers + 2)]
        packing = Packing(length, tf.shape(tokens)[1])
        words = packing.pack(self._inputs(tokens, seeds[0]))
        table = self._tied_kernel()
        if table is not None and self.implementation == "fast":
            rows, table = _rows_and_table(table, words)
        else:
            rows = tf.gather(self.embedding, words)
        x = tf.expand_dims(tf.cast(rows, self.compute_dtype), 1)  # [M, 1, E]
        for cell, state, noise in zip(self.cells, self.initial_states(z, batch), seeds[1:-1], strict=True):
            x = stateless.dropout(x, self.dropout, None if noise is None else packing.seeds(noise))
            x, _ = cell.packed(x, packing, context=_context(cell, z), initial_state=state, training=training)
        x = self.read_out(x, [tf.gather(value, packing.sentence) for value in self.beside(batch)])
        return stateless.dropout(x, self.dropout, None if seed is None else packing.seeds(seeds[-1])), packing, table

    def word_probabilities(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tuple[tf.Tensor, Packing]:
        """Returns each word's distribution after those before it, [M, V], of one z an example, [1, B, Z]; and where the words are."""
        x, packing, table = self.hidden(batch, z, seed)
        given = tf.gather(tf.cast(z[0], self.compute_dtype), packing.sentence)
        return tf.nn.softmax(self.softmax.logits_function(table)(x[:, 0], given)), packing

    def num_observations(self, batch: Batch) -> tf.Tensor:
        """Returns how many words each sentence has, its end included, shape [B], float32."""
        return tf.cast(batch["length"], tf.float32)

    def example(self) -> dict[str, tf.Tensor]:
        """Returns a sentence of one token."""
        ones = tf.ones([1], tf.int32)
        return {"tokens": ones[:, tf.newaxis], "length": ones}

    def write(self, z: tf.Tensor, seed: tf.Tensor, decoding: Decoding) -> tf.Tensor:
        """Returns ids [N, T], T <= decoding.max_length, padded after the end of sentence."""
        return decoding(self, z, seed)

    def init(self, z: tf.Tensor) -> list[tf.Tensor]:
        """Returns what a sampler begins with: `initial_states`, and what stays as it is at every word."""
        return self.initial_states(z)

    def beside(self, batch: Batch) -> list[tf.Tensor]:
        """Returns what is read at every word beside z, each [B, ...]."""
        return []

    def read_out(self, x: tf.Tensor, beside: list[tf.Tensor]) -> tf.Tensor:
        """Returns what the softmax reads, of outputs of the last layer, [N, S, H] or [N, H], and of `beside`, each [N, ...]."""
        return x

    def initial_states(self, z: tf.Tensor, batch: Batch | None = None) -> list[tf.Tensor]:
        """Returns the initial state of each layer, shape [N, H] or [S, B, H], from z, shape [N, Z] or [S, B, Z]."""
        z = tf.cast(z, self.compute_dtype)
        if self.state_kernels:
            return [tf.tensordot(z, tf.cast(kernel, self.compute_dtype), 1) for kernel in self.state_kernels]
        zeros = tf.zeros(tf.concat([tf.shape(z)[:-1], [self.hidden_dim]], 0), self.compute_dtype)
        return [zeros] * self.num_layers

    def step_function(self) -> Callable[[Sequence[tf.Tensor], tf.Tensor, tf.Tensor], tuple[tf.Tensor, list[tf.Tensor]]]:
        """Returns a function that goes one word further.

        The weights change to the compute dtype here, once, and not at every word of a loop that calls the function. Its arguments are the
        state, as from `init`, the words just read, BOS at first, shape [N], and z, shape [N, Z]; it returns the logits of the next
        word, shape [N, V], and the next state.
        """
        cells, logits = [cell.step_function() for cell in self.cells], self.softmax.logits_function(self._tied_kernel())

        def step(state: Sequence[tf.Tensor], tokens: tf.Tensor, z: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
            z = tf.cast(z, self.compute_dtype)
            if self.word_dropout == 1:
                tokens = tf.where(tf.equal(tokens, BOS), BOS, UNK)
            x, states = tf.cast(tf.gather(self.embedding, tokens), self.compute_dtype), []
            state, beside = state[: self.num_layers], state[self.num_layers :]
            for layer, cell, previous in zip(self.cells, cells, state, strict=True):
                x = cell(x, previous, _context(layer, z))
                states.append(x)
            return logits(self.read_out(x, list(beside)), z), [*states, *beside]

        return step

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ["vocabulary_size", "z_dim", "embedding_dim", "hidden_dim", "num_layers", "z_to_state", "z_to_inputs", "z_to_output"]
        names += ["tied_embeddings", "dropout", "word_dropout", "implementation", "seed"]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _inputs(self, tokens: tf.Tensor, seed: tf.Tensor | None) -> tf.Tensor:
        """The word before each word, some of them hidden in training, shape [B, T]."""
        words = tokens[:, :-1]
        if self.word_dropout == 1:
            words = tf.fill(tf.shape(words), UNK)
        elif seed is not None and self.word_dropout:
            hidden = stateless.uniform(tf.shape(words), seed) < self.word_dropout
            words = tf.where(hidden, UNK, words)
        return tf.concat([tf.fill([tf.shape(tokens)[0], 1], BOS), words], 1)

    def _tied_kernel(self) -> tf.Tensor | None:
        return tf.convert_to_tensor(self.embedding) if self.tied_embeddings else None


@tf.custom_gradient
def _rows_and_table(table: tf.Tensor, words: tf.Tensor) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable]:
    """Rows [M, E] of an embedding table [V, E], and the table, for what else reads it; one gradient for both, added up in place."""

    def backward(d_rows: tf.Tensor, d_table: tf.Tensor) -> tuple[tf.Tensor, None]:
        return tf.raw_ops.ScatterNdNonAliasingAdd(input=d_table, indices=words[:, tf.newaxis], updates=d_rows), None

    return (tf.gather(table, words), tf.identity(table)), backward


def _context(cell: GRU, z: tf.Tensor) -> tf.Tensor | None:
    return z if cell.context_dim else None
