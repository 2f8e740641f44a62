"""k-means of points."""

import numpy as np
from sklearn.cluster import KMeans

_FITTED = 50_000  # points, at most


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
