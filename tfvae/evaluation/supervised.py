"""Classifiers of the examples themselves, taught a label: how much of it could be known."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from tfvae.evaluation.accuracy import accuracy, no_accuracy, nothing_to_learn
from tfvae.evaluation.agreement import agreement
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.material import Material

_PIXELS = 100  # dimensions that images are reduced to


@dataclasses.dataclass(frozen=True)
class Features:
    """What of examples logistic regression reads.

    Attributes:
      name: of its accuracy, behind "accuracy_".
      title: of its predictions, as clusters.
      make: returns features of the training examples and of the split's, [M, D] and [N, D].
      how: what they are.
    """

    name: str
    title: str
    make: Callable[[Material], tuple[Any, Any]]
    how: str


def _tfidf(material: Material, order: int = 2) -> tuple[Any, Any]:
    train, texts = material.count(order if material.subject.corpus.ordered else 1)
    if not train.shape[1]:
        return train, texts
    weigh = TfidfTransformer(sublinear_tf=True).fit(train)
    return weigh.transform(train), weigh.transform(texts)


def _pixels(material: Material) -> tuple[Any, Any]:
    train, images = material.pixels
    reduce = PCA(min(_PIXELS, *train.shape), random_state=material.seed).fit(train)
    return reduce.transform(train), reduce.transform(images)


FEATURES: Mapping[str, Features] = {
    "word": Features("tfidf", "supervised TF-IDF", _tfidf, "TF-IDF of words and, in texts, of pairs of neighbours (1 + log counts)"),
    "pixel": Features("pixels", "supervised pixels", _pixels, "intensities reduced to 100 dimensions by principal components"),
}
"""By the unit of an observation."""
SIMPLER: Mapping[str, Features] = {
    "word": Features("tfidf_words", "supervised words", functools.partial(_tfidf, order=1), "TF-IDF of words alone (1 + log counts)"),
}
"""Of examples that have an order: without it."""


class Supervised:
    """Logistic regression that is taught labels of training examples by what the examples themselves are."""

    def __init__(self, material: Material) -> None:
        """Fits nothing yet."""
        self._material = material
        self._known = FEATURES.get(material.subject.model.modality.unit)

    @functools.cached_property
    def _features(self) -> tuple[Any, Any]:
        assert self._known is not None
        return self._known.make(self._material)

    def figures(self, label: str) -> Iterator[Figure]:
        """Yields the accuracy for the split, and how far what is predicted agrees with the label: a height for codes to be seen against."""
        if self._known is None:
            return
        train_truth, truth = self._material.train.labels[label], self._material.data.labels[label]
        if why := nothing_to_learn(train_truth, truth):
            yield no_accuracy(self._known.name, why, label, len(train_truth))
            return
        predicted = predict_classes(*self._features, train_truth)
        how, count = f"logistic regression on {self._known.how}", len(train_truth)
        yield accuracy(self._known.name, predicted == truth, how, label, count)
        method = f"The class that {how} predicts."
        yield from agreement(label, self._known.title, predicted, truth, self._material.seed, method=method, fitted_to=count)


def predict_classes(train: Any, data: Any, train_truth: np.ndarray) -> np.ndarray:
    """Returns the classes [N] of features [N, D] by logistic regression on features [M, D] of training examples of classes [M]."""
    if not train.shape[1]:
        return np.full(data.shape[0], np.bincount(train_truth).argmax())
    return LogisticRegression(max_iter=1000).fit(train, train_truth).predict(data)
