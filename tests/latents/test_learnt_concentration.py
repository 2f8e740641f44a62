"""The von Mises-Fisher posterior whose concentration is learned: its samples' law, their gradient, and what it does to collapse."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from tfvae.latents.learnt_concentration import CONCENTRATION_RANGE, LearntVonMisesFisher
from tfvae.latents.spherical import SphericalLatent, kl_to_uniform, mean_cosine
from tfvae.latents.von_mises_fisher_family import VonMisesFisher

SEED = tf.constant([3, 5])
DIMS = (2, 3, 5, 50, 200)
KAPPAS = (0.13, 0.7, 3.1, 17.0, 123.0, 1111.0, 7777.0)
NORMAL = np.linspace(-7, 7, 8001)
WEIGHT = np.exp(-(NORMAL**2) / 2) / np.exp(-(NORMAL**2) / 2).sum()


def along_the_first_axis(dim, kappa):
    """eta of members of these concentrations, [..., 1, dim]."""
    return kappa[..., tf.newaxis, tf.newaxis] * tf.one_hot([0], dim, dtype=kappa.dtype)


@pytest.mark.parametrize("dim", DIMS)
@pytest.mark.parametrize("kappa", KAPPAS)
def test_mean_and_spread_of_the_cosine_and_their_slopes_in_kappa_are_exact(dim, kappa):
    """By quadrature over the noise: E c = A and E c^2 = 1 - (d - 1) A / kappa, with A' = 1 - A^2 - (d - 1) A / kappa."""
    family, value = LearntVonMisesFisher(dim, 35.0), tf.constant(kappa, tf.float64)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(value)
        eta = along_the_first_axis(dim, tf.repeat(value, len(NORMAL)))
        cosine = tf.cos(family.angle(tf.constant(NORMAL[:, np.newaxis]), eta)[:, 0])
        mean, square = tf.reduce_sum(WEIGHT * cosine), tf.reduce_sum(WEIGHT * cosine**2)
    length = mean_cosine(dim, kappa)
    slope = 1 - length**2 - (dim - 1) / kappa * length
    np.testing.assert_allclose([mean, square], [length, 1 - (dim - 1) / kappa * length], atol=2e-5)
    assert float(tape.gradient(mean, value)) == pytest.approx(slope, rel=5e-4)
    assert float(tape.gradient(square, value)) == pytest.approx((dim - 1) * (length / kappa - slope) / kappa, rel=3e-3)


@pytest.mark.parametrize("dim", [2, 7, 50])
def test_the_angle_s_derivative_is_the_implicit_one_of_its_law(dim):
    """-(dF / dkappa) / f by finite differences of F, from the density alone."""
    kappa, normal = 12.0, np.array([-1.5, -0.3, 0.0, 0.8, 2.0])
    grid = np.linspace(0, np.pi, 400_001)

    def law(concentration, at):
        density = np.exp(concentration * (np.cos(grid) - 1)) * np.sin(grid) ** (dim - 2)
        mass = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
        return np.interp(at, grid, mass / mass[-1]), np.interp(at, grid, density / (mass[-1] * grid[1]))

    value = tf.constant(np.full(len(normal), kappa))
    family = LearntVonMisesFisher(dim, 35.0)
    with tf.GradientTape() as tape:
        tape.watch(value)
        angle = family.angle(tf.constant(normal[:, np.newaxis]), along_the_first_axis(dim, value))[:, 0]
    np.testing.assert_allclose(law(kappa, angle)[0], scipy.special.ndtr(-normal), atol=2e-5)
    step = 1e-4
    change = (law(kappa + step, angle)[0] - law(kappa - step, angle)[0]) / (2 * step)
    np.testing.assert_allclose(tape.gradient(angle, value), -change / law(kappa, angle)[1], rtol=2e-3)


def test_samples_are_those_of_a_frozen_concentration_up_to_the_table():
    eta = along_the_first_axis(6, tf.constant(np.full(500, 17.0)))
    frozen, learnt = VonMisesFisher(6, 17.0).sample(eta, SEED), LearntVonMisesFisher(6, 35.0).sample(eta, SEED)
    np.testing.assert_allclose(learnt, frozen, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(learnt, axis=1), 1, atol=1e-12)


def latent(start, dim=5, **options):
    return SphericalLatent(feature_dim=3, dim=dim, kappa=start, learn_kappa=True, dtype="float64", **options)


