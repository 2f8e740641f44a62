"""Clusters of texts and of their words together, by the singular vectors of which text has which word.

References:
  Dhillon. Co-clustering Documents and Words Using Bipartite Spectral Graph Partitioning. KDD 2001, section 4.
"""

import numpy as np
import scipy.sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from tfvae.clustering.points import PointClusters


class SpectralClusters(PointClusters):
    """k-means of texts in the space of the leading singular vectors of D_t^(-1/2) A D_w^(-1/2), the first, which tells nothing, left out.

    A has how often, or whether, texts have words, D_t its sums by text and D_w by word. Words that go together come to lie together, so two
    texts are near that share no word but whose words share texts.

    Args:
      clusters: how many, K.
      seed: of the singular vectors and of the starts.
      dimensions: singular vectors, after the first; 0: as many as clusters.

    Raises:
      ValueError: less than one cluster.
    """

    def __init__(self, clusters: int, seed: int = 0, dimensions: int = 0) -> None:
        super().__init__(clusters, seed, dimensions or clusters)

    def _learn(self, matrix: scipy.sparse.csr_matrix) -> bool:
        use = np.asarray(matrix.sum(axis=0))[0]
        self._weights = np.divide(1, np.sqrt(use), out=np.zeros_like(use), where=use > 0)
        size = min(self.dimensions, np.count_nonzero(use) - 1, matrix.shape[0] - 1)
        if size < 1:
            return False
        leading = randomized_svd(self._scaled(matrix), size + 1, random_state=self.seed)[2]
        self._vectors = leading[1:].T
        return True

    def _scaled(self, matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
        """D_t^(-1/2) A D_w^(-1/2)."""
        length = np.sqrt(np.asarray(matrix.sum(axis=1))[:, 0])
        return scipy.sparse.diags(1 / np.maximum(length, 1e-9)) @ matrix @ scipy.sparse.diags(self._weights)

    def _points(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Where rows lie, on the unit sphere; at its centre if nothing is known of them."""
        return normalize(self._scaled(matrix) @ self._vectors)
