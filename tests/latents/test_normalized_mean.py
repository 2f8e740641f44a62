"""Normalised posterior means: the KL that they have at least, and an evaluation that is free of batches."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.point import PointLatent

GAMMA, DIM = 0.7, 6


def latent(**options):
    return GaussianLatent(feature_dim=3, dim=DIM, batch_norm=GAMMA, dtype="float64", **options)


def features(count=40, scale=1.0, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=[count, 3]) * scale + 5)


@pytest.mark.parametrize("scale", [0.1, 1.0, 1000.0])
def test_the_kl_of_a_batch_is_at_least_half_of_gamma_squared_a_dimension_whatever_the_features(scale):
    layer, x = latent(), features(scale=scale)
    layer.normalized.shift.assign(np.linspace(-0.3, 0.2, DIM))
    params = layer.in_training(x)
    mean = params["posterior"][:, :DIM].numpy()
    variance = layer.posterior(x)[:, :DIM].numpy().var(axis=0)
    share = variance / (variance + 1e-5)
    np.testing.assert_allclose(mean.mean(axis=0), layer.normalized.shift, atol=1e-9)
    np.testing.assert_allclose(mean.var(axis=0), GAMMA**2 * share, rtol=1e-6)
    [kl] = layer.terms(params, None, tf.ones([40]))
    bound = (GAMMA**2 * share + layer.normalized.shift.numpy() ** 2) / 2
    assert np.all(kl.value.numpy()[:, 0].mean(axis=0) >= bound - 1e-9)


def test_a_posterior_of_evaluation_does_not_depend_on_the_others_of_its_batch():
    layer, x = latent(), features()
    np.testing.assert_array_equal(layer(x)["posterior"][:2], layer(x[:2])["posterior"])
    assert np.abs(layer.in_training(x)["posterior"][:2] - layer.in_training(x[:2])["posterior"]).max() > 0.1


def test_moving_averages_come_to_those_of_training():
    layer, x = latent(), features()
    before = layer(x)["posterior"].numpy()
    for _ in range(150):
        trained = layer.in_training(x)["posterior"].numpy()
    np.testing.assert_allclose(layer(x)["posterior"], trained, rtol=1e-4, atol=1e-5)
    assert np.abs(before - trained).max() > 0.1


def test_variances_and_a_gaussian_without_are_as_ever():
    plain, layer = GaussianLatent(feature_dim=3, dim=DIM, dtype="float64"), latent()
    np.testing.assert_array_equal(layer.in_training(features())["posterior"][:, DIM:], plain(features())["posterior"][:, DIM:])
    assert len(plain.weights) == 2 and len(layer.weights) == 5 and len(layer.trainable_weights) == 3
    again = GaussianLatent.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and len(again.weights) == 5


def test_the_mean_of_an_auto_encoder_is_normalised_too():
    point, layer = PointLatent(feature_dim=3, dim=DIM, dtype="float64", seed=3), latent()
    layer.initialize_from(point)
    z = point(features())["posterior"].numpy()
    expected = GAMMA * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 1e-5)
    np.testing.assert_allclose(layer.in_training(features())["posterior"][:, :DIM], expected, atol=1e-9)
