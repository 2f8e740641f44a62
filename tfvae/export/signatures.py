"""The signatures of an exported model: strings in, strings out, a row of the batch for a text, so that a server may merge requests.

Whatever a row asks for that cannot be done gives that row an empty answer and a message in `status`, and leaves its neighbours alone.
"""

import dataclasses
from collections.abc import Callable, Mapping

import tensorflow as tf

from tfvae import stateless
from tfvae.generation.decoding import Decoding
from tfvae.generation.sampling import sample
from tfvae.models.text_vae import TextVAE
from tfvae.tokens import PAD

Tensors = Mapping[str, tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is fixed when a model is exported.

    Attributes:
      samples: posterior samples of `score`.
      steps: sentences of an interpolation, the ends included.
      max_length: most tokens of a sentence that is written, its end included.
    """

    samples: int = 100
    steps: int = 7
    max_length: int = 40


@dataclasses.dataclass(frozen=True)
class Signature:
    """One of them.

    Attributes:
      summary: what it does, in a line.
      inputs: name, dtype and shape of each input, the batch first.
      function: inputs by name -> outputs by name.
      outputs: what each output is.
    """

    summary: str
    inputs: tuple[tf.TensorSpec, ...]
    function: Callable[..., Tensors]
    outputs: Mapping[str, str]


STATUS = "empty, or why the row has no answer"
_TEXTS = tf.TensorSpec([None], tf.string, "texts")


def make_signatures(model: TextVAE, settings: Settings) -> dict[str, Signature]:
    """Returns the signatures that a model has, by name: those whose verbs mean something for it.

    Shapes: B rows, J latent variables, K components, `size` that of z.
    """
    verbs, latent = _Verbs(model, settings), model.vae.latent
    found = {}
    if latent.size:
        coded = {"probabilities": "q(c|x), [B, J, K]", "codes": "the most probable components, [B, J]"} if latent.has_codes else {}
        found["encode"] = Signature(
            "posteriors of texts", (_TEXTS,), verbs.encode, {"mean": "E[z|x], [B, size]", **coded, "status": STATUS}
        )
        found["reconstruct"] = Signature(
            "what the decoder makes, greedily, of the modes of texts' posteriors",
            (_TEXTS,),
            verbs.reconstruct,
            {"reconstructions": "[B]", "status": STATUS},
        )
        ends = tuple(tf.TensorSpec([None], tf.string, name) for name in ("start", "end"))
        found["interpolate"] = Signature(
            f"{settings.steps} sentences on the way from one text to another",
            ends,
            verbs.interpolate,
            {"sentences": f"[B, {settings.steps}]", "status": STATUS},
        )
        found["decode"] = Signature(
            "sentences of points of the latent space, greedily",
            (tf.TensorSpec([None, latent.size], tf.float32, "z"),),
            verbs.decode,
            {"sentences": "[B]", "status": STATUS},
        )
    if latent.has_prior:
        rows = {"temperature": tf.float32, "top_k": tf.int32, "seed": tf.int32}
        inputs = tuple(tf.TensorSpec([None], dtype, name) for name, dtype in rows.items())
        codes = {}
        if latent.has_codes:
            inputs = (tf.TensorSpec([None, latent.num_variables], tf.int32, "components"), *inputs)
            codes = {"codes": "the components they were drawn from, [B, J]; -1 without an answer"}
        found["generate"] = Signature(
            "sentences from the prior, a row each, words sampled; components -1 are free, temperature 1 and top_k 0 change nothing, "
            "and a row's text depends on what the row says alone",
            inputs,
            verbs.generate,
            {"sentences": "[B]", **codes, "status": STATUS},
        )
    if latent.has_density:
        weighted = f"importance-weighted estimate of log p(x), {settings.samples} samples" if latent.size else "log p(x)"
        found["score"] = Signature(
            "how probable texts are",
            (_TEXTS,),
            verbs.score,
            {"elbo": "nats, [B]", "log_likelihood": f"{weighted}, nats, [B]", "tokens": "ends counted, [B]", "status": STATUS},
        )
    return found


_ENCODED, _SCORED = 16_384, 2048
"""Tokens, padding included, that are encoded, or scored with 20 samples each, at a time: memory does not grow with the request."""
_COLDEST, _HOTTEST = 1e-3, 1e3
_FARTHEST = 1e4  # of z, far beyond every prior


class _Verbs:
    """The functions behind the signatures."""

    def __init__(self, model: TextVAE, settings: Settings) -> None:
        self.model, self.vae, self.settings = model, model.vae, settings

    def encode(self, texts: tf.Tensor) -> Tensors:
        latent = self.vae.latent

        def posterior(batch: Tensors) -> Tensors:
            params = self.vae.encode(batch)
            return {"mean": latent.mean(params)} | ({"probabilities": latent.code_probabilities(params)} if latent.has_codes else {})

        answer = dict(self._of_texts(texts, posterior, _ENCODED))
        if latent.has_codes:
            answer["codes"] = tf.argmax(answer["probabilities"], axis=-1, output_type=tf.int32)
        return {**answer, "status": _fine(texts)}

    def reconstruct(self, texts: tf.Tensor) -> Tensors:
        return {"reconstructions": self._write(self._mode(texts)), "status": _fine(texts)}

    def interpolate(self, start: tf.Tensor, end: tf.Tensor) -> Tensors:
        latent, steps = self.vae.latent, self.settings.steps
        count = tf.shape(start)[0]
        modes = self._mode(tf.concat([start, end], axis=0))
        first, last = (tf.repeat(side, steps, axis=0) for side in (modes[:count], modes[count:]))
        z = latent.interpolate(first, last, tf.tile(tf.linspace(0.0, 1.0, steps), [count]))
        return {"sentences": tf.reshape(self._write(z), [count, steps]), "status": _fine(start)}

    def decode(self, z: tf.Tensor) -> Tensors:
        good = tf.reduce_all(tf.abs(z) <= _FARTHEST, axis=1)
        sentences = self._write(tf.where(good[:, tf.newaxis], z, 0.0))
        return {"sentences": tf.where(good, sentences, ""), "status": tf.where(good, "", f"z: must be numbers of at most {_FARTHEST:g}")}

    def generate(self, temperature: tf.Tensor, top_k: tf.Tensor, seed: tf.Tensor, components: tf.Tensor | None = None) -> Tensors:
        latent = self.vae.latent
        problems = [
            ((temperature >= _COLDEST) & (temperature <= _HOTTEST), f"temperature: must be from {_COLDEST:g} to {_HOTTEST:g}"),
            (top_k >= 0, "top_k: must be at least 0"),
        ]
        if components is not None:
            known = tf.reduce_all((components >= -1) & (components < latent.num_components), axis=1)
            problems.append((known, f"components: must be from 0 to {latent.num_components - 1}, or -1 for a free one"))
        good, status = _first_problem(problems, temperature)
        held = None if components is None else tf.where(good[:, tf.newaxis], components, -1)
        # a row's noise is that of the first sentence that TextVAE.generate makes of the row's seed
        streams = [stateless.fold(tf.stack([seed, tf.fill(tf.shape(seed), stream)], axis=1), tf.zeros_like(seed)) for stream in (0, 1)]
        z, codes = latent.sample_prior(tf.size(temperature), streams[0], held)
        ids = sample(
            self.vae.decoder,
            z,
            streams[1],
            temperature=tf.where(good, temperature, 1.0),
            top_k=tf.where(good, top_k, 0),
            max_length=self.settings.max_length,
        )
        answer = {"sentences": tf.where(good, self.model.vocabulary.detokenize(ids), ""), "status": status}
        return answer if components is None else {**answer, "codes": tf.where(good[:, tf.newaxis], codes, -1)}

    def score(self, texts: tf.Tensor) -> Tensors:
        def likelihood(batch: Tensors) -> Tensors:
            # a text's noise must not depend on its neighbours: each is scored as the first text of TextVAE.score
            answer = self.vae.score({**batch, "index": tf.zeros_like(batch["length"])}, self.settings.samples)
            return {"elbo": answer["elbo"], "log_likelihood": tf.cast(answer["log_likelihood"], tf.float32), "tokens": batch["length"]}

        return {**self._of_texts(texts, likelihood, _SCORED), "status": _fine(texts)}

    def _mode(self, texts: tf.Tensor) -> tf.Tensor:
        return self._of_texts(texts, lambda batch: {"mode": self.vae.latent.mode(self.vae.encode(batch))}, _ENCODED)["mode"]

    def _of_texts(self, texts: tf.Tensor, function: Callable[[Tensors], Tensors], most: int) -> Tensors:
        """Applies a function of a batch to texts, some rows at a time: as many as have `most` tokens, were all as long as the longest."""
        # a text that is no UTF-8 is read with marks in place of what cannot be
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        ids = self.model.vocabulary.cut(self.model.vocabulary.tokenize(texts), self.model.max_length)
        tokens, length = ids.to_tensor(PAD), tf.cast(ids.row_lengths(), tf.int32)
        count = tf.shape(tokens)[0]
        rows = tf.maximum(1, most // tf.maximum(1, tf.shape(tokens)[1]))

        def part(start: tf.Tensor) -> Tensors:
            own = length[start : start + rows]
            return function({"tokens": tokens[start : start + rows, : tf.maximum(1, tf.reduce_max(own))], "length": own})

        def body(start: tf.Tensor, done: Tensors) -> tuple[tf.Tensor, Tensors]:
            return start + rows, tf.nest.map_structure(lambda *pair: tf.concat(pair, axis=0), done, part(start))

        first = part(tf.constant(0))
        shapes = tf.nest.map_structure(lambda value: tf.TensorShape([None, *value.shape[1:]]), first)
        _, answer = tf.while_loop(lambda start, _: start < count, body, (rows, first), (tf.TensorShape([]), shapes), parallel_iterations=1)
        return answer

    def _write(self, z: tf.Tensor) -> tf.Tensor:
        """Greedy sentences, [B]."""
        seed = tf.constant([0, 0])  # of nothing: the most probable word is taken
        ids = Decoding(method="greedy", max_length=self.settings.max_length)(self.vae.decoder, z, seed)
        return self.model.vocabulary.detokenize(ids)


def _fine(rows: tf.Tensor) -> tf.Tensor:
    return tf.fill([tf.shape(rows)[0]], "")


def _first_problem(problems: list[tuple[tf.Tensor, str]], rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Whether each row is in order, [B], and else what the first thing is that is not."""
    good, status = tf.fill(tf.shape(rows), True), _fine(rows)
    for holds, message in problems:
        status = tf.where(good & ~holds, message, status)
        good &= holds
    return good, status
