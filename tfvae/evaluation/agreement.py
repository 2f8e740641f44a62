"""How far codes and other clusters agree with labels that they were made without, with errors.

References:
  Efron, Stein. The Jackknife Estimate of Variance. Annals of Statistics 9, 1981.
  Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.2 (homogeneity).
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfvae.evaluation.contingency import (
    adjusted_mutual_information,
    adjusted_rand_index,
    clustering_accuracy,
    contingency,
    homogeneity_completeness,
    v_measure,
)
from tfvae.evaluation.figure import Figure

MEASURES: Mapping[str, str] = {
    "adjusted_mutual_information": "0 for random codes, however many there are",
    "homogeneity": "1 - H(label|code) / H(label): grows with the number of codes",
    "completeness": "1 - H(code|label) / H(code)",
    "v_measure": "harmonic mean of homogeneity and completeness",
    "normalized_mutual_information": "I(label; code) / mean of H(label) and H(code): another name of the V-measure",
    "adjusted_rand_index": "agreement about which pairs of examples belong together, 0 for random codes",
    "clustering_accuracy": "share of examples whose code is the one matched with their class, in the best matching of one with one",
}
"""The measures, and what they are."""
_GROUPS = 20  # left out one at a time for standard errors


def measures(truth: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Returns the measures of N examples' classes and clusters, numbers from 0 on, in the order of MEASURES."""
    table = contingency(truth, codes)
    homogeneity, completeness = homogeneity_completeness(table)
    v = v_measure(homogeneity, completeness)
    ami, rand, accuracy = (measure(table) for measure in (adjusted_mutual_information, adjusted_rand_index, clustering_accuracy))
    return np.array([ami, homogeneity, completeness, v, v, rand, accuracy])


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
    truth, codes = (np.unique(values, return_inverse=True)[1].ravel() for values in (truth, codes))
    settings = {"label": label, "codes": name, "clusters": int(codes.max()) + 1, **more}
    draw = np.random.default_rng(seed)
    shuffled = draw.permutation(codes)
    errors = jackknife(measures, truth, codes, draw.permutation(len(truth)))
    for (key, estimator), value, error in zip(MEASURES.items(), measures(truth, codes), errors, strict=True):
        yield Figure(key, float(value), float(error), estimator=estimator, settings=settings)
        if key == "homogeneity":
            chance = homogeneity_completeness(contingency(truth, shuffled))[0]
            estimator = "the same of codes dealt out at random: what their number alone gives"
            yield Figure("homogeneity_shuffled", chance, estimator=estimator, settings=settings)


def jackknife(measure: Callable[..., np.ndarray], truth: np.ndarray, codes: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Returns standard errors of measures of N examples, from leaving out a twentieth of them at a time; NaN for less than two.

    Args:
      measure: of classes [n] and codes [n], shape [F].
      truth: class of each example, [N].
      codes: cluster of each example, [N].
      order: the examples in an order that says nothing, [N].
    """
    groups = np.array_split(order, min(_GROUPS, len(order)))
    if len(groups) < 2:
        return np.full_like(measure(truth, codes), math.nan)
    left = np.array([measure(np.delete(truth, group), np.delete(codes, group)) for group in groups])
    return np.sqrt((len(groups) - 1) * left.var(axis=0))
