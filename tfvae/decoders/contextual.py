"""A language model conditioned on z and on what was said before: p(x|z, context)."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.decoders.decoder import Batch
from tfvae.decoders.recurrent import RecurrentDecoder
from tfvae.generation.decoding import Decoding
from tfvae.layers.attention import Attention
from tfvae.layers.common import uniform_initializer
from tfvae.layers.context import ContextEncoder

_CONTEXT = 1000  # of the streams of a seed


@keras.saving.register_keras_serializable(package="tfvae")
class ContextualDecoder(RecurrentDecoder):
    """A recurrent decoder that reads earlier turns: their summary adds to its initial states, and its output attends over them.

    Without a context it is p(x|z) of a conversation that begins.

    Args:
      vocabulary_size: V.
      z_dim: Z.
      embedding_dim: E.
      hidden_dim: H.
      num_layers: GRU layers.
      context_embedding_dim: size of the embeddings of earlier words.
      turn_dim: units, per direction, of the GRU over an earlier turn's words.
      context_dim: M, units of the GRU over turns.
      **options: of `RecurrentDecoder`.

    References:
      Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.3.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        z_dim: int,
        embedding_dim: int,
        hidden_dim: int,
        num_layers: int = 1,
        context_embedding_dim: int = 200,
        turn_dim: int = 256,
        context_dim: int = 512,
        **options: Any,
    ) -> None:
        sizes: dict[str, Any] = {"z_dim": z_dim, "embedding_dim": embedding_dim, "hidden_dim": hidden_dim, "num_layers": num_layers}
        super().__init__(vocabulary_size, **sizes, **options)
        self.context_embedding_dim, self.turn_dim, self.context_dim = context_embedding_dim, turn_dim, context_dim
        draw = random.Random(f"context {self.seed}")
        self.context = ContextEncoder(
            vocabulary_size,
            embedding_dim=context_embedding_dim,
            turn_dim=turn_dim,
            context_dim=context_dim,
            dropout=self.dropout,
            implementation=self.implementation,
            seed=draw.getrandbits(31),
            dtype=self.dtype_policy,
            name="context",
        )
        self.attention = Attention(hidden_dim, memory_dim=context_dim, seed=draw.getrandbits(31), dtype=self.dtype_policy, name="attention")
        self.context_kernels = [
            self.add_weight(
                name=f"context_{layer}", shape=(context_dim, hidden_dim), initializer=uniform_initializer(0.1, draw.getrandbits(31))
            )
            for layer in range(num_layers)
        ]

    def example(self) -> dict[str, tf.Tensor]:
        """Returns a sentence of one token after a turn of one."""
        ones = tf.ones([1, 1], tf.int32)
        return {**super().example(), "context": ones[..., tf.newaxis], "context_length": ones, "context_own": 0 * ones}

    def prepare(self, batch: Batch, seed: tf.Tensor | None = None) -> Batch:
        """Returns the batch with its context as the decoder reads it: "memory", "memory_mask" and "summary", see `Context`."""
        if "summary" in batch:
            return batch
        noise = None if seed is None else stateless.fold(seed, _CONTEXT)
        context = self.context(batch, noise) if "context" in batch else self.context.empty(tf.shape(batch["length"])[0])
        return {**batch, "memory": context.memory, "memory_mask": context.mask, "summary": context.summary}

    def initial_states(self, z: tf.Tensor, batch: Batch | None = None) -> list[tf.Tensor]:
        """Returns the initial state of each layer, [N, H] or [S, B, H], with the batch's context in it."""
        states = super().initial_states(z)
        if batch is None:
            return states
        summary = _of_rows(tf.cast(batch["summary"], self.compute_dtype), states[0])
        return [
            state + tf.matmul(summary, tf.cast(kernel, summary.dtype)) for state, kernel in zip(states, self.context_kernels, strict=True)
        ]

    def beside(self, batch: Batch) -> list[tf.Tensor]:
        """Returns what attention reads of the context."""
        return self.attention.prepare(batch["memory"], batch["memory_mask"])

    def read_out(self, x: tf.Tensor, beside: list[tf.Tensor]) -> tf.Tensor:
        """Returns outputs [N, S, H], or [N, H], that have attended over the context."""
        if x.shape.rank == 2:
            return self.attention(x[:, tf.newaxis], *beside)[:, 0]
        return self.attention(x, *beside)

    def init(self, z: tf.Tensor, batch: Batch | None = None) -> list[tf.Tensor]:
        """Returns what a sampler begins with, each [N, …]; a batch of fewer rows has several z a row, one after the other."""
        if batch is None:
            context = self.context.empty(tf.shape(z)[0])
            batch = dict(zip(("memory", "memory_mask", "summary"), context, strict=True))
        states = self.initial_states(z, batch)
        return [*states, *(_of_rows(value, states[0]) for value in self.beside(batch))]

    def write(self, z: tf.Tensor, seed: tf.Tensor, decoding: Decoding, batch: Batch | None = None) -> tf.Tensor:
        """Returns ids [N, T], T <= decoding.max_length, padded after the end of sentence.

        Args:
          z: [N, Z].
          seed: of what is drawn.
          decoding: how words are chosen.
          batch: of N examples, of which the context is read; None: nothing was said before.
        """
        return decoding(self if batch is None else _Given(self, self.prepare(batch)), z, seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("context_embedding_dim", "turn_dim", "context_dim")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _Given:
    """A decoder under a context, as samplers want it."""

    def __init__(self, decoder: ContextualDecoder, batch: Batch) -> None:
        self.vocabulary_size, self.step_function = decoder.vocabulary_size, decoder.step_function
        self.init = lambda z: decoder.init(z, batch)


def _of_rows(value: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
    """Repeats rows [B, ...] for states [N, H]; as they are for states [S, B, H]."""
    if state.shape.rank == 3:
        return value
    return tf.repeat(value, tf.shape(state)[0] // tf.maximum(1, tf.shape(value)[0]), axis=0)
