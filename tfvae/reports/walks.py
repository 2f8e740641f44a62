"""Walks through the latent space, as sentences."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfvae.evaluation.subject import Subject
from tfvae.reports.space import most_used

_STEPS = 7
_SPREAD = (-2.0, -1.0, 0.0, 1.0, 2.0)  # standard deviations of the aggregate posterior


@dataclasses.dataclass(frozen=True)
class Walk:
    """Sentences on a way.

    Attributes:
      title: what changes on the way.
      rows: the place on the way, and the sentence there.
    """

    title: str
    rows: Sequence[tuple[str, str]]


def interpolations(subject: Subject, count: int = 3) -> list[Walk]:
    """Returns ways from one sentence of the split to another."""
    chosen = _some(subject, 2 * count)
    walks = []
    for start, end in zip(chosen[::2], chosen[1::2], strict=False):
        sentences = subject.model.interpolate(start, end, _STEPS, max_length=subject.longest_generated)
        places = ["start", *[f"{i / (_STEPS - 1):.0%}" for i in range(1, _STEPS - 1)], "end"]
        walks.append(Walk(f"from “{start}” to “{end}”", list(zip(places, sentences, strict=True))))
    return walks


def switches(subject: Subject, information: np.ndarray, count: int = 2) -> list[Walk]:
    """Returns sentences in which one variable takes each component's centre in turn while the rest stays.

    Args:
      subject: a model with codes on a split.
      information: of each variable's code, by which the variables are chosen.
      count: variables.
    """
    latent, model = subject.model.vae.latent, subject.model
    [sentence] = _some(subject, 1)
    z = model.modes([sentence])
    centres = latent.prior_family.mode(latent.component_parameters()).numpy()  # [J, K, D]
    width = latent.size // latent.num_variables
    walks = []
    for variable in most_used(information, count):
        changed = np.repeat(z, latent.num_components, axis=0)
        changed[:, variable * width : (variable + 1) * width] = centres[variable]
        sentences = model.decode(changed, method="greedy", max_length=subject.longest_generated)
        title = f"“{sentence}”, variable {variable} switched from component to component"
        walks.append(Walk(title, [(str(k), text) for k, text in enumerate(sentences)]))
    return walks


def moves(subject: Subject, count: int = 2) -> list[Walk]:
    """Returns sentences along the dimensions of z in which posterior means vary most."""
    mean = subject.posteriors.mean
    [sentence] = _some(subject, 1)
    z = subject.model.modes([sentence])
    walks = []
    for dimension in np.argsort(-mean.std(axis=0), kind="stable")[:count]:
        centre, spread = mean[:, dimension].mean(), mean[:, dimension].std()
        changed = np.repeat(z, len(_SPREAD), axis=0)
        changed[:, dimension] = centre + spread * np.array(_SPREAD)
        sentences = subject.model.decode(changed, method="greedy", max_length=subject.longest_generated)
        places = [f"{step:+.0f} sd" if step else "mean" for step in _SPREAD]
        walks.append(Walk(f"“{sentence}”, dimension {dimension} moved", list(zip(places, sentences, strict=True))))
    return walks


def _some(subject: Subject, count: int) -> list[str]:
    """Sentences of the split of middling length, drawn by the seed; fewer where it has fewer."""
    length = subject.examples.length
    middling = np.flatnonzero((length >= np.quantile(length, 0.25)) & (length <= np.quantile(length, 0.75)))
    order = np.random.default_rng(subject.seed).permutation(middling if len(middling) else len(length))
    chosen = order[:count]
    return [subject.texts.texts[i] for i in chosen]
