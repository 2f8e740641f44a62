"""The groups of figures of an evaluation: what makes each, what it depends on, and what it needs."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping

from tfvae.auxiliaries.policy import PolicyLoss
from tfvae.evaluation.answers import answers
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.generation import reconstruction, samples
from tfvae.evaluation.held_answers import held_answers
from tfvae.evaluation.images import pixels
from tfvae.evaluation.labels import labels
from tfvae.evaluation.latent_use import latent_use
from tfvae.evaluation.likelihood import likelihood
from tfvae.evaluation.predictions import predictions
from tfvae.evaluation.refinement import refinement
from tfvae.evaluation.reverse_perplexity import reverse_perplexity, reverse_perplexity_real
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.topics import topics
from tfvae.evaluation.word_order import word_order


@dataclasses.dataclass(frozen=True)
class Metric:
    """A group of figures.

    Attributes:
      function: yields them.
      depends: the evaluation's settings that they depend on: with others unchanged they need not be computed again.
      needs: what of NEEDS the model and the split must have.
      usual: whether it is computed unless others are named.
    """

    function: Callable[[Subject], Iterator[Figure]]
    depends: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    usual: bool = True


NEEDS: Mapping[str, tuple[Callable[[Subject], bool], Callable[[Subject], str]]] = {
    "words": (lambda subject: subject.model.modality.unit == "word", lambda subject: "its examples are no texts"),
    "pixels": (lambda subject: subject.model.modality.unit == "pixel", lambda subject: "its examples are no images"),
    "order": (lambda subject: subject.model.vae.decoder.ordered, lambda subject: "its decoder knows no order of words"),
    "topics": (
        lambda subject: subject.model.vae.latent.has_codes or not subject.model.vae.decoder.ordered,
        lambda subject: "this model has neither codes nor a decoder of bags of words, so there are no topics",
    ),
    "labels": (lambda subject: bool(subject.data.labels), lambda subject: f"the corpus {subject.config.data.name} has no labels"),
    "supervised": (
        lambda subject: bool(subject.model.labels),
        lambda subject: "no label supervised its codes (--config.objective.labels), so it predicts none",
    ),
    "z": (lambda subject: bool(subject.model.vae.latent.size), lambda subject: "this model has no latent variable"),
    "prior": (lambda subject: subject.model.vae.latent.has_prior, lambda subject: "this model has no prior to draw from"),
    "policy": (
        lambda subject: any(isinstance(part, PolicyLoss) for part in subject.model.vae.auxiliaries),
        lambda subject: "this model answers nothing: it has no policy",
    ),
    "refined": (
        lambda subject: subject.model.vae.inference.iterates,
        lambda subject: "its posteriors are the encoder's word: no steps refine them",
    ),
    "test": (
        lambda subject: subject.split == "test",
        lambda subject: "its language models are trained on the training split and selected on validation: take --split=test",
    ),
}
"""What a group may need: whether it is there, and else why the group does not apply."""
_OF_EXAMPLES = ("words", "pixels", "order", "topics")

METRICS: Mapping[str, Metric] = {
    "likelihood": Metric(likelihood, ("seed", "samples", "sentences")),
    "latent": Metric(latent_use, ("seed",), ("z",)),
    "labels": Metric(labels, ("seed",), ("labels", "z")),
    "reconstruction": Metric(reconstruction, (), ("words", "order", "z")),
    "samples": Metric(samples, ("seed", "generated"), ("words", "order", "prior")),
    "pixels": Metric(pixels, ("seed",), ("pixels", "z"), usual=False),
    "topics": Metric(topics, ("seed",), ("words", "topics", "z"), usual=False),
    "predictions": Metric(predictions, ("seed",), ("supervised", "labels", "z"), usual=False),
    "refinement": Metric(refinement, ("seed", "sentences"), ("refined",), usual=False),
    "word_order": Metric(word_order, ("seed",), ("words", "order", "z"), usual=False),
    "reverse_perplexity": Metric(reverse_perplexity, ("seed", "generated"), ("words", "order", "prior", "test"), usual=False),
    "reverse_perplexity_real": Metric(reverse_perplexity_real, ("seed", "generated"), ("words", "order", "test"), usual=False),
    "answers": Metric(answers, ("seed", "word_vectors"), ("policy",), usual=False),
    "held_answers": Metric(held_answers, ("seed", "sentences", "generated"), ("policy", "test"), usual=False),
}
"""Groups of figures by name, GROUPS, in the order in which they are computed."""

USUAL = tuple(name for name, metric in METRICS.items() if metric.usual)
"""Groups that are computed for sentences unless others are named; reverse perplexity trains language models, and takes longer than all."""
_INSTEAD = ("pixels", "topics")  # of those, where some make no sense


def usual(subject: Subject) -> tuple[str, ...]:
    """Returns the groups that are computed for a model unless others are named: those that make sense for what its examples are."""
    found = [name for name in USUAL if not _of_other_examples(name, subject)]
    if len(found) < len(USUAL):
        found += [name for name in _INSTEAD if not _of_other_examples(name, subject)]
    return (*found, *(name for name in ("predictions", "refinement", "answers") if not reason_absent(name, subject)))


def _of_other_examples(name: str, subject: Subject) -> bool:
    return any(need in _OF_EXAMPLES and not NEEDS[need][0](subject) for need in METRICS[name].needs)


def reason_absent(name: str, subject: Subject) -> str:
    """Returns why a group of figures does not apply; empty where it does."""
    for need in METRICS[name].needs:
        there, reason = NEEDS[need]
        if not there(subject):
            return reason(subject)
    return ""
