"""How far codes and posteriors agree with labels that the model never saw, beside what is found without a model."""

from collections.abc import Iterator

import numpy as np

from tfvae.evaluation.agreement import agreement
from tfvae.evaluation.baselines import MOST_CLUSTERS, baselines
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.material import Material
from tfvae.evaluation.probes import Probes
from tfvae.evaluation.rules import rules
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.supervised import Supervised

_BINS = 10  # of a rule that can make any number of clusters, where there are no components


def labels(subject: Subject) -> Iterator[Figure]:
    """Yields the agreement with each of the corpus's labels; there are none where it has none."""
    material, latent = Material(subject), subject.model.vae.latent
    clusterings = dict(_codes(subject.posteriors.codes)) if latent.has_codes else {}
    joint = len(np.unique(clusterings["joint"])) if clusterings else 0
    if clusterings:
        yield Figure("codes", joint, estimator="joint codes that the split uses")
    else:
        yield Figure("codes", None, estimator="the prior is no mixture, so there are no codes to hold against labels")
    classes = (len(np.unique(truth)) for truth in material.train.labels.values())
    sizes = sorted({min(size, MOST_CLUSTERS) for size in (latent.num_components, joint, *classes)} - {0, 1})
    others = [*baselines(material, sizes), *rules(material, latent.num_components if latent.has_codes else _BINS)]
    probes, supervised = Probes(material), Supervised(material)
    for label, truth in subject.data.labels.items():
        for name, codes in clusterings.items():
            yield from agreement(label, name, codes, truth, subject.seed)
        for name, method, codes in others:
            yield from agreement(label, name, codes, truth, subject.seed, method=method, fitted_to=len(material.train))
        if latent.size:
            yield from probes.figures(label)
        yield from supervised.figures(label)


def _codes(codes: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the joint code and each variable's, by name, as cluster numbers [N]."""
    yield "joint", np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    if codes.shape[1] > 1:
        for variable in range(codes.shape[1]):
            yield f"variable {variable}", codes[:, variable]
