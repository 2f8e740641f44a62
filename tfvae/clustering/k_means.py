"""K-means of TF-IDF vectors.

References:
  Salton, Buckley. Term-Weighting Approaches in Automatic Text Retrieval. Information Processing and Management 24, 1988 (TF-IDF).
  Deerwester, Dumais, Furnas, Landauer, Harshman. Indexing by Latent Semantic Analysis. JASIS 41, 1990 (truncated SVD).
  Sculley. Web-Scale K-Means Clustering. WWW 2010 (mini-batches).
"""

from typing import Self

import numpy as np
import scipy.sparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer

DIMENSIONS = 100
"""Dimensions, at most, that rows are reduced to."""
_STARTS = 10


class KMeans:
    """Mini-batch k-means, the best of 10 starts, on TF-IDF vectors (1 + log counts) reduced to 100 dimensions by SVD and normalized.

    The inverse document frequency is log((1 + N) / (1 + df)) + 1. Rows cannot be told apart where there is one, or all are empty: then all
    are in cluster 0.

    Args:
      clusters: how many, K; as many as there are rows at most are made.
      seed: of the SVD and of the starts.

    Raises:
      ValueError: less than one cluster.
    """

    def __init__(self, clusters: int, seed: int = 0) -> None:
        if clusters < 1:
            raise ValueError(f"{clusters} clusters: there must be at least one")
        self.clusters, self.seed = clusters, seed
        self._steps: Pipeline | None = None

    def fit(self, matrix: scipy.sparse.csr_matrix) -> Self:
        """Finds clusters of rows of counts, [N, V].

        Raises:
          ValueError: there is no row.
        """
        count, columns = matrix.shape
        if not count:
            raise ValueError("there is nothing to find clusters of")
        matrix = _positive(matrix)
        if count < 2 or not matrix.nnz:
            self._steps = None
            return self
        # one column cannot be reduced
        reduced = [TruncatedSVD(min(DIMENSIONS, min(count, columns) - 1), random_state=self.seed)] if columns > 1 else []
        means = MiniBatchKMeans(min(self.clusters, count), n_init=_STARTS, random_state=self.seed)
        self._steps = make_pipeline(TfidfTransformer(sublinear_tf=True), *reduced, Normalizer(), means)
        with np.errstate(invalid="ignore", divide="ignore"):  # equal rows have no variance that the SVD could explain a share of
            self._steps.fit(matrix)
        return self

    def predict(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Returns the cluster of each row, int64 [N], of counts [N, V]."""
        if self._steps is None or not matrix.shape[0]:
            return np.zeros(matrix.shape[0], np.int64)
        return self._steps.predict(_positive(matrix)).astype(np.int64)


def _positive(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """The numbers as float64, without zeros that are stored: those would have a logarithm."""
    matrix = scipy.sparse.csr_matrix(matrix, dtype=np.float64, copy=True)
    matrix.eliminate_zeros()
    return matrix
