"""Clusters of rows by k-means of the points that they become."""

from typing import Self

import numpy as np
import scipy.sparse
from sklearn.cluster import KMeans

_FITTED = 50_000  # points, at most, that k-means is fitted to


class PointClusters:
    """k-means of points on the unit sphere; subclasses say where a row lies.

    Args:
      clusters: how many, K; as many as there are different points at most are made.
      seed: of the points, where something of them is drawn, and of the starts.
      dimensions: of a point.

    Attributes:
      starts: of k-means, of which the best is kept.

    Raises:
      ValueError: less than one cluster.
    """

    starts = 10

    def __init__(self, clusters: int, seed: int, dimensions: int) -> None:
        if clusters < 1:
            raise ValueError(f"clusters = {clusters}: must be at least 1")
        self.clusters, self.seed, self.dimensions = clusters, seed, dimensions
        self._means: KMeans | None = None

    def fit(self, matrix: scipy.sparse.csr_matrix) -> Self:
        """Finds clusters of rows, [N, F].

        Raises:
          ValueError: there is no row.
        """
        if not matrix.shape[0]:
            raise ValueError("there is no text")
        places = self.places(matrix)
        self._means = None if places is None else means_of(places, self.clusters, self.seed, starts=self.starts)
        return self

    def places(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray | None:
        """Learns where rows lie, and returns it, [N, D]; None where there is nothing to tell them apart by."""
        matrix = scipy.sparse.csr_matrix(matrix, dtype=np.float64)
        return self._points(matrix) if self._learn(matrix) else None

    def predict(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Returns the cluster of each row, int64 [N]; all are 0 where there was nothing to tell rows apart by."""
        if self._means is None or not matrix.shape[0]:
            return np.zeros(matrix.shape[0], np.int64)
        return self._means.predict(self._points(scipy.sparse.csr_matrix(matrix, dtype=np.float64))).astype(np.int64)

    def _learn(self, matrix: scipy.sparse.csr_matrix) -> bool:
        """Learns where rows lie; returns whether there is anything to tell them apart by."""
        raise NotImplementedError

    def _points(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Where rows lie, [N, D]."""
        raise NotImplementedError


def means_of(points: np.ndarray, clusters: int, seed: int, *, starts: int) -> KMeans:
    """Returns k-means fitted to points [N, D], or to 50,000 of them where there are more; to as many clusters as there are points, at most.

    Args:
      points: N of them.
      clusters: how many, K.
      seed: of the starts, and of which points are taken.
      starts: of which the best is kept.
    """
    if len(points) > _FITTED:
        points = points[np.random.default_rng(seed).choice(len(points), _FITTED, replace=False)]
    return KMeans(min(clusters, len(np.unique(points, axis=0))), n_init=starts, random_state=seed).fit(points)
