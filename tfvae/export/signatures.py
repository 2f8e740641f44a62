"""The signatures of an exported model: items in, items out, a row of the batch for an item, so that a server may merge requests.

Whatever a row asks for that cannot be done gives that row an empty answer and a message in `status`, and leaves its neighbours alone.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping

import tensorflow as tf

from tfvae import stateless
from tfvae.auxiliaries.policy import PolicyLoss
from tfvae.export.settings import Settings
from tfvae.generation.sampling import sample
from tfvae.models.labels import of_classes
from tfvae.models.model import Model

Tensors = Mapping[str, tf.Tensor]


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


STATUS = "empty, why the row has no answer, or a remark on what was given"


def make_signatures(model: Model, settings: Settings) -> dict[str, Signature]:
    """Returns the signatures that a model has, by name: those whose verbs mean something for it.

    Shapes: B rows, J latent variables, K components, `size` that of z.
    """
    verbs, latent, modality = _Verbs(model, settings), model.vae.latent, model.modality
    given, item, made = modality.input_spec(), modality.item, f"{modality.item}s"
    size = ", ".join(["B", *map(str, given.shape[1:])])
    found = {}
    if latent.size:
        coded = {"probabilities": "q(c|x), [B, J, K]", "codes": "the most probable components, [B, J]"} if latent.has_codes else {}
        found["encode"] = Signature(
            f"posteriors of {given.name}", (given,), verbs.encode, {"mean": "E[z|x], [B, size]", **coded, "status": STATUS}
        )
        if model.labels:
            answers = {key: f"{name}: {meaning}" for name in model.labels for key, meaning in _answers(name).items()}
            title = f"classes of {given.name}: {', '.join(model.labels)}"
            found["predict"] = Signature(title, (given,), verbs.predict, {**answers, "status": STATUS})
        found["reconstruct"] = Signature(
            f"what the decoder makes, greedily, of the modes of {given.name}' posteriors",
            (given,),
            verbs.reconstruct,
            {"reconstructions": f"[{size}]", "status": STATUS},
        )
        ends = tuple(tf.TensorSpec(given.shape, given.dtype, name) for name in ("start", "end"))
        found["interpolate"] = Signature(
            f"{settings.steps} {made} on the way from one to another",
            ends,
            verbs.interpolate,
            {made: f"[{size.replace('B', f'B, {settings.steps}', 1)}]", "status": STATUS},
        )
        found["decode"] = Signature(
            f"{made} of points of the latent space, greedily",
            (tf.TensorSpec([None, latent.size], tf.float32, "z"),),
            verbs.decode,
            {made: f"[{size}]", "status": STATUS},
        )
    if latent.has_prior:
        ordered = model.vae.decoder.ordered
        rows = {"temperature": tf.float32, "top_k": tf.int32, "seed": tf.int32} if ordered else {"seed": tf.int32}
        inputs = tuple(tf.TensorSpec([None], dtype, name) for name, dtype in rows.items())
        codes = {}
        if latent.has_codes:
            inputs = (tf.TensorSpec([None, latent.num_variables], tf.int32, "components"), *inputs)
            codes = {"codes": "the components they were drawn from, [B, J]; -1 without an answer"}
        found["generate"] = Signature(
            f"{made} from the prior, a row each{', words sampled' if ordered else ''}; components -1 are free, "
            f"{'temperature 1 and top_k 0 change nothing, ' if ordered else ''}and a row's {item} depends on what the row says alone",
            inputs,
            verbs.generate if ordered else verbs.generate_as_usual,
            {made: f"[{size}]", **codes, "status": STATUS},
        )
    if latent.has_density and modality.scored_in_graph:
        weighted = f"importance-weighted estimate of log p(x), {settings.samples} samples" if latent.size else "log p(x)"
        found["score"] = Signature(
            f"how probable {given.name} are",
            (given,),
            verbs.score,
            {
                "elbo": "nats, [B]",
                "log_likelihood": f"{weighted}, nats, [B]",
                verbs.observations: f"{'ends counted' if model.vae.decoder.ordered else 'that are predicted'}, [B]",
                "status": STATUS,
            },
        )
    if any(isinstance(part, PolicyLoss) for part in model.vae.auxiliaries):
        found["respond"] = Signature(
            "answers, greedily, to what two said who speak in turn, empty texts being no turns; components -1 are chosen by the policy",
            (
                tf.TensorSpec([None, modality.context], tf.string, "contexts"),  # type: ignore[attr-defined]
                tf.TensorSpec([None, latent.num_variables], tf.int32, "components"),
                tf.TensorSpec([None], tf.int32, "seed"),
            ),
            verbs.respond,
            {
                made: f"[{size}]",
                "codes": "the components they were written from, [B, J]; -1 without an answer",
                "probabilities": "the policy's, p(c|context), [B, J, K]",
                "status": STATUS,
            },
        )
    return found


def _answers(label: str) -> dict[str, str]:
    """The outputs that say a label, and what each is."""
    key = re.sub(r"\W", "_", label)
    return {f"class_{key}": "the most probable class, [B]", f"probabilities_{key}": "of its classes, [B, C]"}


_ENCODED, _SCORED = 16_384, 2048
"""Tokens, padding included, that are encoded, or scored with 20 samples each, at a time: memory does not grow with the request."""
_COLDEST, _HOTTEST = 1e-3, 1e3
_FARTHEST = 1e4  # of z, far beyond every prior


class _Verbs:
    """The functions behind the signatures."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model, self.vae, self.modality, self.settings = model, model.vae, model.modality, settings
        self.made = f"{self.modality.item}s"
        self.observations = "tokens" if self.vae.decoder.ordered else f"{self.modality.unit}s"
        limits = {"max_length": settings.max_length} if self.vae.decoder.ordered else {}
        self.greedy, self.usual = model.decoding(**limits, method="greedy"), model.decoding(**limits)

    def encode(self, **items: tf.Tensor) -> Tensors:
        [items] = items.values()
        latent = self.vae.latent

        def posterior(batch: Tensors) -> Tensors:
            params = self.vae.encode(batch)
            answer = {"mean": latent.mean(params), "status": self.modality.remark(batch)}
            return answer | ({"probabilities": self.model.topics.merged(latent.code_probabilities(params))} if latent.has_codes else {})

        answer = dict(self._of_items(items, posterior, _ENCODED))
        if latent.has_codes:
            answer["codes"] = tf.argmax(answer["probabilities"], axis=-1, output_type=tf.int32)
        return answer

    def predict(self, **items: tf.Tensor) -> Tensors:
        [items] = items.values()

        def codes(batch: Tensors) -> Tensors:
            probabilities = self.vae.latent.code_probabilities(self.vae.encode(batch))
            return {"probabilities": probabilities, "status": self.modality.remark(batch)}

        answer = self._of_items(items, codes, _ENCODED)
        found = {"status": answer["status"]}
        for name, label in self.model.labels.items():
            probabilities = of_classes(label, answer["probabilities"])
            said = tf.gather(tf.constant(label.classes), tf.argmax(probabilities, axis=-1))
            found |= dict(zip(_answers(name), (said, probabilities), strict=True))
        return found

    def reconstruct(self, **items: tf.Tensor) -> Tensors:
        [items] = items.values()
        modes, status = self._modes(items)
        return {"reconstructions": self._write(modes), "status": status}

    def interpolate(self, start: tf.Tensor, end: tf.Tensor) -> Tensors:
        latent, steps = self.vae.latent, self.settings.steps
        count = tf.shape(start)[0]
        modes, remarks = self._modes(tf.concat([start, end], axis=0))
        first, last = (tf.repeat(side, steps, axis=0) for side in (modes[:count], modes[count:]))
        z = latent.interpolate(first, last, tf.tile(tf.linspace(0.0, 1.0, steps), [count]))
        written = self._write(z)
        status = tf.where(remarks[:count] != "", tf.strings.join(["start: ", remarks[:count]]), tf.strings.join(["end: ", remarks[count:]]))
        status = tf.where((remarks[:count] == "") & (remarks[count:] == ""), "", status)
        return {self.made: tf.reshape(written, [count, steps, *written.shape[1:]]), "status": status}

    def decode(self, z: tf.Tensor) -> Tensors:
        good = tf.reduce_all(tf.abs(z) <= _FARTHEST, axis=1)
        written = self._blanked(good, self._write(tf.where(good[:, tf.newaxis], z, 0.0)))
        return {self.made: written, "status": tf.where(good, "", f"z: must be numbers of at most {_FARTHEST:g}")}

    def generate(self, temperature: tf.Tensor, top_k: tf.Tensor, seed: tf.Tensor, components: tf.Tensor | None = None) -> Tensors:
        problems = [
            ((temperature >= _COLDEST) & (temperature <= _HOTTEST), f"temperature: must be from {_COLDEST:g} to {_HOTTEST:g}"),
            (top_k >= 0, "top_k: must be at least 0"),
        ]

        def write(z: tf.Tensor, noise: tf.Tensor, good: tf.Tensor) -> tf.Tensor:
            settings = {"temperature": tf.where(good, temperature, 1.0), "top_k": tf.where(good, top_k, 0)}
            return sample(self.vae.decoder, z, noise, **settings, max_length=self.settings.max_length)

        return self._from_prior(seed, components, problems, write)

    def generate_as_usual(self, seed: tf.Tensor, components: tf.Tensor | None = None) -> Tensors:
        return self._from_prior(seed, components, [], lambda z, noise, good: self.vae.decoder.write(z, noise, self.usual))

    def _from_prior(
        self, seed: tf.Tensor, components: tf.Tensor | None, problems: list[tuple[tf.Tensor, str]], write: Callable[..., tf.Tensor]
    ) -> Tensors:
        """What `write` makes of z from the prior, of the rows in which nothing is wrong."""
        good, status, held = self._held(components, problems, seed)
        streams = _streams(seed)
        z, codes = self.model.sample_prior(tf.size(seed), streams[0], held)
        answer = {self.made: self._blanked(good, self.modality.show(write(z, streams[1], good))), "status": status}
        return answer if components is None else {**answer, "codes": tf.where(good[:, tf.newaxis], codes, -1)}

    def respond(self, contexts: tf.Tensor, components: tf.Tensor, seed: tf.Tensor) -> Tensors:
        good, status, held = self._held(components, [], seed)
        batch = self.modality.context_in_graph(contexts)  # type: ignore[attr-defined]
        seeds, noise = _streams(seed)
        written, codes, probabilities = self.model.responder.answer(batch, held, seeds, noise, self.greedy)
        codes = tf.where(good[:, tf.newaxis], codes, -1)
        return {self.made: self._blanked(good, written), "codes": codes, "probabilities": probabilities, "status": status}

    def score(self, **items: tf.Tensor) -> Tensors:
        [items] = items.values()

        def likelihood(batch: Tensors) -> Tensors:
            counts = self.vae.decoder.num_observations(batch)
            answer = self.vae.score(batch, self.settings.samples)
            log_likelihood = tf.cast(answer["log_likelihood"], tf.float32)
            scores = {"elbo": answer["elbo"], "log_likelihood": log_likelihood, self.observations: tf.cast(counts, tf.int32)}
            return {**scores, "status": self.modality.remark(batch)}

        return self._of_items(items, likelihood, _SCORED)

    def _held(
        self, components: tf.Tensor | None, problems: list[tuple[tf.Tensor, str]], seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]:
        """Which rows are in order, what is wrong with the others, and the components that the former hold."""
        if components is not None:
            most = self.vae.latent.num_components - 1
            known = tf.reduce_all((components >= -1) & (components <= most), axis=1)
            problems = [*problems, (known, f"components: must be from 0 to {most}, or -1 for a free one")]
        good, status = _first_problem(problems, seed)
        return good, status, None if components is None else tf.where(good[:, tf.newaxis], components, -1)

    def _modes(self, items: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The modes of items' posteriors, [B, size], and remarks on the items, [B]."""

        def mode(batch: Tensors) -> Tensors:
            return {"mode": self.vae.latent.mode(self.vae.encode(batch)), "remark": self.modality.remark(batch)}

        answer = self._of_items(items, mode, _ENCODED)
        return answer["mode"], answer["remark"]

    def _of_items(self, items: tf.Tensor, function: Callable[[Tensors], Tensors], most: int) -> Tensors:
        """Applies a function of a batch to items, some rows at a time: as many as cost `most` tokens if all are as dear as the dearest."""
        batch = self.modality.read(items)
        count = tf.shape(items)[0]
        rows = tf.maximum(1, most // self.modality.width(batch))

        def part(start: tf.Tensor) -> Tensors:
            return function(self.modality.rows(batch, start, rows))

        def body(start: tf.Tensor, done: Tensors) -> tuple[tf.Tensor, Tensors]:
            return start + rows, tf.nest.map_structure(lambda *pair: tf.concat(pair, axis=0), done, part(start))

        first = part(tf.constant(0))
        shapes = tf.nest.map_structure(lambda value: tf.TensorShape([None, *value.shape[1:]]), first)
        _, answer = tf.while_loop(lambda start, _: start < count, body, (rows, first), (tf.TensorShape([]), shapes), parallel_iterations=1)
        return answer

    def _write(self, z: tf.Tensor) -> tf.Tensor:
        """Greedy items, [B, ...]."""
        seed = tf.constant([0, 0])  # of nothing: the most probable word is taken
        return self.modality.show(self.vae.decoder.write(z, seed, self.greedy))

    def _blanked(self, good: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Items, but blank ones where a row is not good."""
        blank = self.modality.blank()
        return tf.where(tf.reshape(good, [-1] + [1] * blank.shape.rank), items, blank)


def _streams(seed: tf.Tensor) -> list[tf.Tensor]:
    """Seeds of z and of words: a row's noise is that of the first item that `Model.generate`, or `respond`, makes of the row's seed."""
    return [stateless.fold(tf.stack([seed, tf.fill(tf.shape(seed), stream)], axis=1), tf.zeros_like(seed)) for stream in (0, 1)]


def _fine(rows: tf.Tensor) -> tf.Tensor:
    return tf.fill([tf.shape(rows)[0]], "")


def _first_problem(problems: list[tuple[tf.Tensor, str]], rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Whether each row is in order, [B], and else what the first thing is that is not."""
    good, status = tf.fill(tf.shape(rows), True), _fine(rows)
    for holds, message in problems:
        status = tf.where(good & ~holds, message, status)
        good &= holds
    return good, status
