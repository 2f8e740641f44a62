import numpy as np

from tfvae.clustering import points
from tfvae.clustering.points import means_of


def test_points_of_two_places_have_two_means_and_no_more(monkeypatch):
    made = np.repeat([[0.0, 1.0], [3.0, 0.0]], 20, axis=0)
    found = means_of(made, 5, 0, starts=2)
    np.testing.assert_allclose(np.unique(found.cluster_centers_, axis=0), [[0, 1], [3, 0]])
    monkeypatch.setattr(points, "_FITTED", 10)
    few = means_of(made, 2, 0, starts=2)
    assert len(few.labels_) == 10 and few.predict(made).shape == (40,)
