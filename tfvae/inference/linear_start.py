"""What a linear classifier learns of the examples whose codes are known, before the rest is trained."""

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

_LEAST = 3  # examples that a feature must be in
_STRENGTH = 3.0  # inverse of the penalty's weight, for features of length 1
_UNKNOWN = -5.0  # the shift of codes of which no example is known
_UPDATES = 300


def frequent(counts: scipy.sparse.csr_matrix, most: int) -> np.ndarray:
    """Returns which features [N, F] are in most rows, and in three of them at least, int [n], n <= most, the most frequent first."""
    frequency = counts.getnnz(axis=0)
    order = np.argsort(-frequency, kind="stable")[:most]
    return order[frequency[order] >= min(_LEAST, counts.shape[0])]


def taught(features: scipy.sparse.csr_matrix, codes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Fits a penalised logistic regression of codes.

    Args:
      features: of examples, [N, F].
      codes: of examples, int [N], less than `count`, -1 where that is not known.
      count: K.

    Returns:
      what a feature adds to logits, [F, K], and what is added to all, [K]; 0 where less than two codes are known.
    """
    slopes, shift = np.zeros((features.shape[1], count), np.float32), np.zeros(count, np.float32)
    rows = codes >= 0
    classes = np.unique(codes[rows])
    if len(classes) < 2:
        return slopes, shift
    fitted = LogisticRegression(C=_STRENGTH, max_iter=_UPDATES).fit(features[rows], codes[rows])
    of_class, of_all = fitted.coef_, fitted.intercept_
    if len(classes) == 2:  # of which one has a row, the second less the first
        of_class, of_all = np.concatenate([-of_class, of_class]) / 2, np.concatenate([-of_all, of_all]) / 2
    slopes[:, classes] = of_class.T
    shift[:] = _UNKNOWN
    shift[classes] = of_all
    return slopes, shift
