"""Sentences and documents as bags of words, given z."""

import random
import types
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.decoders.decoder import Batch, Decoder, check_z_to_inputs
from tfvae.generation.decoding import Decoding
from tfvae.generation.sampling import inverse_cdf, keep_probable
from tfvae.layers.common import widen
from tfvae.layers.perceptron import AffineOfTwo, Perceptron
from tfvae.layers.word_counts import FIRST, word_counts
from tfvae.tokens import EOS


@keras.saving.register_keras_serializable(package="tfvae")
class BagOfWordsDecoder(Decoder):
    """Every word is drawn from one distribution, whatever the others are.

        h_1 = tanh(W_1 z + b_1),  h_l = tanh(W_l h_(l-1) + U_l z + b_l),  p(word | z) = softmax(W h_L + U z + b)

    Only layers that the switches name read z. The special tokens are no words: they have no probability and count for nothing.

    Args:
      vocabulary_size: V, special tokens included.
      z_dim: Z; 0: no z, whatever the switches say: one distribution for all.
      hidden_dim: units of a layer.
      num_layers: L; 0: the logits are U z + b, whatever the switches say.
      z_to_inputs: which layers read z: "none", "first" or "all".
      z_to_output: z enters the logits.
      dropout: rate of dropout on the logits, as in the code of Xu and Durrett.
      seed: of the initial weights.

    References:
      Miao, Yu, Blunsom, "Neural Variational Inference for Text Processing", 2016, equation 5 (NVDM): no layer.
      Xu, Durrett, "Spherical Latent Spaces for Stable Variational Autoencoders", 2018, section 4.1, and their code: one layer.
    """

    methods = ("greedy", "sample")
    settings = ("method", "temperature", "top_k", "top_p", "max_length")
    usual: Mapping[str, Any] = types.MappingProxyType({"method": "greedy", "max_length": 10})

    def __init__(
        self,
        vocabulary_size: int,
        *,
        z_dim: int,
        hidden_dim: int,
        num_layers: int = 1,
        z_to_inputs: str = "first",
        z_to_output: bool = False,
        dropout: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_z_to_inputs(z_to_inputs)
        self.vocabulary_size, self.z_dim, self.hidden_dim, self.num_layers = vocabulary_size, z_dim, hidden_dim, num_layers
        self.z_to_inputs, self.z_to_output, self.dropout, self.seed = z_to_inputs, z_to_output, dropout, seed
        draw = random.Random(seed)
        reading = {"none": 0, "first": 1, "all": num_layers}[z_to_inputs]
        seeds = [draw.getrandbits(31) for _ in range(2)]
        options: dict[str, Any] = {"z_dim": z_dim, "z_layers": reading, "dtype": self.dtype_policy}
        self.hidden = Perceptron(0, units=hidden_dim, num_layers=num_layers, activation="tanh", seed=seeds[0], name="hidden", **options)
        own: dict[str, Any] = {"z_dim": z_dim if z_to_output or not num_layers else 0, "seed": seeds[1], "dtype": self.dtype_policy}
        self.words = AffineOfTwo(vocabulary_size - FIRST, input_dim=hidden_dim if num_layers else 0, name="words", **own)
        self.built = True

    def log_prob(self, batch: Batch, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns log p(x|z), shape [S, B], nats: of the words in a given order, so without the multinomial coefficient.

        Without words it is 0. Counts and the logits' log-sum-exp give it, without a log-softmax of [S, B, V - 4].

        Args:
          batch: "tokens" [B, T].
          z: shape [S, B, Z].
          seed: in training, of dropout, int32 [2]; None: outside training.
        """
        logits = self.word_logits(z, seed)
        counts = word_counts(batch, self.vocabulary_size, logits.dtype.name)
        return tf.einsum("sbv,bv->sb", logits, counts) - tf.reduce_logsumexp(logits, -1) * tf.reduce_sum(counts, -1)

    def word_logits(self, z: tf.Tensor, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the logits of the ordinary words, ids 4, …, V - 1, shape [..., V - 4], float32 or wider.

        Args:
          z: shape [..., Z].
          seed: in training, of dropout, int32 [2]; None: outside training.
        """
        noise = None if seed is None else stateless.samples(seed, tf.shape(z)[0])
        return stateless.dropout(widen(self.words(self.hidden(None, z) if self.num_layers else None, z)), self.dropout, noise)

    def num_observations(self, batch: Batch) -> tf.Tensor:
        """Returns how many ordinary words each example has, shape [B], float32."""
        return tf.reduce_sum(tf.cast(batch["tokens"] >= FIRST, tf.float32), -1)

    def example(self) -> dict[str, tf.Tensor]:
        """Returns a sentence of one ordinary word."""
        return {"tokens": tf.constant([[FIRST, EOS]]), "length": tf.constant([2])}

    def write(self, z: tf.Tensor, seed: tf.Tensor, decoding: Decoding) -> tf.Tensor:
        """Chooses words for each z.

        Args:
          z: shape [N, Z].
          seed: of what is drawn, int32 [2], or [N, 2] where a row must not depend on its neighbours.
          decoding: "greedy" gives the max_length likeliest words, in falling order, each once; "sample" draws max_length words, each
            apart from the others, with its temperature, top_k and top_p.

        Returns:
          ids of ordinary words, shape [N, max_length], int32, without an end; "greedy": at most V - 4 of them.

        Raises:
          ValueError: another method.
        """
        self.check_method(decoding.method)
        logits = tf.cast(self.word_logits(z), tf.float32)
        if decoding.method == "greedy":
            return FIRST + tf.math.top_k(logits, min(decoding.max_length, self.vocabulary_size - FIRST)).indices
        kept = keep_probable(logits / decoding.temperature, top_k=decoding.top_k, top_p=decoding.top_p)
        uniform = stateless.uniform([tf.shape(z)[0], decoding.max_length], seed)
        return FIRST + _draw(tf.nn.softmax(kept), uniform)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "z_dim", "hidden_dim", "num_layers", "z_to_inputs", "z_to_output", "dropout", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _draw(probabilities: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Returns a word for each number of a row, [N, T], from probabilities [N, V] and numbers [N, T]."""
    columns = tf.map_fn(lambda column: inverse_cdf(probabilities, column), tf.transpose(uniform), fn_output_signature=tf.int32)
    return tf.transpose(columns)
