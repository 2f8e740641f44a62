"""Clusters of points whose neighbours are alike.

References:
  Ng, Jordan, Weiss. On Spectral Clustering: Analysis and an Algorithm. NIPS 2001.
  von Luxburg. A Tutorial on Spectral Clustering. Statistics and Computing 17, 2007, section 2.2 (k-nearest neighbour graphs).
"""

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

_FITTED = 20_000  # points, at most, of the graph: the cost grows with their square
_NEIGHBOURS, _VOTERS = 30, 10


class Neighbours:
    """The nearest neighbours on the sphere, among 20,000 of the rows at most, spread evenly.

    Args:
      matrix: the rows, [N, F].
    """

    def __init__(self, matrix: scipy.sparse.csr_matrix | np.ndarray) -> None:
        rows = _on_sphere(matrix)
        self.places = np.linspace(0, len(rows) - 1, min(len(rows), _FITTED)).astype(int)
        self.rows = rows[self.places]
        self._near = NearestNeighbors().fit(self.rows)

    def graph(self) -> scipy.sparse.csr_matrix:
        """Returns which rows are among each other's 30 nearest, itself besides, symmetric [M, M]."""
        graph = self._near.kneighbors_graph(self.rows, min(_NEIGHBOURS, len(self.rows) - 1) + 1)  # each is its own neighbour too
        return (graph + graph.T) / 2

    def nearest(self, matrix: scipy.sparse.csr_matrix | np.ndarray, count: int) -> np.ndarray:
        """Returns the numbers of each row's nearest of those kept, the nearest first, int [N, count]; `places` has their places."""
        return self._near.kneighbors(_on_sphere(matrix), min(count, len(self.rows)), return_distance=False)


class NeighbourClusters:
    """Spectral clustering of the graph of nearest neighbours on the sphere; a point that is not in it goes with most of its neighbours.

    Args:
      count: clusters.
      seed: of what is drawn.
    """

    def __init__(self, count: int, seed: int = 0) -> None:
        self.count, self.seed = count, seed

    def fit(self, matrix: scipy.sparse.csr_matrix | np.ndarray) -> "NeighbourClusters":
        """Finds clusters of rows, [N, F]."""
        self._neighbours = Neighbours(matrix)
        size = len(self._neighbours.rows)
        self.labels = np.zeros(size, np.int64)
        if self.count < 2 or size <= self.count + 1:
            self.labels = np.arange(size) % self.count
            return self
        graph = self._neighbours.graph()
        scale = scipy.sparse.diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
        start = np.random.default_rng(self.seed).normal(size=size)
        vectors = scipy.sparse.linalg.eigsh(scale @ graph @ scale, self.count, which="LA", v0=start)[1]
        self.labels = KMeans(self.count, n_init=10, random_state=self.seed).fit_predict(normalize(vectors))
        return self

    def predict(self, matrix: scipy.sparse.csr_matrix | np.ndarray) -> np.ndarray:
        """Returns the cluster of each row, int [N]: that of most of its neighbours, the nearest's where several are most."""
        return self.predict_by_neighbours(matrix)[0]

    def predict_by_neighbours(self, matrix: scipy.sparse.csr_matrix | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns what `predict` does, and the rows that voted: numbers of those that `fit` was given, int [N, k], itself among them."""
        near = self._neighbours.nearest(matrix, _VOTERS)
        votes = np.zeros((len(near), self.count))
        weight = 1 + 1e-3 / (1 + np.arange(near.shape[1]))
        np.add.at(votes, (np.arange(len(near))[:, np.newaxis], self.labels[near]), weight)
        return votes.argmax(axis=1), self._neighbours.places[near]


def _on_sphere(matrix: scipy.sparse.csr_matrix | np.ndarray) -> np.ndarray:
    dense = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    return normalize(np.asarray(dense, np.float32))
