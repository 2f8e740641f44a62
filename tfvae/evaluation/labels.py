"""How far codes and posteriors agree with labels that the model never saw.

References:
  Vinh, Epps, Bailey. Information Theoretic Measures for Clusterings Comparison. JMLR 11, 2010 (adjusted mutual information).
  Rosenberg, Hirschberg. V-Measure. EMNLP-CoNLL 2007 (homogeneity, completeness).
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.2.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_mutual_info_score, homogeneity_completeness_v_measure
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tfvae.data.batching import spread
from tfvae.data.corpus import Split
from tfvae.evaluation.baselines import BASELINES
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.subject import Subject

FITTED = 20_000
"""Training examples, at most, that probes and baselines are fitted to."""
MOST_CLUSTERS = 500
"""Clusters of a baseline, at most: many variables make nearly as many joint codes as there are texts."""
_GROUPS = 20  # left out one at a time for standard errors


def labels(subject: Subject) -> Iterator[Figure]:
    """Yields the agreement with each of the corpus's labels; there are none where it has none."""
    train = _fitted(subject)
    encoded = subject.model.encode(train.items) if subject.model.vae.latent.size else {}
    clusterings = dict(_codes(subject.posteriors.codes)) if subject.model.vae.latent.has_codes else {}
    joint = len(np.unique(clusterings["joint"])) if clusterings else 0
    if clusterings:
        yield Figure("codes", joint, estimator="joint codes that the split uses")
    else:
        yield Figure("codes", None, estimator="the prior is no mixture, so there are no codes to hold against labels")
    classes = (len(np.unique(truth)) for truth in train.labels.values())
    sizes = sorted({min(size, MOST_CLUSTERS) for size in (subject.model.vae.latent.num_components, joint, *classes)} - {0, 1})
    known = BASELINES.get(subject.model.modality.unit, {})
    baselines = {
        (name, size): fit(train, subject.data, size, subject)
        for size, (name, fit) in subject.progress(
            "baselines", [(size, baseline) for size in sizes for baseline in known.items()], len(sizes) * len(known)
        )
    }
    for label, truth in subject.data.labels.items():
        for name, codes in clusterings.items():
            yield from agreement(label, name, codes, truth, subject.seed)
        for (name, size), codes in baselines.items():
            how = {"method": known[name].__doc__, "fitted_to": len(train)}
            yield from agreement(label, f"{name} of {size}", codes, truth, subject.seed, **how)
        if encoded:
            yield from _probes(label, encoded, train.labels[label], subject.posteriors.mean, subject.posteriors.codes, truth, subject)


def _fitted(subject: Subject) -> Split:
    """The training texts that probes and baselines are fitted to, spread over the split."""
    train = subject.corpus.train
    return train.take(spread(len(train), FITTED))


