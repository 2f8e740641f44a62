"""Walks through the latent space, as items."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfvae.evaluation.subject import Subject
from tfvae.reports.space import most_used

_STEPS = 7
_SPREAD = (-2.0, -1.0, 0.0, 1.0, 2.0)  # standard deviations of the aggregate posterior


@dataclasses.dataclass(frozen=True)
class Walk:
    """Items on a way.

    Attributes:
      title: what changes on the way.
      rows: the place on the way, and the item there.
    """

    title: str
    rows: Sequence[tuple[str, Any]]


def interpolations(subject: Subject, count: int = 3) -> list[Walk]:
    """Returns ways from one item of the split to another."""
    items, named = _some(subject, 2 * count)
    walks = []
    for i in range(0, len(items) - 1, 2):
        on_the_way = subject.model.interpolate(items[i], items[i + 1], _STEPS, **subject.limits)
        places = ["start", *[f"{i / (_STEPS - 1):.0%}" for i in range(1, _STEPS - 1)], "end"]
        walks.append(Walk(f"from {named[i]} to {named[i + 1]}", list(zip(places, on_the_way, strict=True))))
    return walks


def switches(subject: Subject, information: np.ndarray, count: int = 2) -> list[Walk]:
    """Returns items in which one variable takes each component's centre in turn while the rest stays.

    Args:
      subject: a model with codes on a split.
      information: of each variable's code, by which the variables are chosen.
      count: variables.
    """
    latent, model = subject.model.vae.latent, subject.model
    items, [named] = _some(subject, 1)
    z = model.modes(items)
    centres = latent.component_centres()  # [J, K, D]
    walks = []
    for variable in most_used(information, count):
        changed = np.repeat(z, latent.num_components, axis=0)
        changed[:, latent.code_columns(variable)] = centres[variable]
        made = model.decode(changed, method="greedy", **subject.limits)
        title = f"{named}, variable {variable} switched from component to component"
        walks.append(Walk(title, [(str(k), item) for k, item in enumerate(made)]))
    return walks


def moves(subject: Subject, count: int = 2) -> list[Walk]:
    """Returns items along the dimensions of z in which posterior means vary most."""
    mean = subject.posteriors.mean
    items, [named] = _some(subject, 1)
    z = subject.model.modes(items)
    walks = []
    free = np.flatnonzero(np.broadcast_to(subject.model.vae.latent.moves_freely, mean.shape[1]))
    for dimension in free[np.argsort(-mean[:, free].std(axis=0), kind="stable")[:count]]:
        centre, spread = mean[:, dimension].mean(), mean[:, dimension].std()
        changed = np.repeat(z, len(_SPREAD), axis=0)
        changed[:, dimension] = centre + spread * np.array(_SPREAD)
        made = subject.model.decode(changed, method="greedy", **subject.limits)
        places = [f"{step:+.0f} sd" if step else "mean" for step in _SPREAD]
        walks.append(Walk(f"{named}, dimension {dimension} moved", list(zip(places, made, strict=True))))
    return walks


def _some(subject: Subject, count: int) -> tuple[list[Any], list[str]]:
    """Items of the split of middling cost, drawn by the seed, fewer where it has fewer; and what they are called."""
    cost = subject.examples.cost
    middling = np.flatnonzero((cost >= np.quantile(cost, 0.25)) & (cost <= np.quantile(cost, 0.75)))
    order = np.random.default_rng(subject.seed).permutation(middling if len(middling) else len(cost))
    chosen = order[:count]
    items, modality = [subject.data.items[i] for i in chosen], subject.model.modality
    return items, [modality.quoted(caption) for caption in modality.captions(items, chosen.tolist())]
