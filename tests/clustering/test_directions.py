import numpy as np
import scipy.sparse
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.clustering.directions import DirectionClusters


def test_clusters_are_of_directions_however_long():
    draw = np.random.default_rng(0)
    kind = draw.integers(3, size=300)
    directions = np.eye(3)[kind] * [1, -1, 1] + 0.2 * draw.normal(size=(300, 3))
    rows = scipy.sparse.csr_matrix(directions * draw.uniform(0.1, 10, (300, 1)))
    found = DirectionClusters(3, seed=1).fit(rows)
    assert adjusted_mutual_info_score(kind, found.predict(rows)) > 0.95
    np.testing.assert_array_equal(found.predict(rows * 7), found.predict(rows))


def test_more_clusters_than_directions_leave_some_empty():
    rows = scipy.sparse.csr_matrix([[1.0, 0], [2, 0], [0, -1]])
    assert len(np.unique(DirectionClusters(5).fit(rows).predict(rows))) == 2
