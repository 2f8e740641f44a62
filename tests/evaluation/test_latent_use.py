"""Estimators against exact values."""

import math
import types

import numpy as np
import pytest
import tensorflow as tf
from scipy import integrate, stats

from tfvae.evaluation import latent_use
from tfvae.evaluation.figure import Figure
from tfvae.evaluation.table import figure_lines
from tfvae.latents.gaussian import GaussianLatent
from tfvae.models.build import build_vae
from tfvae.progress import no_progress
from tfvae.registry import resolve


def test_the_information_of_codes_is_exact_on_a_table():
    probabilities = np.array([[[0.9, 0.1]], [[0.2, 0.8]], [[0.5, 0.5]]])
    np.testing.assert_allclose(latent_use.information(probabilities).mean(0), [0.1847124502], atol=1e-9)  # by hand


def test_the_information_of_codes_is_within_its_caps():
    certain = np.tile(np.eye(5)[:, None], [40, 1, 1])
    np.testing.assert_allclose(latent_use.information(certain), math.log(5))
    np.testing.assert_array_equal(latent_use.information(np.full([10, 3, 4], 0.25)), np.zeros([10, 3]))


def test_its_error_is_that_of_resampling_examples():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([0.3, 0.3, 0.3], size=(500, 2))
    figures = {figure.name: figure for figure in latent_use._codes(probabilities)}
    resampled = np.array([latent_use.information(probabilities[rng.integers(0, 500, 500)]).mean(0) for _ in range(1000)])
    np.testing.assert_allclose(figures["mutual_information_c"].error, resampled.std(0), rtol=0.1)
    np.testing.assert_allclose(figures["mutual_information_c_mean"].error, resampled.mean(1).std(), rtol=0.1)


@pytest.mark.parametrize(("model", "unit"), [("vae", 1.0), ("vmf_vae", 1 / 4), ("dem_vmf_vae", 1 / 4)])
def test_an_entry_is_active_by_its_share_of_the_prior_s_variance(model, unit):
    latent = build_vae(resolve(model, "demo", overrides={"latent.dim": 4}), {"vocabulary_size": 20}).latent
    assert latent.unit_variance == unit
    mean = np.zeros([2, latent.size])
    for entry, share in enumerate((0.5, 0.015, 0.03, 0.005)):
        mean[:, entry] = np.sqrt(share * unit) * np.array([-1, 1])
    posteriors = types.SimpleNamespace(mean=mean, probabilities=np.ones([2, 1, 1]))
    vae = types.SimpleNamespace(latent=latent)
    subject = types.SimpleNamespace(posteriors=posteriors, model=types.SimpleNamespace(vae=vae))
    figures = latent_use.latent_use(subject)
    assert [next(figures).value for _ in range(2)] == [3, 2]


def posteriors_on_a_line(means, deviation):
    """N Gaussian posteriors in one dimension, and their unconstrained parameters."""
    latent = GaussianLatent(feature_dim=1, dim=1)
    # the family softens the log-variance near its limits: find the raw one by bisection
    target = 2 * math.log(deviation)
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        params = {"posterior": tf.constant([[0.0, middle]])}
        variance = -2 * float(latent.log_posterior(params, tf.zeros([1, 1, 1]))[0, 0]) - math.log(2 * math.pi)
        low, high = (middle, high) if variance < target else (low, middle)
    raw = np.stack([means, np.full(len(means), middle)], 1).astype(np.float32)
    return latent, {"posterior": raw}


def information_on_a_line(means, deviation):
    """I(n; z) of N equally probable Gaussians, by quadrature."""

    def integrand(z):
        density = stats.norm.pdf(z, means, deviation)
        mixture = density.mean()
        return float(np.mean(density * np.log(np.maximum(density, 1e-300) / mixture))) if mixture > 0 else 0.0

    return integrate.quad(integrand, means.min() - 8 * deviation, means.max() + 8 * deviation, limit=500, points=sorted(means))[0]


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 5.0, 100.0])
def test_the_information_of_a_continuous_variable_is_the_exact_one(spread):
    means = np.linspace(-spread, spread, 6)
    latent, params = posteriors_on_a_line(means, 0.5)
    many = {"posterior": np.repeat(params["posterior"], 500, 0)}  # the same mixture of six
    z = latent.sample(many, 1, tf.constant([1, 2]))[0].numpy()
    own, aggregate, _ = latent_use.Densities(latent)(many, z)
    estimate, error = np.mean(own - aggregate), np.std(own - aggregate) / math.sqrt(len(z))
    assert abs(estimate - information_on_a_line(means, 0.5)) < 4 * error + 1e-3
    assert estimate <= math.log(6) + 1e-3


def estimates(latent, params, z):
    """The figures of `_continuous` by name."""
    subject = types.SimpleNamespace(seed=0, progress=no_progress)
    return {figure.name: figure for figure in latent_use._continuous(latent, params, z, subject)}


