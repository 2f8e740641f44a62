import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.point import PointLatent

SEED = tf.constant([3, 5])


def test_every_sample_is_the_point_itself():
    layer = PointLatent(feature_dim=3, dim=2)
    params = layer(tf.ones([4, 3]))
    np.testing.assert_array_equal(layer.sample(params, 3, SEED), np.tile(layer.mean(params), (3, 1, 1)))
    assert layer.terms(params, None, tf.ones([4])) == []


def test_the_prior_is_the_gaussian_of_the_points_it_was_fitted_to():
    layer = PointLatent(feature_dim=3, dim=2)
    points = np.random.default_rng(0).multivariate_normal([1.0, -2.0], [[2.0, 0.9], [0.9, 0.5]], 5000)
    layer.fit_prior(points)
    z = layer.sample_prior(50_000, SEED)[0].numpy()
    np.testing.assert_allclose(z.mean(0), points.mean(0), atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), np.cov(points.T), atol=0.05)


@pytest.mark.parametrize("points", [np.ones([1, 2]), np.ones([7, 2]), np.array([[1.0, 2.0], [2.0, 4.0]])])
def test_points_that_vary_in_no_or_one_direction_give_a_prior_too(points):
    layer = PointLatent(feature_dim=3, dim=2)
    layer.fit_prior(points)
    assert np.all(np.isfinite(layer.sample_prior(3, SEED)[0]))


def test_a_gaussian_takes_over_the_point_as_its_mean_and_keeps_its_variance():
    point, gaussian = PointLatent(feature_dim=3, dim=2, seed=1), GaussianLatent(feature_dim=3, dim=2, seed=2)
    features = tf.random.stateless_normal([5, 3], SEED)
    before = gaussian(features)["posterior"][:, 2:]
    gaussian.initialize_from(point)
    np.testing.assert_allclose(gaussian.mean(gaussian(features)), point.mean(point(features)), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(gaussian(features)["posterior"][:, 2:], before)


def test_latents_of_other_kinds_or_sizes_are_refused():
    gaussian = GaussianLatent(feature_dim=3, dim=2)
    with pytest.raises(ValueError, match="2 numbers in z here and 4 there"):
        gaussian.initialize_from(PointLatent(feature_dim=3, dim=4))
    with pytest.raises(ValueError, match="3 features here and 5 there"):
        gaussian.initialize_from(PointLatent(feature_dim=5, dim=2))
    with pytest.raises(ValueError, match="cannot begin as a GaussianLatent"):
        PointLatent(feature_dim=3, dim=2).initialize_from(gaussian)
