"""A VAE over texts: a vocabulary and a model of its ids."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.generation.sampling import ancestral_sample
from tfvae.models.vae import VAE


class TextVAE:
    """What a user holds: strings in, strings out.

    Attributes:
      vocabulary: texts <-> ids.
      vae: the model of ids.
    """

    def __init__(self, vocabulary: Vocabulary, vae: VAE) -> None:
        """Joins a vocabulary and a model made for its size."""
        self.vocabulary, self.vae = vocabulary, vae
        self._encode = tf.function(self._encode_batch, reduce_retracing=True, autograph=False)
        self._generate = tf.function(self._generate_batch, reduce_retracing=True, autograph=False)

    def encode(self, texts: Sequence[str], batch_size: int = 256) -> dict[str, np.ndarray]:
        """Returns the posterior of each text.

        Args:
          texts: N strings.
          batch_size: texts encoded at a time.

        Returns:
          "mean" [N, size]; where there are codes "probabilities" [N, J, K] and "codes" [N, J], the most probable components.

        Raises:
          UserError: there is no text, or one string in place of a list.
        """
        if isinstance(texts, str) or not len(texts):
            raise UserError("encode takes a list of one text or more")
        chunks = [self._encode(tf.constant(texts[start : start + batch_size])) for start in range(0, len(texts), batch_size)]
        return {name: np.concatenate([chunk[name].numpy() for chunk in chunks]) for name in chunks[0]}

    def generate(
        self, num: int, *, component: Any = None, temperature: float = 1.0, seed: int = 0, max_length: int = 40
    ) -> tuple[list[str], np.ndarray]:
        """Draws z from the prior and a sentence from each z; sentence i depends on the seed and i alone.

        Args:
          num: number of sentences.
          component: codes to hold, [J] or [num, J] with -1 for a free variable; None for all free.
          temperature: of the words; 0 takes the most probable one.
          seed: of z and words.
          max_length: most words and the end of sentence.

        Returns:
          the sentences and their codes [num, J].

        Raises:
          UserError: a component that does not exist.
        """
        components = self.vae.latent.num_components
        chosen = np.asarray(-1 if component is None else component)
        if np.any(chosen >= components) or np.any(chosen < -1):
            raise UserError(f"component {chosen.tolist()}: components are numbered 0 to {components - 1}, and -1 leaves one free")
        codes = np.broadcast_to(chosen, (num, self.vae.latent.num_variables)).astype(np.int32)
        texts, drawn = self._generate(tf.constant(codes), tf.constant(seed), temperature, max_length)
        return [text.decode() for text in texts.numpy()], drawn.numpy()

    def _encode_batch(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        latent = self.vae.latent
        params = self.vae.encode(self.vocabulary(texts))
        answer = {"mean": latent.mean(params)}
        if latent.has_codes:
            probabilities = latent.code_probabilities(params)
            answer |= {"probabilities": probabilities, "codes": tf.argmax(probabilities, axis=-1, output_type=tf.int32)}
        return answer

    def _generate_batch(self, codes: tf.Tensor, seed: tf.Tensor, temperature: float, max_length: int) -> tuple[tf.Tensor, tf.Tensor]:
        index = tf.range(tf.shape(codes)[0])
        z, drawn = self.vae.latent.sample_prior(tf.shape(codes)[0], stateless.rows(tf.stack([seed, 0]), index), codes)
        words = stateless.rows(tf.stack([seed, 1]), index)
        ids = ancestral_sample(self.vae.decoder, z, words, max_length=max_length, temperature=temperature)
        return self.vocabulary.detokenize(ids), drawn
