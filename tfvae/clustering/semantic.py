"""Latent semantic analysis: where texts lie by which features they share with others."""

import numpy as np
import scipy.sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd


def semantic_directions(counts: scipy.sparse.csr_matrix, dimensions: int, seed: int) -> np.ndarray:
    """Returns what a row's counts are to be multiplied by for its place, up to its length, [F, D].

    That is the leading right singular vectors of rows of unit length, whose counts are weighted by log((1 + N) / (1 + df)) + 1, each by the
    weight of its feature. Directions beyond the matrix's rank are 0.

    Args:
      counts: of features, a row an example, [N, F].
      dimensions: D.
      seed: of the approximation.

    References:
      Deerwester, Dumais, Furnas, Landauer, Harshman. Indexing by Latent Semantic Analysis. JASIS 41, 1990.
      Halko, Martinsson, Tropp. Finding Structure with Randomness. SIAM Review 53, 2011.
    """
    weight = np.log((1 + counts.shape[0]) / (1 + counts.getnnz(axis=0))) + 1
    found = np.zeros((counts.shape[1], dimensions), np.float32)
    size = min(dimensions, *counts.shape)
    if size and counts.nnz:
        found[:, :size] = randomized_svd(normalize(counts @ scipy.sparse.diags(weight)), size, random_state=seed)[2].T
    return found * weight[:, np.newaxis].astype(np.float32)
