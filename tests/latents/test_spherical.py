"""The von Mises-Fisher posterior: its constant KL, its samples and their gradient."""

import math

import mpmath
import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.spherical import SphericalLatent, kl_to_uniform, mean_cosine

SEED = tf.constant([3, 5])
# d, kappa, KL and mean cosine to four digits: the reference implementation's settings, computed independently of this code.
TABLE = [
    (2, 1, 0.2105, 0.4464), (2, 10, 1.5430, 0.9486), (3, 10, 1.9957, 0.9000), (3, 50, 3.6052, 0.9800), (3, 100, 4.2983, 0.9900),
    (25, 25, 6.0909, 0.6242), (25, 50, 11.8139, 0.7866), (25, 100, 18.8025, 0.8866), (32, 13, 2.1726, 0.3569), (32, 25, 5.7554, 0.5515),
    (32, 50, 12.2534, 0.7348), (32, 100, 20.7585, 0.8563), (32, 200, 30.3733, 0.9253), (50, 35, 7.7430, 0.5171), (50, 50, 12.1051, 0.6211),
    (50, 80, 19.5152, 0.7383), (50, 100, 23.5707, 0.7837), (50, 150, 31.6003, 0.8495), (100, 35, 5.2441, 0.3157),
    (100, 80, 18.4112, 0.5556), (100, 100, 24.1350, 0.6196), (100, 150, 36.7228, 0.7223),
    (200, 100, 18.8506, 0.4146), (200, 150, 33.8028, 0.5358),
    (200, 200, 48.1953, 0.6188), (512, 100, 9.2516, 0.1884),
]  # fmt: skip


def latent(dim, kappa, dtype="float64"):
    return SphericalLatent(feature_dim=3, dim=dim, kappa=kappa, dtype=dtype)


@pytest.mark.parametrize(("dim", "kappa", "kl", "cosine"), TABLE)
def test_kl_and_mean_cosine_are_the_published_ones_to_their_digits(dim, kappa, kl, cosine):
    assert round(kl_to_uniform(dim, kappa), 4) == kl
    assert round(mean_cosine(dim, kappa), 4) == cosine


@pytest.mark.parametrize("dim", [2, 3, 4, 7, 32, 100, 257, 512, 4096])
def test_kl_equals_that_of_forty_digits_from_small_to_large_kappa(dim):
    with mpmath.workdps(40):
        for kappa in map(mpmath.mpf, ("1e-2", "0.3", "1", "10", "35", "80", "400", "1000", "1e4")):
            order = mpmath.mpf(dim) / 2 - 1
            bessel, ratio = mpmath.besseli(order, kappa), mpmath.besseli(order + 1, kappa) / mpmath.besseli(order, kappa)
            log_constant = order * mpmath.log(kappa) - (order + 1) * mpmath.log(2 * mpmath.pi) - mpmath.log(bessel)
            log_area = mpmath.log(2) + (order + 1) * mpmath.log(mpmath.pi) - mpmath.loggamma(order + 1)
            expected = float(kappa * ratio + log_constant + log_area)
            assert kl_to_uniform(dim, float(kappa)) == pytest.approx(expected, abs=1e-6, rel=1e-6), kappa
            assert mean_cosine(dim, float(kappa)) == pytest.approx(float(ratio), rel=1e-9), kappa


def test_kl_on_the_sphere_of_three_dimensions_has_a_closed_form():
    for kappa in (0.1, 2.0, 30.0):
        closed = kappa / math.tanh(kappa) - 1 + math.log(kappa / math.sinh(kappa))
        assert kl_to_uniform(3, kappa) == pytest.approx(closed, rel=1e-9)


def test_a_direction_of_no_length_is_the_first_axis_and_has_no_gradient():
    layer, raw = latent(4, 6.0), tf.zeros([2, 4], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(raw)
        z = layer.sample({"posterior": raw}, 1, SEED)[0]
        loss = tf.reduce_sum(z) + tf.reduce_sum(layer.terms({"posterior": raw}, None, tf.ones([2]))[1].value)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1)
    np.testing.assert_allclose(layer.mode({"posterior": raw}), np.eye(4)[[0, 0]])
    np.testing.assert_array_equal(tape.gradient(loss, raw), np.zeros([2, 4]))


def test_the_kl_of_every_example_is_the_constant():
    params = latent(50, 35.0, "float32")(tf.random.stateless_normal([4, 3], SEED))
    kl, penalty = latent(50, 35.0).terms(params, None, tf.ones([4]))
    np.testing.assert_allclose(kl.value, np.full([4, 1], 7.7430443), rtol=1e-6)
    np.testing.assert_allclose(penalty.value, (np.linalg.norm(params["posterior"], axis=1) - 1) ** 2, rtol=1e-5)
    assert (kl.role, penalty.role) == ("kl", "penalty")


