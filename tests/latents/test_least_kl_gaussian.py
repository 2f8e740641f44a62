"""Gaussians of least KL: the bound holds whatever a network says."""

import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.exponential_family import kl_divergence, natural
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.least_kl_gaussian import LeastKLGaussian
from tfvae.latents.point import PointLatent


def kl_to_standard(family, raw):
    mean, log_variance = family.constrain(raw)
    return ((mean**2 + tf.exp(log_variance) - 1 - log_variance) / 2).numpy()


@pytest.mark.parametrize("delta", [1e-4, 0.15, 1.0, 8.0])
def test_every_dimension_has_delta_nats_and_half_a_softplus_whatever_the_raw_numbers(delta):
    family = LeastKLGaussian(5, delta)
    raw = np.random.default_rng(0).normal(size=[200, 10]) * np.geomspace(0.1, 1e3, 200)[:, np.newaxis]
    kl = kl_to_standard(family, tf.constant(raw))
    assert kl.min() >= delta * (1 - 1e-9)
    np.testing.assert_allclose(kl, delta + tf.math.softplus(raw[:, :5]) / 2, rtol=1e-6, atol=1e-6)


def test_the_variances_lie_between_those_of_centred_gaussians_at_the_bound():
    family = LeastKLGaussian(1, 0.15)
    log_variance = [float(family.constrain(tf.constant([[0.0, spread]], tf.float64))[1][0, 0]) for spread in (-1e3, 0.0, 1e3)]
    low, _, high = np.exp(log_variance)
    for variance in (low, high):
        assert np.log(variance) - variance + 1.3 == pytest.approx(0, abs=1e-9)
    assert low < 1 < high and log_variance[1] == pytest.approx((log_variance[0] + log_variance[2]) / 2)


def test_the_bound_and_its_gradient_hold_in_single_precision():
    latent = GaussianLatent(feature_dim=3, dim=4, minimum_kl=0.15)
    raw = tf.constant(np.random.default_rng(0).normal(size=[300, 8]) * 30, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        [term] = latent.terms({"posterior": raw}, None, tf.ones([300]))
        z = latent.sample({"posterior": raw}, 1, tf.constant([0, 1]))
        loss = tf.reduce_sum(term.value) + tf.reduce_sum(z)
    assert term.value.shape == [300, 1, 4] and float(tf.reduce_min(term.value)) >= 0.15 - 1e-3
    assert np.all(np.isfinite(tape.gradient(loss, raw)))


def test_the_kl_is_the_family_s():
    family, raw = LeastKLGaussian(3, 0.5), tf.constant(np.random.default_rng(1).normal(size=[7, 6]))
    kl = kl_divergence(family, natural(family, raw), Gaussian.standard_normal([3], "float64"))
    np.testing.assert_allclose(kl, kl_to_standard(family, raw), rtol=1e-9)


def test_it_comes_back_from_its_configuration_and_takes_no_point_for_its_mean():
    latent = GaussianLatent(feature_dim=3, dim=4, minimum_kl=0.15)
    again = GaussianLatent.from_config(latent.get_config())
    assert again.minimum_kl == 0.15 and again.family.get_config() == {"dim": 4, "delta": 0.15}
    with pytest.raises(ValueError, match="does not take a point for its mean"):
        latent.initialize_from(PointLatent(feature_dim=3, dim=4))
