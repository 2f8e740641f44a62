"""A VAE over texts: a vocabulary and a model of its ids."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.data.batching import similar_batches
from tfvae.data.vocabulary import CHUNK, Vocabulary
from tfvae.errors import UserError
from tfvae.generation.decoding import Decoding
from tfvae.models.vae import VAE
from tfvae.tokens import PAD


class TextVAE:
    """What a user holds: strings in, strings out.

    Verbs that write text take the fields of `Decoding` by name, such as method="beam" or temperature=0.7.

    Attributes:
      vocabulary: texts <-> ids.
      vae: the model of ids.
      max_length: tokens beyond which a text is cut before it is encoded, end of sentence included.
    """

    def __init__(self, vocabulary: Vocabulary, vae: VAE, *, max_length: int = 1000) -> None:
        """Joins a vocabulary and a model made for its size."""
        self.vocabulary, self.vae, self.max_length = vocabulary, vae, max_length
        self._encode = tf.function(self._encode_batch, reduce_retracing=True, autograph=False)
        self._sample_prior = tf.function(self._sample_prior_batch, reduce_retracing=True, autograph=False)
        self._decoders: dict[Decoding, Any] = {}
        self._scorers: dict[int, Any] = {}

    def encode(self, texts: Sequence[str], batch_size: int = 256) -> dict[str, np.ndarray]:
        """Returns the posterior of each text.

        Args:
          texts: N strings.
          batch_size: texts encoded at a time; fewer where they are long, so that memory does not grow with their length.

        Returns:
          "mean" [N, size] and "length" [N], the tokens of each text before it was cut to `max_length`; where there are codes
          "probabilities" [N, J, K] and "codes" [N, J], the most probable components.

        Raises:
          UserError: the model has no latent variable, there is no text, or one string in place of a list.
        """
        answer = self._posteriors(texts, batch_size)
        del answer["mode"]
        return answer

    def modes(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the mode of each text's posterior, the z that the other verbs write sentences from, [N, size].

        Raises:
          UserError: as `encode`.
        """
        return self._posteriors(texts)["mode"]

    def reconstruct(self, texts: Sequence[str], *, seed: int = 0, **decoding: Any) -> list[str]:
        """Returns what the decoder makes of the mode of each text's posterior, greedily unless `decoding` says otherwise.

        Args:
          texts: N strings.
          seed: of sampled words; text i depends on the seed and i alone.
          **decoding: fields of `Decoding`.

        Raises:
          UserError: as `encode`, or a setting of `Decoding` that is not admitted.
        """
        return self.decode(self.modes(texts), seed=seed, **{"method": "greedy", **decoding})

    def interpolate(self, start: str, end: str, num: int = 7, *, seed: int = 0, **decoding: Any) -> list[str]:
        """Returns sentences on the way from one text to another, the reconstructions of both included.

        The way is straight, or along the sphere where the latent space is one.

        Args:
          start: the first text.
          end: the last text.
          num: sentences, at least 2.
          seed: of sampled words.
          **decoding: fields of `Decoding`; greedy unless said otherwise.

        Raises:
          UserError: as `reconstruct`, or fewer than two sentences.
        """
        if num < 2:
            raise UserError(f"num = {num}: an interpolation has at least 2 sentences, the ends")
        ends = self.modes([start, end])
        fraction = tf.cast(tf.linspace(0.0, 1.0, num), ends.dtype)
        z = self.vae.latent.interpolate(tf.constant(ends[:1]), tf.constant(ends[1:]), fraction)
        return self.decode(z.numpy(), seed=seed, **{"method": "greedy", **decoding})

    def generate(self, num: int, *, component: Any = None, seed: int = 0, start: int = 0, **decoding: Any) -> tuple[list[str], np.ndarray]:
        """Draws z from the prior and makes a sentence of each z; sentence i depends on the seed and i alone.

        Args:
          num: number of sentences.
          component: codes to hold, [J] or [num, J] with -1 for a free variable; None for all free.
          seed: of z and words.
          start: number of the first sentence: sentences start .. start + num - 1 are the same however they are cut into calls.
          **decoding: fields of `Decoding`; words are sampled unless said otherwise.

        Returns:
          the sentences and their codes [num, J].

        Raises:
          UserError: a component that does not exist, or a setting of `Decoding` that is not admitted.
        """
        if num < 1:
            raise UserError(f"num = {num}: must be at least 1")
        latent = self.vae.latent
        if component is not None and not latent.has_codes:
            raise UserError("this model's prior is no mixture: it has no component to choose")
        chosen = np.asarray(-1 if component is None else component)
        if np.any(chosen >= latent.num_components) or np.any(chosen < -1):
            raise UserError(
                f"component {chosen.tolist()}: components are numbered 0 to {latent.num_components - 1}, and -1 leaves one free"
            )
        try:
            held = np.broadcast_to(chosen, (num, latent.num_variables)).astype(np.int32)
        except ValueError:
            raise UserError(f"component {chosen.tolist()}: must name {latent.num_variables} variables, -1 for a free one") from None
        seeds = tf.constant(seed)
        drawn = [self._sample_prior(tf.constant(held[i : i + CHUNK]), seeds, tf.constant(start + i)) for i in range(0, num, CHUNK)]
        z, codes = (np.concatenate([part.numpy() for part in parts]) for parts in zip(*drawn, strict=True))
        return self.decode(z, seed=seed, start=start, **decoding), codes

    def decode(self, z: np.ndarray, *, seed: int = 0, start: int = 0, batch_size: int = 256, **decoding: Any) -> list[str]:
        """Returns a sentence for each z [N, size]; sentence i depends on z, the seed and start + i alone."""
        settings = Decoding(**decoding)
        if settings not in self._decoders:
            self._decoders[settings] = tf.function(self._decode_batch(settings), reduce_retracing=True, autograph=False)
        decoder, seeds = self._decoders[settings], tf.constant(seed)
        parts = [decoder(tf.constant(z[i : i + batch_size]), seeds, tf.constant(start + i)) for i in range(0, len(z), batch_size)]
        return [text.decode() for part in parts for text in part.numpy()]

    def score(self, texts: Sequence[str], *, samples: int = 500, batch_size: int = 32) -> dict[str, np.ndarray]:
        """Returns how probable the model finds each text; text i's noise depends on the model's seed and i alone.

        Args:
          texts: N strings.
          samples: posterior samples of the likelihood's importance-weighted estimate, of which log p(x) is the limit.
          batch_size: texts scored at a time; fewer where they are long, so that memory does not grow with their length.

        Returns:
          "elbo" [N], of one sample, and "log_likelihood" [N], nats, the latter absent where the model has no density; "length" [N], the
          tokens of each text before it was cut to `max_length`, end of sentence included.

        Raises:
          UserError: there is no text, or one string in place of a list, or fewer than one sample.
        """
        if samples < 1:
            raise UserError(f"samples = {samples}: must be at least 1")
        if samples not in self._scorers:
            self._scorers[samples] = tf.function(self._score_batch(samples), reduce_retracing=True, autograph=False)
        return self._of_texts(texts, self._scorers[samples], batch_size)

    def _posteriors(self, texts: Sequence[str], batch_size: int = 256) -> dict[str, np.ndarray]:
        """What `encode` returns, and "mode" [N, size]."""
        if not self.vae.latent.size:
            raise UserError("this model has no latent variable: it can only generate and score")
        return self._of_texts(texts, self._encode, batch_size)

    def _of_texts(self, texts: Sequence[str], function: Any, batch_size: int) -> dict[str, np.ndarray]:
        """Applies a function of tokens [B, T], length [B] and the texts' own numbers [B] to all texts; adds their "length"."""
        if isinstance(texts, str) or not len(texts):
            raise UserError("texts must be a list of one string or more")
        chunks = [self._of_chunk(texts[i : i + CHUNK], i, function, batch_size) for i in range(0, len(texts), CHUNK)]
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}

    def _of_chunk(self, texts: Sequence[str], start: int, function: Any, batch_size: int) -> dict[str, np.ndarray]:
        """Puts texts of similar lengths together, and the answers back in order."""
        ids = self.vocabulary.tokenize(tf.constant(texts))
        length = ids.row_lengths().numpy()
        cut = self.vocabulary.cut(ids, self.max_length)
        batches = list(similar_batches(np.minimum(length, self.max_length), batch_size))
        parts = []
        for batch in batches:
            rows = tf.gather(cut, batch)
            index = tf.constant(start + batch, tf.int32)
            parts.append(function(rows.to_tensor(PAD), tf.cast(rows.row_lengths(), tf.int32), index))
        back = np.argsort(np.concatenate(batches))
        answer = {name: np.concatenate([part[name].numpy() for part in parts])[back] for name in parts[0]}
        return {**answer, "length": length}

    def _encode_batch(self, tokens: tf.Tensor, length: tf.Tensor, index: tf.Tensor) -> dict[str, tf.Tensor]:
        latent = self.vae.latent
        params = self.vae.encode({"tokens": tokens, "length": length})
        answer = {"mean": latent.mean(params), "mode": latent.mode(params)}
        if latent.has_codes:
            probabilities = latent.code_probabilities(params)
            answer |= {"probabilities": probabilities, "codes": tf.argmax(probabilities, axis=-1, output_type=tf.int32)}
        return answer

    def _score_batch(self, samples: int) -> Any:
        def score(tokens: tf.Tensor, length: tf.Tensor, index: tf.Tensor) -> dict[str, tf.Tensor]:
            return self.vae.score({"tokens": tokens, "length": length, "index": index}, samples)

        return score

    def _sample_prior_batch(self, codes: tf.Tensor, seed: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        num = tf.shape(codes)[0]
        return self.vae.latent.sample_prior(num, stateless.rows(tf.stack([seed, 0]), start + tf.range(num)), codes)

    def _decode_batch(self, settings: Decoding) -> Any:
        def decode(z: tf.Tensor, seed: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
            words = stateless.rows(tf.stack([seed, 1]), start + tf.range(tf.shape(z)[0]))
            return self.vocabulary.detokenize(settings(self.vae.decoder, z, words))

        return decode
