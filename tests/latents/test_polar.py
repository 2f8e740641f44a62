"""A direction times a norm: constant KL, samples, densities."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tfvae.errors import UserError
from tfvae.latents.polar import PolarLatent
from tfvae.latents.spherical import kl_to_uniform, mean_cosine
from tfvae.registry import resolve

SEED = tf.constant([3, 5])


def latent(dim=5, **more):
    return PolarLatent(**{"feature_dim": 3, "dim": dim, "kappa": 7.0, "norm_max": 3.0, "norm_width": 0.5, "dtype": "float64", **more})


def params_of(layer, rows=4):
    return layer(tf.random.stateless_normal([rows, 3], SEED, dtype=tf.float64))


@pytest.mark.parametrize("learn_kappa", [False, True])
def test_the_kl_is_that_of_samples_and_constant_where_kappa_is_frozen(learn_kappa):
    layer, count = latent(learn_kappa=learn_kappa), 20_000
    params = params_of(layer)
    z = layer.sample(params, count, SEED)
    difference = (layer.log_posterior(params, z) - layer.log_prior(z)).numpy()
    kl = layer.terms(params, z, tf.ones([4]))[0].value.numpy()[:, 0]
    assert np.all(np.abs(difference.mean(axis=0) - kl) < 4 * difference.std(axis=0) / math.sqrt(count))
    if not learn_kappa:
        np.testing.assert_allclose(kl, kl_to_uniform(5, 7.0) + math.log(3.0 / 0.5))


def test_norms_are_uniform_on_their_intervals_and_directions_are_those_of_the_sphere():
    layer, count = latent(), 5000
    params = params_of(layer)
    z = layer.sample(params, count, SEED).numpy()
    norm, least = np.linalg.norm(z, axis=-1), layer.least_norm(params).numpy()[:, 0]
    mu = params["posterior"].numpy() / np.linalg.norm(params["posterior"], axis=-1, keepdims=True)
    assert least.min() > 0 and least.max() < 2.5 and np.ptp(least) > 0.01
    for row in range(4):
        assert stats.kstest((norm[:, row] - least[row]) / 0.5, "uniform").pvalue > 1e-3
        cosine = z[:, row] @ mu[row] / norm[:, row]
        assert abs(cosine.mean() - mean_cosine(5, 7.0)) < 4 * cosine.std() / math.sqrt(count)
        assert abs(np.corrcoef(cosine, norm[:, row])[0, 1]) < 4 / math.sqrt(count)
    np.testing.assert_allclose(layer.mean(params), z.mean(axis=0), atol=4 * z.std(axis=0).max() / math.sqrt(count))


def test_densities_are_of_z_in_space():
    layer = latent(dim=2, kappa=3.0)
    params = params_of(layer, 1)
    side = np.linspace(-3.2, 3.2, 1600)  # none is 0, where the density has no bound
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 1, 2)
    area = (side[1] - side[0]) ** 2
    assert np.exp(layer.log_prior(grid)).sum() * area == pytest.approx(1, abs=0.01)
    assert np.exp(layer.log_posterior(params, tf.constant(grid))).sum() * area == pytest.approx(1, abs=0.01)
    assert np.isneginf(layer.log_prior(tf.constant([[3.01, 0.0]])))


def test_the_prior_has_uniform_norms_and_directions():
    z = latent().sample_prior(5000, SEED)[0].numpy()
    assert stats.kstest(np.linalg.norm(z, axis=-1) / 3, "uniform").pvalue > 1e-3
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=4 * z.std() / math.sqrt(5000))
    assert z.var() == pytest.approx(latent().unit_variance, rel=0.05)


def test_the_reconstruction_moves_the_norm():
    layer = latent()
    features = tf.ones([2, 3], tf.float64)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer.sample(layer(features), 1, SEED) ** 2)
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert len(gradients) == 4 and all(np.any(gradient != 0) for gradient in gradients)


def test_a_way_turns_and_stretches_evenly():
    start, end = tf.constant([[1.0, 0.0]]), tf.constant([[0.0, 3.0]])
    middle = latent(dim=2, dtype="float32").interpolate(start, end, tf.constant([0.5]))
    np.testing.assert_allclose(middle, [[2 * math.sqrt(0.5)] * 2], rtol=1e-6)


def test_posteriors_of_other_norms_are_infinitely_apart():
    layer = latent()
    params = params_of(layer)
    np.testing.assert_allclose(layer.divergence(params, params), 0, atol=1e-12)
    assert np.all(np.isinf(layer.divergence(params, {**params, "norm": params["norm"] + 1})))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"latent.norm_width": 2.0}, "norm_width = 2: must be below norm_max = 2"),
        ({"latent.dim": 1}, "spheres of 2 dimensions or more"),
        ({"inference.kind": "refinement"}, "none can be refined"),
    ],
)
def test_settings_that_do_not_do_are_told(more, message):
    with pytest.raises(UserError, match=message):
        resolve("vmf_vae", "demo", overrides={"latent.kind": "polar", **more})


def test_a_width_that_is_not_below_the_greatest_norm_is_refused():
    with pytest.raises(ValueError, match="norm_width = 3"):
        latent(norm_width=3.0)
