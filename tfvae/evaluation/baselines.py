"""Clusters that one would try first, found without labels: of words' counts, or of pixels."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import sklearn.cluster
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA, LatentDirichletAllocation
from sklearn.pipeline import make_pipeline

from tfvae.clustering.k_means import KMeans
from tfvae.clustering.multinomial_mixture import MultinomialMixture
from tfvae.evaluation.material import Material
from tfvae.modalities.featured_words import FeaturedWords

MOST_CLUSTERS = 500
"""Clusters of a baseline, at most: many variables make nearly as many joint codes as there are texts."""
_PIXELS = 100  # dimensions that images are reduced to
_RESTARTS = 6  # of EM, fewer where there are so many clusters that a start takes seconds


def _k_means(material: Material, size: int) -> np.ndarray:
    """Mini-batch k-means, the best of 10 starts, on TF-IDF vectors (1 + log counts) reduced to 100 dimensions by SVD and normalized."""
    train, texts = material.counts
    return KMeans(size, material.seed).fit(train).predict(texts)


def _topics(material: Material, size: int) -> np.ndarray:
    """The most probable topic of latent Dirichlet allocation, fitted by online variational Bayes to counts of words."""
    train, texts = material.counts
    if material.large:
        rare_enough = train.getnnz(axis=0) <= 0.5 * train.shape[0]
        train, texts = train[:, rare_enough], texts[:, rare_enough]
    if not train.nnz:
        return np.zeros(texts.shape[0], np.int64)
    model = LatentDirichletAllocation(size, learning_method="online", random_state=material.seed)
    return model.fit(train).transform(texts).argmax(-1)


def _mixture(material: Material, size: int) -> np.ndarray:
    """The most probable component of a mixture of multinomials over the words that texts have, fitted by EM, words weighted by IDF."""
    train, texts = material.counts
    if not train.nnz:
        return np.zeros(texts.shape[0], np.int64)
    restarts = max(1, min(_RESTARTS, MOST_CLUSTERS // size))
    return MultinomialMixture(size, restarts=restarts, seed=material.seed).fit(train).predict(texts)


def _k_means_of_pixels(material: Material, size: int) -> np.ndarray:
    """Mini-batch k-means, the best of 10 starts, on intensities reduced to 100 dimensions by principal components."""
    train, images = material.pixels
    if len(train) < 2:
        return np.zeros(len(images), np.int64)
    reduce = PCA(min(_PIXELS, *train.shape), random_state=material.seed)
    means = MiniBatchKMeans(min(size, len(train)), n_init=10, random_state=material.seed)
    return make_pipeline(reduce, means).fit(train).predict(images)


def _k_means_of_features(material: Material, size: int) -> np.ndarray:
    """K-means, the best of 10 starts, on the features that the model itself is given."""
    train, texts = material.features
    return sklearn.cluster.KMeans(min(size, len(train)), n_init=10, random_state=material.seed).fit(train).predict(texts)


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A way to find clusters.

    Attributes:
      find: returns clusters [N] of the split's examples, as many as asked for, fitted to the training examples.
      most: clusters beyond which it takes minutes, and is left out.
    """

    find: Callable[[Material, int], np.ndarray]
    most: int = MOST_CLUSTERS


BASELINES: Mapping[str, Mapping[str, Baseline]] = {
    "word": {"k-means": Baseline(_k_means), "LDA": Baseline(_topics, 200), "EM": Baseline(_mixture)},
    "pixel": {"k-means": Baseline(_k_means_of_pixels)},
}
"""By the unit of an observation, and by name."""
OF_FEATURES: Mapping[str, Baseline] = {"k-means (features)": Baseline(_k_means_of_features)}
"""Where examples have features beside."""


def baselines(material: Material, sizes: Iterable[int]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yields the name of each baseline of each size, what it is, and its clusters [N]."""
    modality = material.subject.model.modality
    known = {**BASELINES.get(modality.unit, {}), **(OF_FEATURES if isinstance(modality, FeaturedWords) else {})}
    wanted = [(size, name) for size in sizes for name, baseline in known.items() if size <= baseline.most]
    for size, name in material.subject.progress("baselines", wanted, len(wanted)):
        yield f"{name} of {size}", str(known[name].find.__doc__), known[name].find(material, size)
