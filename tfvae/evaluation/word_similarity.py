"""How alike texts are by vectors of their words.

References:
  Liu et al. How NOT To Evaluate Your Dialogue System. EMNLP 2016, section 3.2: greedy matching, averages and extrema.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from tfvae.clustering.word_vectors import positive_information
from tfvae.data.vocabulary import RESERVED

Vectors = Mapping[str, np.ndarray]


def similarities(written: Sequence[str], references: Sequence[str], vectors: Vectors) -> tuple[dict[str, np.ndarray], int]:
    """Returns the similarities of texts to a reference each, cosines, by name; and of how many pairs.

    Words without a vector do not count, and neither do pairs of which one text has no other words.
    """
    pairs = [(_rows(text, vectors), _rows(other, vectors)) for text, other in zip(written, references, strict=True)]
    known = [(text, other) for text, other in pairs if len(text) and len(other)]
    measures = {"average": _average, "extrema": _extrema, "greedy": _greedy}
    return {name: np.array([measure(*pair) for pair in known]) for name, measure in measures.items()}, len(known)


def learned_vectors(texts: Sequence[str], seed: int, dimensions: int = 150) -> Vectors:
    """Returns vectors of words by which texts they share: U S^(1/2) of the decomposition of their positive pointwise mutual information.

    References:
      Levy, Goldberg. Neural Word Embedding as Implicit Matrix Factorization. NIPS 2014, sections 3 and 4.
    """
    counter = CountVectorizer(analyzer=str.split, binary=True, dtype=np.float64)
    matrix = counter.fit_transform(texts)
    size = min(dimensions, matrix.shape[1] - 1)
    if size < 1:
        return {}
    left, values, _ = randomized_svd(positive_information(matrix), size, random_state=seed)
    return dict(zip(counter.get_feature_names_out(), normalize(left * np.sqrt(values)), strict=True))


def _rows(text: str, vectors: Vectors) -> np.ndarray:
    found = [vectors[word] for word in text.split() if word in vectors and word not in RESERVED]
    return np.stack(found) if found else np.zeros([0, 0])


def _average(text: np.ndarray, other: np.ndarray) -> float:
    return _cosine(text.mean(axis=0), other.mean(axis=0))


def _extrema(text: np.ndarray, other: np.ndarray) -> float:
    """Of the numbers of greatest magnitude, dimension by dimension."""
    return _cosine(*(np.take_along_axis(rows, np.abs(rows).argmax(axis=0)[np.newaxis], axis=0)[0] for rows in (text, other)))


def _greedy(text: np.ndarray, other: np.ndarray) -> float:
    """Each word's best match, the mean over words and both directions."""
    cosines = normalize(text) @ normalize(other).T
    return float((cosines.max(axis=1).mean() + cosines.max(axis=0).mean()) / 2)


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
