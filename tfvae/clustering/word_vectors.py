"""Clusters of texts by vectors of their words, which are learned from which words share texts.

References:
  Levy, Goldberg. Neural Word Embedding as Implicit Matrix Factorization. NIPS 2014, sections 3 and 4.
  Arora, Liang, Ma. A Simple but Tough-to-Beat Baseline for Sentence Embeddings. ICLR 2017 (weighted means, less what all share).
"""

import numpy as np
import scipy.sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd

from tfvae.clustering.points import PointClusters


class WordVectorClusters(PointClusters):
    """k-means of texts, each the mean of its words' vectors by inverse document frequency, less the mean of all texts, of unit length.

    Words' vectors are U S^(1/2), of unit length, of the singular value decomposition of their positive pointwise mutual information within
    texts, a word sharing each of its texts with itself. So texts are near that say alike things in other words. The inverse document
    frequency is log((1 + N) / (1 + df)) + 1.

    Args:
      clusters: how many, K.
      seed: of the vectors and of the starts.
      dimensions: of a vector, at most.

    Raises:
      ValueError: less than one cluster.
    """

    starts = 5

    def __init__(self, clusters: int, seed: int = 0, dimensions: int = 150) -> None:
        super().__init__(clusters, seed, dimensions)

    def _learn(self, matrix: scipy.sparse.csr_matrix) -> bool:
        frequency = np.asarray(matrix.sum(axis=0))[0]
        size = min(self.dimensions, int(np.count_nonzero(frequency)) - 1)
        if size < 1:
            return False
        left, values, _ = randomized_svd(positive_information(matrix), size, random_state=self.seed)
        vectors = normalize(left * np.sqrt(values))
        self._vectors = vectors * (np.log((1 + matrix.shape[0]) / (1 + frequency)) + 1)[:, np.newaxis]
        self._centre = self._mean_vectors(matrix).mean(axis=0)
        return True

    def _mean_vectors(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """The mean of each text's words' vectors, of unit length, [N, D]."""
        return normalize(matrix @ self._vectors)

    def _points(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        return normalize(self._mean_vectors(matrix) - self._centre)


def positive_information(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Returns max(0, log p(v, w) / (p(v) p(w))), [V, V], of words that share rows, each row a text's words, [N, V]."""
    together = scipy.sparse.coo_matrix(matrix.T @ matrix)
    alone = np.asarray(together.sum(axis=1))[:, 0]
    information = np.log(together.data * alone.sum() / (alone[together.row] * alone[together.col]))
    answer = scipy.sparse.csr_matrix((np.maximum(information, 0), (together.row, together.col)), together.shape)
    answer.eliminate_zeros()
    return answer
