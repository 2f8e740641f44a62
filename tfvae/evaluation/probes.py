"""Classifiers of posteriors: what codes and posterior means tell of a label."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from tfvae.evaluation.accuracy import accuracy, no_accuracy, nothing_to_learn
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.material import Material
from tfvae.evaluation.perceptron import PerceptronClassifier


@dataclasses.dataclass(frozen=True)
class Probe:
    """A classifier of standardized posterior means.

    Attributes:
      make: returns it, by the seed and by whether every class has examples enough for some to be held out.
      how: what it is.
      every: whether it is fitted to all training examples, not to some.
    """

    make: Callable[[int, bool], Any]
    how: str
    every: bool = False


_PROBES: Mapping[str, Probe] = {
    "linear": Probe(lambda seed, enough: LogisticRegression(max_iter=1000), "logistic regression on standardized posterior means"),
    "mlp": Probe(
        lambda seed, enough: MLPClassifier((100,), early_stopping=enough, random_state=seed),
        "a network of 100 hidden units on standardized posterior means",
    ),
}
_OF_UNIT: Mapping[str, Mapping[str, Probe]] = {
    "pixel": {
        "perceptron": Probe(
            lambda seed, enough: PerceptronClassifier(seed=seed),
            "a network of two layers of 1,024 hidden units with dropout on standardized posterior means, as that of Dieng et al. 2019",
            every=True,
        )
    }
}
_FEW = 10  # examples of a class below which it cannot be in both parts of the training examples


class Probes:
    """Classifiers that are fitted to posteriors of training examples."""

    def __init__(self, material: Material) -> None:
        """Fits nothing yet."""
        self._material, self._subject = material, material.subject
        self._probes = {**_PROBES, **_OF_UNIT.get(self._subject.model.modality.unit, {})}

    @functools.cached_property
    def _encoded(self) -> Mapping[str, np.ndarray]:
        return self._subject.model.encode(self._material.train.items)

    @functools.cached_property
    def _mean_of_all(self) -> np.ndarray:
        return self._subject.model.encode(self._subject.corpus.train.items)["mean"]

    def figures(self, label: str) -> Iterator[Figure]:
        """Yields the accuracy for the split of what was fitted to training examples."""
        train_truth, truth = self._material.train.labels[label], self._material.data.labels[label]
        posteriors, count = self._subject.posteriors, len(train_truth)
        majority = int(np.bincount(train_truth).argmax())
        yield accuracy("majority", truth == majority, "always the most frequent class", label, count)
        if self._subject.model.vae.latent.has_codes:
            voted = votes(self._encoded["codes"], train_truth, posteriors.codes, majority)
            yield accuracy("vote", voted == truth, "the class most frequent among training texts of the same joint code", label, count)
        else:
            yield no_accuracy("vote", "the prior is no mixture, so there are no codes to vote by", label, count)
        why = nothing_to_learn(train_truth, truth)
        for name, probe in self._subject.progress(f"probes of {label}", self._probes.items(), len(self._probes)):
            if why:
                yield no_accuracy(name, why, label, count)
                continue
            mean = self._mean_of_all if probe.every else self._encoded["mean"]
            classes = self._subject.corpus.train.labels[label] if probe.every else train_truth
            enough = bool(np.unique(classes, return_counts=True)[1].min() >= _FEW)
            scaler = StandardScaler().fit(mean)
            fitted = probe.make(self._subject.seed, enough).fit(scaler.transform(mean), classes)
            yield accuracy(name, fitted.predict(scaler.transform(posteriors.mean)) == truth, probe.how, label, len(classes))


def votes(train_codes: np.ndarray, train_truth: np.ndarray, codes: np.ndarray, majority: int) -> np.ndarray:
    """Returns the class that each example's code stands for, [N].

    Args:
      train_codes: those of training examples, [M, J].
      train_truth: their classes, [M].
      codes: those of the examples, [N, J].
      majority: the class that a code stands for which no training example has.
    """
    known, place = np.unique(train_codes, axis=0, return_inverse=True)
    counts = np.zeros([len(known), train_truth.max() + 1], np.int64)
    np.add.at(counts, (place.ravel(), train_truth), 1)
    meaning = {tuple(code): count.argmax() for code, count in zip(known.tolist(), counts, strict=True)}
    return np.array([meaning.get(tuple(code), majority) for code in codes.tolist()])