def test_the_divergence_of_the_aggregate_posterior_is_the_exact_one():
    means = np.array([-2.0, 0.5, 1.0])
    latent, params = posteriors_on_a_line(means, 0.5)
    many = {"posterior": np.repeat(params["posterior"], 1000, 0)}
    z = latent.sample(many, 1, tf.constant([1, 2]))[0].numpy()

    def integrand(value):
        mixture = stats.norm.pdf(value, means, 0.5).mean()
        return mixture * (np.log(mixture) - stats.norm.logpdf(value))

    figure = estimates(latent, many, z)["aggregate_kl_z"]
    assert abs(figure.value - integrate.quad(integrand, -6, 6, points=list(means))[0]) < 3 * figure.error


def test_two_estimates_have_the_information_between_them():
    means = np.linspace(-3, 3, 40)
    latent, params = posteriors_on_a_line(means, 0.1)
    lower, upper = [], []
    for seed in range(200):
        figures = estimates(latent, params, latent.sample(params, 1, tf.constant([seed, 2]))[0].numpy())
        lower.append(figures["mutual_information_z"].value)
        upper.append(figures["mutual_information_z_upper"].value)
    exact = information_on_a_line(means, 0.1)
    assert np.mean(lower) < exact + 0.02 and np.mean(upper) > exact + 0.05


def test_the_upper_bound_of_examples_far_apart_is_the_divergence_from_the_prior():
    latent, params = posteriors_on_a_line(np.array([-3.0, 0.0, 3.0]), 0.1)
    z = latent.sample(params, 1, tf.constant([1, 2]))[0].numpy()
    figure = estimates(latent, params, z)["mutual_information_z_upper"]
    own = stats.norm.logpdf(z[:, 0], [-3.0, 0.0, 3.0], 0.1)
    assert figure.value == pytest.approx(np.mean(own - stats.norm.logpdf(z[:, 0])), rel=1e-3)
    assert "the prior" in figure.estimator


@pytest.mark.parametrize(("spread", "expected"), [(0.0, 0.0), (1e4, math.log(32))])
def test_the_minibatch_estimate_goes_from_nothing_to_the_logarithm_of_its_batch(spread, expected):
    latent, params = posteriors_on_a_line(spread * np.arange(64.0), 0.5)
    z = latent.sample(params, 1, tf.constant([1, 2]))[0].numpy()
    figures = estimates(latent, params, z)
    assert figures["mutual_information_z_minibatch"].value == pytest.approx(expected, abs=1e-4)
    assert figures["mutual_information_z_minibatch"].settings["batch"] == 32
    assert figures["mutual_information_z"].value == pytest.approx(expected * 6 / 5, abs=1e-4)  # log 64


def test_an_estimate_below_nothing_is_said_to_be_noise():
    assert "below 0 only by the noise" in latent_use._told(Figure("mutual_information_z", -0.01)).remark
    assert "below 0 only by the noise" in figure_lines([latent_use._told(Figure("mutual_information_z", -0.014, unit="nats"))])[0]
    assert "below 0" not in latent_use._told(Figure("mutual_information_z", 0.0)).remark


def test_blocks_do_not_change_what_is_estimated(monkeypatch):
    latent, params = posteriors_on_a_line(np.linspace(-1, 1, 7), 0.5)
    z = latent.sample(params, 1, tf.constant([1, 2]))[0].numpy()
    whole = latent_use.Densities(latent)(params, z)
    monkeypatch.setattr(latent_use, "_PAIRS", 14)
    np.testing.assert_allclose(latent_use.Densities(latent)(params, z), whole, rtol=1e-6)


@pytest.mark.parametrize("model", ["vae", "vmf_vae", "dem_vae", "dem_vmf_vae"])
def test_densities_of_every_latent_are_those_of_each_pair(model):
    sizes = {"encoder.hidden_dim": 4, "encoder.embedding_dim": 4, "decoder.hidden_dim": 4, "decoder.embedding_dim": 4}
    latent = build_vae(resolve(model, "demo", overrides=sizes), {"vocabulary_size": 20}).latent
    params = tf.nest.map_structure(lambda leaf: leaf.numpy(), latent(tf.random.stateless_normal([5, latent.feature_dim], [1, 2])))
    z = latent.sample(params, 1, tf.constant([3, 4]))[0].numpy()
    own, aggregate, _ = latent_use.Densities(latent)(params, z)
    pairs = np.zeros([5, 5])
    for m in range(5):
        one = tf.nest.map_structure(lambda leaf, m=m: tf.repeat(leaf[m : m + 1], 5, 0), params)
        pairs[:, m] = latent.log_posterior(one, tf.constant(z))
    np.testing.assert_allclose(own, np.diag(pairs), rtol=1e-5)
    np.testing.assert_allclose(aggregate, np.log(np.mean(np.exp(pairs), 1)), rtol=1e-5)
