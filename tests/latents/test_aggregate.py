"""The mutual information of a batch, against closed forms, sums written out, and finite differences."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.aggregate import information
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.spherical import SphericalLatent
from tfvae.latents.vamp import VampLatent

SEED = tf.constant([3, 5])
FEATURES = tf.constant(np.random.default_rng(0).normal(size=[5, 3]))
LATENTS = {
    "gaussian": lambda: GaussianLatent(feature_dim=3, dim=4, dtype="float64"),
    "spherical": lambda: SphericalLatent(feature_dim=3, dim=4, kappa=9.0, dtype="float64"),
    "learnt kappa": lambda: SphericalLatent(feature_dim=3, dim=4, kappa=9.0, learn_kappa=True, dtype="float64"),
    "vamp": lambda: VampLatent(feature_dim=3, dim=4, pseudo_inputs=2, dtype="float64"),
    "mixture": lambda: MixtureLatent(
        feature_dim=3, family=Gaussian(2), variables=2, components=3, hidden_dim=4, dtype="float64"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", LATENTS)
def test_it_is_the_density_of_one_s_own_posterior_over_that_of_the_mixture(kind):
    latent = LATENTS[kind]()
    params = latent(FEATURES)
    z, weight = latent.sample(params, 2, SEED), np.array([1.0, 2, 0, 1, 1])
    row = lambda c: tf.nest.map_structure(lambda leaf: leaf[c : c + 1], params)  # noqa: E731
    each = np.stack([latent.log_posterior(row(c), z).numpy() for c in range(5)], axis=-1)  # [S, B, C]
    expected = [[each[s, b, b] - np.log(np.exp(each[s, b]) @ weight / 5) for b in range(5)] for s in range(2)]
    np.testing.assert_allclose(information(latent, params, z, tf.constant(weight)), np.mean(expected, axis=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", ["gaussian", "spherical"])
def test_it_is_nothing_for_posteriors_that_are_one_and_log_n_for_posteriors_that_lie_apart(kind):
    latent = LATENTS[kind]()
    same = latent(tf.repeat(FEATURES[:1], 5, axis=0))
    np.testing.assert_allclose(information(latent, same, latent.sample(same, 1, SEED), tf.ones([5])), np.zeros(5), atol=1e-9)
    raw = np.zeros([4, latent.family.raw_size])
    raw[np.arange(4), np.arange(4)] = 100.0
    latent = latent if kind == "gaussian" else SphericalLatent(feature_dim=3, dim=4, kappa=900.0, dtype="float64")
    apart = {"posterior": tf.constant(raw)}
    found = information(latent, apart, latent.sample(apart, 1, SEED), tf.ones([4]))
    np.testing.assert_allclose(found, np.full(4, math.log(4)), rtol=1e-6)


def test_the_kl_less_it_is_the_kl_of_the_aggregate_posterior():
    """A batch of two Gaussians of one dimension, the aggregate's KL by quadrature."""
    latent = GaussianLatent(feature_dim=1, dim=1, dtype="float64")
    raw = tf.constant([[0.8, -1.0], [-0.5, -0.4]], tf.float64)
    mean, log_variance = (value.numpy() for value in latent.family.constrain(raw))
    grid = np.linspace(-12, 12, 20_001)
    density = np.exp(-((grid - mean) ** 2) / (2 * np.exp(log_variance))) / np.sqrt(2 * np.pi * np.exp(log_variance))
    aggregate = density.mean(axis=0)
    exact = np.sum(aggregate * (np.log(aggregate) + grid**2 / 2 + np.log(2 * np.pi) / 2)) * (grid[1] - grid[0])
    count = 20_000
    z = latent.sample({"posterior": raw}, count, SEED)
    params = {"posterior": raw}
    [kl] = latent.terms(params, z, tf.ones([2]))
    each = information(latent, params, z, tf.ones([2], tf.float64)).numpy()
    assert np.mean(kl.value) - each.mean() == pytest.approx(exact, abs=4 / math.sqrt(count))


@pytest.mark.parametrize("kind", ["gaussian", "spherical", "learnt kappa"])
def test_its_gradient_in_the_parameters_is_that_of_finite_differences(kind):
    latent = LATENTS[kind]()
    raw = np.random.default_rng(3).normal(size=[3, latent.family.raw_size])
    z = latent.sample({"posterior": tf.constant(raw)}, 2, SEED)  # held
    value = lambda raw: tf.reduce_sum(information(latent, {"posterior": raw}, z, tf.ones([3])))  # noqa: E731
    with tf.GradientTape() as tape:
        variable = tf.constant(raw)
        tape.watch(variable)
        loss = value(variable)
    gradient = tape.gradient(loss, variable).numpy()
    for place in ((0, 0), (1, 2), (2, -1)):
        step = np.zeros_like(raw)
        step[place] = 1e-5
        slope = (value(tf.constant(raw + step)) - value(tf.constant(raw - step))) / 2e-5
        assert gradient[place] == pytest.approx(float(slope), rel=1e-5, abs=1e-8)
