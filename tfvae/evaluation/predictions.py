"""Labels that supervised codes: how often the model says them right, beside what is said without it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, f1_score

from tfvae.data.batching import spread
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.material import Material
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.supervised import FEATURES, SIMPLER, predict_classes
from tfvae.models.labels import of_classes
from tfvae.training.supervision import supervision_of

FITTED = 100_000
"""Labelled training examples, at most, that the classifiers beside are taught."""
CONFUSION = "prediction_confusion"
"""The figure that counts examples by their class and the predicted one."""
_LEVEL = 2  # standard errors of a difference within which it says nothing


def predictions(subject: Subject) -> Iterator[Figure]:
    """Yields accuracy, macro-averaged F1 and confusions of each label, beside the most frequent class and linear classifiers.

    The classifiers read the examples themselves and are taught the same training labels as the model was. F1 is a mean over the classes
    that the split has or that are predicted.
    """
    supervision = supervision_of(subject.config, subject.corpus)
    training, truths = supervision.training_codes(subject.corpus.train), supervision.codes(subject.data)
    for name, label in subject.model.labels.items():
        there = truths[name] >= 0
        if not np.any(there):
            yield Figure("prediction_accuracy", None, estimator="no example of the split has the label", settings={"label": name})
            continue
        labelled = np.flatnonzero(training[name] >= 0)
        truth, own = truths[name][there], of_classes(label, subject.posteriors.probabilities).argmax(axis=1)[there]
        settings = {"label": name, "fitted_to": len(labelled)}
        others = list(_others(subject, training[name], labelled[spread(len(labelled), FITTED)]))
        remark = "; ".join(_fares(own == truth, found[there] == truth, title) for _, title, found, _ in others)
        yield _accuracy("prediction_accuracy", own == truth, "the most probable class by the code of its variable", settings, remark)
        yield _f1("prediction_macro_f1", truth, own, settings)
        for other, title, found, count in others:
            how = f"{title}, of the same labels"
            yield _accuracy(f"prediction_accuracy_{other}", found[there] == truth, how, {"label": name, "fitted_to": count})
            yield _f1(f"prediction_macro_f1_{other}", truth, found[there], {"label": name, "fitted_to": count})
        table = confusion_matrix(truth, own, labels=np.arange(len(label.classes)))
        how = "rows are classes, columns predictions"
        yield Figure(CONFUSION, table, unit="examples", estimator=how, settings={**settings, "classes": list(label.classes)})


def _others(subject: Subject, codes: np.ndarray, chosen: np.ndarray) -> Iterator[tuple[str, str, np.ndarray, int]]:
    """Yields what predicts without the model: a name, what it is, its answers for the split [N], and how many labels it was taught."""
    taught = codes[chosen]
    yield "majority", "the most frequent class", np.full(len(subject.data), np.bincount(taught).argmax()), len(taught)
    unit = subject.model.modality.unit
    known = [table[unit] for table in ([SIMPLER, FEATURES] if subject.corpus.ordered else [FEATURES]) if unit in table]
    if known and len(np.unique(taught)) > 1:
        material = Material(subject, chosen)
        for features in known:
            found = predict_classes(*features.make(material), taught)
            yield features.name, f"logistic regression on {features.how}", found, len(taught)


def _accuracy(name: str, right: np.ndarray, how: str, settings: dict[str, Any], remark: str = "") -> Figure:
    share = float(np.mean(right))
    return Figure(name, share, float(np.sqrt(share * (1 - share) / len(right))), "share", how, settings, remark)


def _f1(name: str, truth: np.ndarray, found: np.ndarray, settings: dict[str, Any]) -> Figure:
    return Figure(name, float(f1_score(truth, found, average="macro", zero_division=0)), None, "", "mean of the classes' F1", settings)


def _fares(own: np.ndarray, other: np.ndarray, title: str) -> str:
    """A sentence on the share of examples that are right, bool [N], held against another's; errors are of pairs."""
    lead = own.astype(float) - other
    error = lead.std() / np.sqrt(len(lead))
    word = "is level with" if abs(lead.mean()) <= _LEVEL * error else "wins against" if lead.mean() > 0 else "loses to"
    return f"{word} {title.partition(' (')[0]} ({other.mean():.3f})"
