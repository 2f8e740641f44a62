"""Clusters that one would try first: of words' counts, or of pixels."""

from collections.abc import Callable, Mapping

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA, LatentDirichletAllocation, TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from tfvae.data.corpus import Split
from tfvae.data.vocabulary import split_words
from tfvae.evaluation.subject import Subject

_SVD = 100  # dimensions that vectors are reduced to
_LARGE = 1000  # training texts from which on rare words are left out, and by LDA common ones


def _words(split: Split, subject: Subject) -> list[list[str]]:
    data = subject.config.data
    words = split_words(split.items, lowercase=data.lowercase, split_punctuation=data.split_punctuation)
    return [[word.decode() for word in text] for text in words.to_list()]


def _rare(train: Split) -> int:
    """Texts that a word must be in for the baselines to count it."""
    return 2 if len(train) >= _LARGE else 1


def _k_means(train: Split, texts: Split, size: int, subject: Subject) -> np.ndarray:
    """Mini-batch k-means, the best of 10 starts, on TF-IDF vectors (1 + log counts) reduced to 100 dimensions by SVD and normalized."""
    if len(train) < 2:
        return np.zeros(len(texts), np.int64)
    counts = TfidfVectorizer(analyzer=list, min_df=_rare(train), sublinear_tf=True)
    vectors = counts.fit_transform(_words(train, subject))
    dimensions = max(1, min(_SVD, min(vectors.shape) - 1))
    reduce = make_pipeline(TruncatedSVD(dimensions, random_state=subject.seed), Normalizer())
    means = MiniBatchKMeans(min(size, len(train)), n_init=10, random_state=subject.seed).fit(reduce.fit_transform(vectors))
    return means.predict(reduce.transform(counts.transform(_words(texts, subject))))


def _topics(train: Split, texts: Split, size: int, subject: Subject) -> np.ndarray:
    """The most probable topic of latent Dirichlet allocation, fitted by online variational Bayes to counts of words."""
    counts = CountVectorizer(analyzer=list, min_df=_rare(train), max_df=0.5 if len(train) >= _LARGE else 1.0)
    model = LatentDirichletAllocation(size, learning_method="online", random_state=subject.seed)
    model.fit(counts.fit_transform(_words(train, subject)))
    return model.transform(counts.transform(_words(texts, subject))).argmax(-1)


def _k_means_of_pixels(train: Split, images: Split, size: int, subject: Subject) -> np.ndarray:
    """Mini-batch k-means, the best of 10 starts, on intensities reduced to 100 dimensions by principal components."""
    vectors, others = (np.asarray(split.items, np.float32).reshape(len(split), -1) / 255 for split in (train, images))
    if len(train) < 2:
        return np.zeros(len(images), np.int64)
    reduce = PCA(min(_SVD, *vectors.shape), random_state=subject.seed)
    means = MiniBatchKMeans(min(size, len(train)), n_init=10, random_state=subject.seed).fit(reduce.fit_transform(vectors))
    return means.predict(reduce.transform(others))


Baseline = Callable[[Split, Split, int, Subject], np.ndarray]
BASELINES: Mapping[str, Mapping[str, Baseline]] = {
    "word": {"k-means": _k_means, "LDA": _topics},
    "pixel": {"k-means": _k_means_of_pixels},
}
"""Clusters [N] of a split's items by as many clusters, fitted to training items; by the unit of an observation, and by name."""