def _codes(codes: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the joint code and each variable's, by name, as cluster numbers [N]."""
    yield "joint", np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    if codes.shape[1] > 1:
        for variable in range(codes.shape[1]):
            yield f"variable {variable}", codes[:, variable]


def agreement(label: str, name: str, codes: np.ndarray, truth: np.ndarray, seed: int, **more: Any) -> Iterator[Figure]:
    """Yields how far a clustering agrees with a label, with jackknifed standard errors.

    Args:
      label: the label's name.
      name: the clustering's.
      codes: cluster of each example, [N].
      truth: class of each example, [N].
      seed: of the shuffled baseline.
      **more: settings that the figures shall have.
    """
    settings = {"label": label, "codes": name, "clusters": len(np.unique(codes)), **more}
    measured = {
        "adjusted_mutual_information": "0 for random codes, however many there are",
        "homogeneity": "1 - H(label|code) / H(label): grows with the number of codes",
        "completeness": "1 - H(code|label) / H(code)",
        "v_measure": "harmonic mean of homogeneity and completeness",
    }

    def measure(truth: np.ndarray, codes: np.ndarray) -> np.ndarray:
        return np.array([adjusted_mutual_info_score(truth, codes), *homogeneity_completeness_v_measure(truth, codes)])

    draw = np.random.default_rng(seed)
    shuffled = draw.permutation(codes)
    errors = jackknife(measure, truth, codes, draw.permutation(len(truth)))
    for (key, estimator), value, error in zip(measured.items(), measure(truth, codes), errors, strict=True):
        yield Figure(key, float(value), float(error), estimator=estimator, settings=settings)
        if key == "homogeneity":
            chance = homogeneity_completeness_v_measure(truth, shuffled)[0]
            estimator = "the same of codes dealt out at random: what their number alone gives"
            yield Figure("homogeneity_shuffled", float(chance), estimator=estimator, settings=settings)


def jackknife(measure: Callable[..., np.ndarray], truth: np.ndarray, codes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Returns standard errors of measures of N examples, from leaving out a twentieth of them at a time; NaN for less than two.

    Args:
      measure: of classes [n] and codes [n], shape [F].
      truth: class of each example, [N].
      codes: cluster of each example, [N].
      order: the examples in an order that says nothing, [N].

    References:
      Efron, Stein. The Jackknife Estimate of Variance. Annals of Statistics 9, 1981.
    """
    groups = np.array_split(order, min(_GROUPS, len(order)))
    if len(groups) < 2:
        return np.full_like(measure(truth, codes), math.nan)
    left = np.array([measure(np.delete(truth, group), np.delete(codes, group)) for group in groups])
    return np.sqrt((len(groups) - 1) * left.var(axis=0))


def _probes(
    label: str,
    encoded: Mapping[str, np.ndarray],
    train_truth: np.ndarray,
    mean: np.ndarray,
    codes: np.ndarray,
    truth: np.ndarray,
    subject: Subject,
) -> Iterator[Figure]:
    """Yields the accuracy on the split of what was fitted to training texts."""
    majority = int(np.bincount(train_truth).argmax())
    settings = {"label": label, "fitted_to": len(train_truth)}

    def accuracy(name: str, right: np.ndarray, estimator: str) -> Figure:
        share = float(np.mean(right))
        return Figure(name, share, float(np.sqrt(share * (1 - share) / len(right))), "share", estimator, settings)

    yield accuracy("accuracy_majority", truth == majority, "always the most frequent class")
    if subject.model.vae.latent.has_codes:
        votes = _votes(encoded["codes"], train_truth, codes, majority)
        yield accuracy("accuracy_vote", votes == truth, "the class most frequent among training texts of the same joint code")
    else:
        yield Figure("accuracy_vote", None, estimator="the prior is no mixture, so there are no codes to vote by", settings=settings)
    one_class, no_class = len(np.unique(train_truth)) < 2, not np.isin(truth, train_truth).any()
    if one_class or no_class:
        why = "training texts have one class, so there is nothing to learn" if one_class else "no class of the split is in training"
        yield from (Figure(f"accuracy_{name}", None, estimator=why, settings=settings) for name in ("linear", "mlp"))
        return
    # a class of few examples cannot be in both parts of the training texts
    stops = np.unique(train_truth, return_counts=True)[1].min() >= 10
    probes = {
        "linear": (LogisticRegression(max_iter=1000), "logistic regression on standardized posterior means"),
        "mlp": (
            MLPClassifier((100,), early_stopping=bool(stops), random_state=subject.seed),
            "a network of 100 hidden units on standardized posterior means",
        ),
    }
    for name, (probe, estimator) in probes.items():
        fitted = make_pipeline(StandardScaler(), probe).fit(encoded["mean"], train_truth)
        yield accuracy(f"accuracy_{name}", fitted.predict(mean) == truth, estimator)


def _votes(train_codes: np.ndarray, train_truth: np.ndarray, codes: np.ndarray, majority: int) -> np.ndarray:
    """The class that each example's code stands for; the majority's where training has no such code."""
    known, place = np.unique(train_codes, axis=0, return_inverse=True)
    counts = np.zeros([len(known), train_truth.max() + 1], np.int64)
    np.add.at(counts, (place.ravel(), train_truth), 1)
    meaning = {tuple(code): count.argmax() for code, count in zip(known.tolist(), counts, strict=True)}
    return np.array([meaning.get(tuple(code), majority) for code in codes.tolist()])
