import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.clustering import neighbours
from tfvae.clustering.neighbours import NeighbourClusters


def arcs(count, rng):
    """Points of three arcs around an axis, long and thin: k-means of three cuts them."""
    truth = rng.integers(3, size=count)
    angle = rng.uniform(0, 2.8, count)
    height = np.array([-1.0, 0.0, 1.0])[truth] + 0.03 * rng.normal(size=count)
    return np.stack([np.cos(angle), np.sin(angle), height], axis=1), truth


def test_clusters_follow_neighbours_where_k_means_cuts():
    points, truth = arcs(1500, np.random.default_rng(0))
    found = NeighbourClusters(3).fit(points[:1200])
    assert adjusted_mutual_info_score(truth[:1200], found.predict(points[:1200])) > 0.95
    assert adjusted_mutual_info_score(truth[1200:], found.predict(points[1200:])) > 0.95
    np.testing.assert_array_equal(NeighbourClusters(3).fit(scipy.sparse.csr_matrix(points[:1200])).labels, found.labels)


def test_more_points_than_the_graph_takes_go_with_their_neighbours(monkeypatch):
    monkeypatch.setattr(neighbours, "_FITTED", 300)
    points, truth = arcs(1500, np.random.default_rng(1))
    found = NeighbourClusters(3).fit(points)
    assert len(found.labels) == 300 and adjusted_mutual_info_score(truth, found.predict(points)) > 0.9


@pytest.mark.parametrize("rows", [1, 2, 4, 7])
def test_few_points_have_clusters_too(rows):
    points = np.random.default_rng(0).normal(size=(rows, 5))
    found = NeighbourClusters(3).fit(points).predict(points)
    assert found.shape == (rows,) and found.min() >= 0 and found.max() < 3


def test_neighbours_are_named_by_the_rows_that_were_fitted(monkeypatch):
    monkeypatch.setattr(neighbours, "_FITTED", 300)
    points, truth = arcs(900, np.random.default_rng(2))
    near = NeighbourClusters(3).fit(points).predict_by_neighbours(points)[1]
    assert near.shape == (900, 10) and near.max() > 300
    distance = np.linalg.norm(points[near] - points[:, np.newaxis], axis=-1)
    assert np.mean(truth[near] == truth[:, np.newaxis]) > 0.95 and distance.max() < 0.6