def test_kappa_begins_where_it_is_set_and_stays_within_its_range():
    layer, low_high = latent(35.0), np.array(CONCENTRATION_RANGE)
    raw = tf.constant([[1.0, 0, 0, 0, 0, h] for h in (0.0, 0.1, -1e3, 1e3)], tf.float64)
    kappa = layer.family.constrain(raw)[1].numpy()
    np.testing.assert_allclose(kappa, [35, 35 * np.exp(0.1), *low_high], rtol=1e-3)
    with pytest.raises(ValueError, match=r"kappa = 20000.0: where it is learned, it begins between 0.1 and 10000"):
        latent(2e4)
    with pytest.raises(ValueError, match="must be 'exact' or 'detached'"):
        latent(20.0, kappa_gradient="none")


def test_the_kl_is_that_of_each_example_s_kappa_in_single_precision_too():
    for dtype, tolerance in (("float64", 1e-9), ("float32", 2e-5)):
        layer = SphericalLatent(feature_dim=3, dim=50, kappa=35.0, learn_kappa=True, dtype=dtype)
        raw = tf.constant(np.random.default_rng(0).normal(size=[20, 51]) * 2, dtype)
        kl, _, kappa = layer.terms({"posterior": raw}, None, tf.ones([20]))
        assert np.ptp(kappa.value) > 100 and kappa.role == "diagnostic"
        np.testing.assert_allclose(kl.value[:, 0], [kl_to_uniform(50, float(k)) for k in kappa.value], rtol=tolerance, atol=tolerance)


def test_detached_samples_are_the_same_and_have_no_gradient_in_kappa():
    raw = tf.constant([[1.0, 2, 0, -1, 0.5, 0.3]], tf.float64)
    found = {}
    for kind in ("exact", "detached"):
        layer = latent(20.0, kappa_gradient=kind)
        with tf.GradientTape() as tape:
            tape.watch(raw)
            z = layer.sample({"posterior": raw}, 1, SEED)
            value = tf.reduce_sum(z[..., :2])
        found[kind] = z, tape.gradient(value, raw)[0].numpy()
    np.testing.assert_array_equal(found["exact"][0], found["detached"][0])
    np.testing.assert_allclose(found["exact"][1][:5], found["detached"][1][:5], atol=1e-9)
    assert abs(found["detached"][1][5]) < 1e-12 and abs(found["exact"][1][5]) > 1e-3


def learn(start, pull, **options):
    """kappa after training z to lie along an axis, with its KL: the loss is KL - pull E[mu . z]."""
    layer, steps = latent(start, **options), 100
    head, optimizer = tf.Variable(np.zeros([1]), dtype=tf.float64), keras.optimizers.Adam(0.08)
    axis = tf.constant([[1.0, 0, 0, 0, 0]], tf.float64)

    @tf.function
    def step(number):
        with tf.GradientTape() as tape:
            raw = tf.repeat(tf.concat([axis, head[tf.newaxis]], axis=1), 128, axis=0)
            z = layer.sample({"posterior": raw}, 1, tf.stack([0, number]))[0]
            kl = layer.terms({"posterior": raw}, None, tf.ones([128]))[0].value
            loss = tf.reduce_mean(kl) - pull * tf.reduce_mean(z[:, 0])
        optimizer.apply([tape.gradient(loss, head)], [head])

    for number in range(steps):
        step(tf.constant(number))
    return float(layer.family.constrain(tf.concat([axis, head[tf.newaxis]], axis=1))[1][0])


@pytest.mark.parametrize(("start", "options"), [(4.0, {}), (90.0, {}), (90.0, {"kappa_gradient": "detached"})])
def test_the_exact_gradient_finds_the_posterior_and_the_detached_one_collapses(start, options):
    """The posterior under a likelihood exp(20 mu . z) and a uniform prior is vMF(mu, 20), wherever kappa begins."""
    kappa = learn(start, 20.0, **options)
    assert kappa < 10 if options else kappa == pytest.approx(20, rel=0.1)


def test_a_latent_comes_back_from_its_configuration():
    layer = latent(20.0, kappa_gradient="detached")
    again = SphericalLatent.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and again.family.detached
    family = LearntVonMisesFisher.from_config(layer.family.get_config())
    assert family.get_config() == layer.family.get_config()
