"""What a user holds: items in, items out."""

import collections
import dataclasses
import functools
import logging
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.errors import UserError, suggest
from tfvae.generation.decoding import Decoding
from tfvae.modalities.modality import Modality
from tfvae.models.labels import Labels, find_label, of_classes
from tfvae.models.respond import Responder, conversations
from tfvae.models.topics import Topics
from tfvae.models.vae import VAE

log = logging.getLogger("tfvae")
# Items of other lengths make new graphs, a few in all, which is no reason for TensorFlow's warning of too many.
logging.getLogger("tensorflow").addFilter(lambda record: "triggered tf.function retracing" not in record.getMessage())
_AT_ONCE = 4096  # draws from the prior in memory at a time


class Model:
    """A VAE and what its examples are: verbs take and return items, which the modality turns into batches and back.

    Verbs that write items take the fields of `Decoding` by name, such as method="beam" or temperature=0.7.

    Attributes:
      modality: items <-> batches.
      vae: the model of batches.
      topics: which components count as one, and what they are called: codes are topics in all that these verbs take and return.
      labels: those that supervised variables, which the model predicts.
    """

    def __init__(self, modality: Modality, vae: VAE, topics: Topics | None = None, labels: Labels | None = None) -> None:
        """Joins a modality and a model made for its shape."""
        self.modality, self.vae, self.labels = modality, vae, dict(labels or {})
        self.topics = topics or Topics.of(vae.latent.num_variables, vae.latent.num_components)
        self._encode = tf.function(self._encode_batch, reduce_retracing=True, autograph=False)
        probabilities = lambda batch: {"probabilities": vae.latent.code_probabilities(vae.encode(batch))}  # noqa: E731
        self._code_probabilities = tf.function(probabilities, reduce_retracing=True, autograph=False)
        self._sample_prior = tf.function(self._sample_prior_batch, reduce_retracing=True, autograph=False)
        self._decoders: dict[Decoding, Any] = {}
        self._scorers: dict[int, Any] = {}

    def encode(self, items: Any, batch_size: int = 256) -> dict[str, np.ndarray]:
        """Returns the posterior of each item, and logs of how many there is something to remark.

        Args:
          items: N of them; texts as a list or another iterable of strings, an array, or a column of a table.
          batch_size: items encoded at a time; fewer where they are long, so that memory does not grow with their length.

        Returns:
          "mean" [N, size]; where there are codes "probabilities" [N, J, K] and "codes" [N, J], the most probable topics; and what
          the modality says of each item beside, such as its "length" [N] before it was cut.

        Raises:
          UserError: the model has no latent variable, or there is no item.
        """
        answer = self.posteriors(items, batch_size)
        del answer["mode"]
        remarks = answer.pop("remark")
        for remark, count in collections.Counter(remarks[remarks != b""].tolist()).items():
            log.warning("%d of %d %ss: %s", count, len(remarks), self.modality.item, remark.decode())
        return answer

    def posteriors(self, items: Any, batch_size: int = 256) -> dict[str, np.ndarray]:
        """Returns what `encode` does, "mode" [N, size], and "remark" [N], bytes: what there is to remark on an item, or nothing.

        Raises:
          UserError: as `encode`.
        """
        if not self.vae.latent.size:
            raise UserError("this model has no latent variable: it can only generate and score")
        return self._of_items(items, self._encode, batch_size)

    def predict(self, items: Any, label: str = "", batch_size: int = 256) -> dict[str, np.ndarray]:
        """Returns which class of a label each item has, of a label that supervised a variable (`objective.labels`).

        Args:
          items: N of them, as `encode` takes them.
          label: its name; may be left out where there is but one.
          batch_size: as in `encode`.

        Returns:
          "predicted" [N], names of the most probable classes; "probabilities" [N, C]; and "classes" [C], the names they are of.

        Raises:
          UserError: as `encode`, or the model predicts no such label.
        """
        known = self.labels[find_label(self.labels, label)]
        probabilities = of_classes(known, self._of_items(items, self._code_probabilities, batch_size)["probabilities"])
        classes = np.array(known.classes)
        return {"predicted": classes[probabilities.argmax(axis=1)], "probabilities": probabilities, "classes": classes}

    def modes(self, items: Any) -> np.ndarray:
        """Returns the mode of each item's posterior, the z that the other verbs write items from, [N, size].

        Raises:
          UserError: as `encode`.
        """
        return self.posteriors(items)["mode"]

    def reconstruct(self, items: Any, *, seed: int = 0, **decoding: Any) -> Any:
        """Returns what the decoder makes of the mode of each item's posterior, greedily unless `decoding` says otherwise.

        Args:
          items: N of them.
          seed: of what is drawn; item i depends on the seed and i alone.
          **decoding: fields of `Decoding`.

        Raises:
          UserError: as `encode`, or a setting of `Decoding` that is not admitted.
        """
        return self.decode(self.modes(items), seed=seed, **{"method": "greedy", **decoding})

    def interpolate(self, start: Any, end: Any, num: int = 7, *, seed: int = 0, **decoding: Any) -> Any:
        """Returns items on the way from one to another, the reconstructions of both included.

        The way is straight, or along the sphere where the latent space is one.

        Args:
          start: the first item.
          end: the last item.
          num: items, at least 2.
          seed: of what is drawn.
          **decoding: fields of `Decoding`; greedy unless said otherwise.

        Raises:
          UserError: as `reconstruct`, or fewer than two items.
        """
        if num < 2:
            raise UserError(f"num = {num}: an interpolation has at least 2 {self.modality.item}s, the ends")
        ends = self.modes([start, end])
        fraction = tf.cast(tf.linspace(0.0, 1.0, num), ends.dtype)
        z = self.vae.latent.interpolate(tf.constant(ends[:1]), tf.constant(ends[1:]), fraction)
        return self.decode(z.numpy(), seed=seed, **{"method": "greedy", **decoding})

    def generate(self, num: int, *, component: Any = None, seed: int = 0, start: int = 0, **decoding: Any) -> tuple[Any, np.ndarray]:
        """Draws z from the prior and makes an item of each z; item i depends on the seed and i alone.

        Args:
          num: number of items.
          component: what to hold: "j:k", "j:name", a name, or several of them; {j: k}; codes [J] or [num, J] with -1 for a free variable;
            None for all free.
          seed: of z and of what is drawn given z.
          start: number of the first item: items start .. start + num - 1 are the same however they are cut into calls.
          **decoding: fields of `Decoding`; sampled unless said otherwise, or as suits the decoder.

        Returns:
          the items and their codes [num, J].

        Raises:
          UserError: a component that does not exist, or a setting of `Decoding` that is not admitted.
        """
        if num < 1:
            raise UserError(f"num = {num}: must be at least 1")
        held = self.held(component, num)
        seeds = tf.constant(seed)
        drawn = [self._sample_prior(tf.constant(held[i : i + _AT_ONCE]), seeds, tf.constant(start + i)) for i in range(0, num, _AT_ONCE)]
        z, codes = (np.concatenate([part.numpy() for part in parts]) for parts in zip(*drawn, strict=True))
        return self.decode(z, seed=seed, start=start, **decoding), codes

    def respond(
        self, contexts: Any, *, component: Any = None, seed: int = 0, start: int = 0, **decoding: Any
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Answers in conversations: the policy chooses each variable's component that is not held, z is drawn from it, and written from.

        Args:
          contexts: a conversation, texts of two who speak in turn, or N of them; empty texts are no turns.
          component: what to hold, as of `generate`.
          seed: of z and of what is drawn given z; answer i depends on its conversation, the seed and start + i alone.
          start: number of the first answer.
          **decoding: fields of `Decoding`; greedy unless said otherwise.

        Returns:
          the answers, their codes [N, J], and the policy's probabilities of codes [N, J, K].

        Raises:
          UserError: the model has no policy, there is no such component, or they are no conversations.
        """
        answer, given = self.responder, conversations(contexts)
        settings = self.decoding(**{"method": "greedy", **decoding})
        return answer(given, self.held(component, len(given)), seed, start, settings)

    @functools.cached_property
    def responder(self) -> Responder:
        """What answers in conversations.

        Raises:
          UserError: the model has no policy.
        """
        return Responder(self)

    def held(self, component: Any, num: int = 1) -> np.ndarray:
        """Returns the codes that `num` items hold, int32 [num, J], -1 where a variable is free; `generate` says what may be given.

        Raises:
          UserError: the model has no components, or there is no such one.
        """
        if component is not None and not self.vae.latent.has_codes:
            raise UserError("this model's prior is no mixture: it has no component to choose")
        return self.topics.held(component, num)

    def decode(self, z: np.ndarray, *, seed: int = 0, start: int = 0, batch_size: int = 256, **decoding: Any) -> Any:
        """Returns an item of each z [N, size]; item i depends on z, the seed and start + i alone.

        Raises:
          UserError: a setting of `Decoding` that is not admitted.
        """
        settings = self.decoding(**decoding)
        if settings not in self._decoders:
            self._decoders[settings] = tf.function(self._decode_batch(settings), reduce_retracing=True, autograph=False)
        decoder, seeds = self._decoders[settings], tf.constant(seed)
        parts = [decoder(tf.constant(z[i : i + batch_size]), seeds, tf.constant(start + i)) for i in range(0, len(z), batch_size)]
        return self.modality.unpack([part.numpy() for part in parts])

    def decoding(self, **settings: Any) -> Decoding:
        """Returns how items are written: the settings that are given, over those that suit the decoder.

        Raises:
          UserError: a setting that is not admitted, or one or a method that the decoder has not.
        """
        decoder = self.vae.decoder
        for name in settings:
            if name not in decoder.settings and name in {field.name for field in dataclasses.fields(Decoding)}:
                raise UserError(f"{name} means nothing for this model's decoder, which has {', '.join(decoder.settings)}: leave it out")
        made = Decoding(**{**decoder.usual, **settings})
        if made.method not in decoder.methods:
            raise UserError(f"method = {made.method!r} is not one of this model's decoder{suggest(made.method, decoder.methods)}")
        return made

    def score(self, items: Any, *, samples: int = 500, batch_size: int = 32) -> dict[str, np.ndarray]:
        """Returns how probable the model finds each item; an item's noise depends on the model's seed and the item alone.

        Args:
          items: N of them.
          samples: posterior samples of the likelihood's importance-weighted estimate, of which log p(x) is the limit.
          batch_size: items scored at a time; fewer where they are long, so that memory does not grow with their length.

        Returns:
          "elbo" [N], of one sample, and "log_likelihood" [N], nats, the latter absent where the model has no density; and what the
          modality says of each item beside, such as its "length" [N] before it was cut.

        Raises:
          UserError: there is no item, or fewer than one sample.
        """
        if samples < 1:
            raise UserError(f"samples = {samples}: must be at least 1")
        if samples not in self._scorers:
            score = lambda batch: self.vae.score(batch, samples)  # noqa: E731
            self._scorers[samples] = tf.function(score, reduce_retracing=True, autograph=False)
        return self._of_items(items, self._scorers[samples], batch_size)

    def _of_items(self, items: Any, function: Any, batch_size: int) -> dict[str, np.ndarray]:
        """Applies a function of a batch to all items, and puts the answers, and what the modality says beside, in the items' order."""
        places, answers = [], []
        for index, batch, known in self.modality.batches(items, batch_size):
            places.append(index)
            answers.append({**{name: value.numpy() for name, value in function(batch).items()}, **known})
        back = np.argsort(np.concatenate(places))
        return {name: np.concatenate([answer[name] for answer in answers])[back] for name in answers[0]}

    def _encode_batch(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        latent = self.vae.latent
        params = self.vae.encode(batch)
        answer = {"mean": latent.mean(params), "mode": latent.mode(params), "remark": self.modality.remark(batch)}
        if latent.has_codes:
            probabilities = self.topics.merged(latent.code_probabilities(params))
            answer |= {"probabilities": probabilities, "codes": tf.argmax(probabilities, axis=-1, output_type=tf.int32)}
        return answer

    def _sample_prior_batch(self, codes: tf.Tensor, seed: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        num, seeds = tf.shape(codes)[0], stateless.rows(tf.stack([seed, 0]), start + tf.range(tf.shape(codes)[0]))
        return self.sample_prior(num, seeds, codes)

    def sample_prior(self, num: int | tf.Tensor, seeds: tf.Tensor, topics: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws from the prior with topics held; in a graph.

        Args:
          num: n.
          seeds: int32 [n, 2], one a row.
          topics: int32 [n, J], -1 for a free variable; None: there are none.

        Returns:
          z [n, size] and topics [n, J].
        """
        latent = self.vae.latent
        if topics is None or not latent.has_codes:
            return latent.sample_prior(num, seeds, topics)
        z, codes = latent.sample_prior(num, seeds, self.topics.drawn(topics, latent.log_mixing(), seeds))
        return z, self.topics.of_codes(codes)

    def _decode_batch(self, settings: Decoding) -> Any:
        def decode(z: tf.Tensor, seed: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
            noise = stateless.rows(tf.stack([seed, 1]), start + tf.range(tf.shape(z)[0]))
            return self.modality.show(self.vae.decoder.write(z, noise, settings))

        return decode