@pytest.mark.parametrize(("dim", "kappa"), [(2, 0.01), (2, 100.0), (3, 10.0), (25, 25.0), (50, 35.0), (50, 1e4), (512, 100.0)])
def test_samples_have_length_one_and_the_expected_cosine(dim, kappa):
    count, mu = 10_000, np.linspace(-1, 1, dim)
    z = latent(dim, kappa).sample({"posterior": tf.constant(np.tile(mu, (count, 1)))}, 1, SEED)[0].numpy()
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-12)
    cosine = z @ mu / np.linalg.norm(mu)
    assert abs(cosine.mean() - mean_cosine(dim, kappa)) < 4 * cosine.std() / np.sqrt(count)


def turned(z, raw, change):
    """z after the rotation that takes the direction of `raw` to that of `raw + change`, in the plane of both."""
    start, length = raw / np.linalg.norm(raw), np.linalg.norm(raw)
    across = change - (change @ start) * start
    if not across.any():
        return z
    angle = math.atan2(np.linalg.norm(across), length + change @ start)
    plane = np.stack([start, across / np.linalg.norm(across)])
    cosine, sine = math.cos(angle), math.sin(angle)
    return z + plane.T @ (np.array([[cosine - 1, -sine], [sine, cosine - 1]]) @ (plane @ z))


@pytest.mark.parametrize("start", [[1.0, 0, 0, 0], [-1.0, 0, 0, 0], [0.999999, 1e-6, 0, 0], [0.3, -0.5, 0.1, 0.8], [-2.0, 1.0, 0.5, 3.0]])
def test_the_gradient_to_the_direction_is_that_of_turning_the_sample_along(start):
    """Finite differences: where mu turns, z turns with it, whose law stays that of kappa."""
    layer, raw = latent(4, 6.0), np.array(start)
    upstream = np.array([0.2, 1.0, -0.4, 0.7])
    variable = tf.constant(raw[np.newaxis])
    with tf.GradientTape() as tape:
        tape.watch(variable)
        z = layer.sample({"posterior": variable}, 1, SEED)[0]
        value = tf.tensordot(z[0], upstream, 1)
    gradient, z = tape.gradient(value, variable)[0].numpy(), z[0].numpy()
    for direction in np.eye(4):
        step = 1e-5
        ahead, behind = (upstream @ turned(z, raw, sign * step * direction) for sign in (1, -1))
        assert gradient @ direction == pytest.approx((ahead - behind) / (2 * step), abs=1e-7)


def test_the_log_densities_are_those_of_the_laws():
    layer = latent(5, 20.0)
    params = {"posterior": tf.constant([[1.0, 2, 0, 0, 1]], tf.float64)}
    z = layer.sample({"posterior": tf.repeat(params["posterior"], 20_000, axis=0)}, 1, SEED)
    ratio = (layer.log_posterior(params, z) - layer.log_prior(z)).numpy().ravel()
    assert abs(ratio.mean() - layer.kl) < 4 * ratio.std() / np.sqrt(ratio.size)


def test_the_prior_is_uniform():
    z, codes = latent(3, 5.0).sample_prior(20_000, SEED)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(z.numpy().mean(0), 0, atol=4 / np.sqrt(3 * 20_000))
    np.testing.assert_allclose(z.numpy().var(0), 1 / 3, atol=0.01)  # coordinates of a sphere in three dimensions are uniform on [-1, 1]
    assert codes.shape == (20_000, 1)


def test_the_mode_is_the_direction_and_the_mean_lies_inside():
    layer, params = latent(50, 35.0), {"posterior": tf.constant(np.random.default_rng(0).normal(size=[2, 50]))}
    np.testing.assert_allclose(np.linalg.norm(layer.mode(params), axis=1), 1)
    np.testing.assert_allclose(layer.mean(params), mean_cosine(50, 35) * layer.mode(params), rtol=1e-6)


@pytest.mark.parametrize("end", [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-0.6, 0.0, 0.8]])
def test_an_interpolation_goes_along_a_great_circle_at_even_speed(end):
    start, fraction = tf.constant([[1.0, 0, 0]], tf.float64), tf.cast(tf.linspace(0.0, 1.0, 5), tf.float64)
    way = latent(3, 5.0).interpolate(start, tf.constant([end], tf.float64), fraction).numpy()
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(way[[0, -1]], [[1, 0, 0], end], atol=1e-6)
    steps = np.sum(way[1:] * way[:-1], axis=1)
    np.testing.assert_allclose(steps, np.full(4, math.cos(math.acos(end[0]) / 4)), atol=1e-6)
