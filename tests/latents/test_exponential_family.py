"""Identities every family obeys, and the paper's worked values."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

from tfvae.latents.bernoulli_family import Bernoulli
from tfvae.latents.categorical_family import Categorical
from tfvae.latents.dirichlet_family import Dirichlet
from tfvae.latents.exponential_family import ExponentialFamily, average, dispersion, kl_divergence, natural, natural_variance
from tfvae.latents.gamma_family import Gamma
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.poisson_family import Poisson
from tfvae.latents.von_mises_fisher_family import VonMisesFisher

FAMILIES = {
    "gaussian": Gaussian(4),
    "von_mises_fisher": VonMisesFisher(4, 7.0),
    "categorical": Categorical(4),
    "categorical of factors": Categorical(3, 4),
    "bernoulli": Bernoulli(4),
    "dirichlet": Dirichlet(4),
    "gamma": Gamma(4),
    "poisson": Poisson(4),
}
SEED = tf.constant([3, 5])


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


def members(family, *shape, seed=0):
    raw = np.random.default_rng(seed).normal(size=(*shape, family.raw_size))
    return natural(family, tf.constant(raw))


def probabilities(*shape, seed=1):
    return tf.constant(np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), shape[:-1]))


def total(value):
    return tf.reduce_sum(value, axis=-1)


def test_natural_parameters_and_usual_ones_are_inverses(family):
    eta = members(family, 6)
    np.testing.assert_allclose(family.natural_parameters(*family.from_natural(eta)), eta, rtol=1e-10)


def test_mean_parameters_are_the_gradient_of_the_log_partition(family):
    eta = members(family, 6)
    np.testing.assert_allclose(family.mean_parameters(eta), ExponentialFamily.mean_parameters(family, eta), rtol=1e-10)


def test_second_derivatives_of_the_log_partition_are_right(family):
    eta, direction = members(family, 1), members(family, 1, seed=9)
    with tf.GradientTape() as tape:
        tape.watch(eta)
        slope = tf.reduce_sum(family.mean_parameters(eta) * direction)
    step = 1e-6
    numeric = (family.mean_parameters(eta + step * direction) - family.mean_parameters(eta - step * direction)) / (2 * step)
    np.testing.assert_allclose(tape.gradient(slope, eta), numeric, rtol=1e-6, atol=1e-8)


def test_log_partition_normalises_the_density(family):
    """log p(z; eta) - <eta, T(z)> + A(eta) = log h(z) does not depend on eta."""
    z = family.sample(members(family, 1), SEED)
    eta = members(family, 5)
    statistic = {
        Gaussian: lambda: tf.stack([z, z**2], axis=-1),
        VonMisesFisher: lambda: z[:, tf.newaxis],
        Categorical: lambda: tf.reshape(z, [1, family.event_size // family.num_values, -1])[..., :-1],
        Bernoulli: lambda: z[..., tf.newaxis],
        Dirichlet: lambda: tf.math.log(z)[:, tf.newaxis],
        Gamma: lambda: tf.stack([tf.math.log(z), z], axis=-1),
        Poisson: lambda: z[..., tf.newaxis],
    }[type(family)]()
    base = family.distribution(eta).log_prob(z) - tf.reduce_sum(eta * statistic, axis=[-2, -1]) + total(family.log_partition(eta))
    np.testing.assert_allclose(base, np.full(5, base[0]), rtol=1e-10, atol=1e-10)


def test_kl_of_a_member_with_itself_is_zero(family):
    eta = members(family, 6)
    np.testing.assert_allclose(kl_divergence(family, eta, eta), 0, atol=1e-12)


def test_kl_agrees_with_monte_carlo(family):
    eta_q, eta_p, count = members(family, 1), members(family, 1, seed=4), 20_000
    z = family.sample(tf.repeat(eta_q, count, axis=0), SEED)
    ratio = (family.distribution(eta_q).log_prob(z) - family.distribution(eta_p).log_prob(z)).numpy()
    assert abs(ratio.mean() - total(kl_divergence(family, eta_q, eta_p))[0]) < 4 * ratio.std() / np.sqrt(count)


def test_kl_to_components_is_average_kl_plus_dispersion(family):
    posterior, components, weights = members(family, 3, 2), members(family, 2, 5, seed=4), probabilities(3, 2, 5)
    direct = tf.einsum("bjk,bjkf->bjf", weights, kl_divergence(family, posterior[:, :, tf.newaxis], components[tf.newaxis]))
    split = kl_divergence(family, posterior, average(weights, components)) + dispersion(family, weights, components)
    np.testing.assert_allclose(split, direct, rtol=1e-10)


def test_dispersion_is_positive_and_zero_when_components_coincide(family):
    weights = probabilities(3, 2, 5)
    assert np.all(dispersion(family, weights, members(family, 2, 5)) > 1e-3)
    same = tf.repeat(members(family, 2, 1), 5, axis=1)
    np.testing.assert_allclose(dispersion(family, weights, same), 0, atol=1e-12)
    np.testing.assert_allclose(natural_variance(weights, same), 0, atol=1e-12)


def test_sample_means_agree_with_the_mean(family):
    eta, count = members(family, 1), 20_000
    z = family.sample(tf.repeat(eta, count, axis=0), SEED).numpy()
    assert np.all(np.abs(z.mean(0) - family.mean(eta)[0]) < 4 * z.std(0) / np.sqrt(count))


def test_a_row_s_sample_does_not_depend_on_its_neighbours(family):
    eta, seeds = members(family, 4), tf.constant([[1, 2], [3, 4], [5, 6], [7, 8]])
    np.testing.assert_array_equal(family.sample(eta, seeds)[2:], family.sample(eta[2:], seeds[2:]))


def test_gaussian_worked_values():
    family = Gaussian(1)
    components = family.natural_parameters(
        tf.constant([[[0.0], [2.0]]], tf.float64), tf.math.log(tf.constant([[[1.0], [0.5]]], tf.float64))
    )
    posterior = family.natural_parameters(tf.constant([[[0.5]]], tf.float64), tf.constant([[[-0.2]]], tf.float64))
    weights = tf.constant([[[0.3, 0.7]]], tf.float64)
    averaged = average(weights, components)
    np.testing.assert_allclose(averaged[0, 0, 0], [2.8, -0.85], rtol=1e-12)
    mean, log_variance = family.from_natural(averaged)
    np.testing.assert_allclose([mean[0, 0, 0], np.exp(log_variance[0, 0, 0])], [1.6470588235, 0.5882352941], rtol=1e-9)
    average_kl, spread = kl_divergence(family, posterior, averaged), dispersion(family, weights, components)
    np.testing.assert_allclose([total(average_kl)[0, 0], total(spread)[0, 0]], [1.1489893676, 0.5168302594], rtol=1e-9)
    np.testing.assert_allclose(total(average_kl + spread), [[1.6658196269]], rtol=1e-9)


def test_gaussian_dispersion_of_equal_variances_is_the_spread_of_means():
    family = Gaussian(1)
    components = family.natural_parameters(
        tf.constant([[[0.0], [2.0]]], tf.float64), tf.fill([1, 2, 1], tf.math.log(tf.constant(0.7, tf.float64)))
    )
    np.testing.assert_allclose(dispersion(family, tf.constant([[[0.3, 0.7]]], tf.float64), components), [[[0.6]]], rtol=1e-10)


def test_categorical_worked_values():
    family = Categorical(3)
    components = family.natural_parameters(tf.math.log(tf.constant([[[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]], tf.float64)))
    posterior = family.natural_parameters(tf.math.log(tf.constant([[[0.5, 0.3, 0.2]]], tf.float64)))
    weights = tf.constant([[[0.3, 0.7]]], tf.float64)
    averaged = average(weights, components)
    np.testing.assert_allclose(family.mean(averaged)[0, 0], [0.2452172, 0.1683955, 0.5863873], atol=5e-8)
    average_kl, spread = kl_divergence(family, posterior, averaged), dispersion(family, weights, components)
    np.testing.assert_allclose([average_kl[0, 0, 0], spread[0, 0, 0]], [0.3143393256, 0.3132011689], rtol=1e-9)
    np.testing.assert_allclose((average_kl + spread)[0, 0, 0], 0.6275404945, rtol=1e-9)


def test_von_mises_fisher_worked_values():
    prior, family = VonMisesFisher(5, 20.0), VonMisesFisher(5, 50.0)
    components = natural(prior, tf.constant([[[1.0, 0, 0, 0, 0], [0.6, 0.8, 0, 0, 0]]], tf.float64))
    posterior = natural(family, tf.constant([[[0.48, 0.64, 0.6, 0, 0]]], tf.float64))
    weights = tf.constant([[[0.3, 0.7]]], tf.float64)
    averaged = average(weights, components)
    average_kl, spread = kl_divergence(family, posterior, averaged), dispersion(prior, weights, components)
    np.testing.assert_allclose(tf.norm(averaged), 18.2428068016, rtol=1e-11)
    np.testing.assert_allclose([average_kl[0, 0, 0], spread[0, 0, 0]], [4.7209992403, 1.5783528608], rtol=1e-10)
    np.testing.assert_allclose((average_kl + spread)[0, 0, 0], 6.2993521011, rtol=1e-10)


@pytest.mark.parametrize(("dim", "concentration"), [(2, 1.0), (3, 50.0), (50, 35.0), (100, 80.0), (200, 200.0)])
def test_von_mises_fisher_log_partition_equals_scipy(dim, concentration):
    eta = natural(VonMisesFisher(dim, concentration), tf.ones([1, dim], tf.float64))
    order = dim / 2 - 1
    log_bessel = np.log(special.ive(order, concentration)) + concentration
    expected = log_bessel - order * np.log(concentration) + dim / 2 * np.log(2 * np.pi)
    np.testing.assert_allclose(VonMisesFisher(dim, concentration).log_partition(eta)[0], [expected], rtol=1e-10)


@pytest.mark.parametrize("dim", [2, 3, 16, 512])
def test_von_mises_fisher_is_finite_and_right_where_directions_cancel(dim):
    """At eta = 0 A is the log of the sphere's area and its gradient 0; the series there meets the Bessel functions."""
    family = VonMisesFisher(dim, 20.0)
    for dtype in ("float32", "float64"):
        eta = tf.zeros([1, 1, dim], dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(eta)
            value, means = family.log_partition(eta), family.mean_parameters(eta)
        np.testing.assert_allclose(value, [[np.log(2) + dim / 2 * np.log(np.pi) - special.gammaln(dim / 2)]], rtol=1e-5)
        np.testing.assert_array_equal(tape.gradient(value, eta), np.zeros([1, 1, dim]))
        np.testing.assert_allclose(tape.gradient(means, eta), np.full([1, 1, dim], 1 / dim), rtol=1e-5)
    edge = np.sqrt(0.01 * dim)
    below, above = (
        family.log_partition(natural(VonMisesFisher(dim, norm), tf.ones([1, dim], tf.float64)))
        for norm in (edge * 0.999999, edge * 1.000001)
    )
    slope = edge / dim * 2e-6 * edge
    np.testing.assert_allclose(above - below, [[slope]], atol=1e-9)


def test_von_mises_fisher_gradients_are_finite_for_opposite_components():
    family = VonMisesFisher(3, 20.0)
    raw = tf.constant([[[1.0, 0, 0], [-1.0, 0, 0]]])
    logits = tf.zeros([1, 1, 2])
    with tf.GradientTape() as tape:
        tape.watch([raw, logits])
        components, weights = natural(family, raw), tf.nn.softmax(logits)
        averaged = average(weights, components)
        loss = tf.reduce_sum(dispersion(family, weights, components)) + tf.reduce_sum(kl_divergence(family, averaged, averaged + 1.0))
    for gradient in tape.gradient(loss, [raw, logits]):
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize(("dim", "concentration"), [(2, 1.0), (2, 50.0), (3, 10.0), (5, 20.0), (50, 35.0), (200, 1000.0)])
def test_von_mises_fisher_samples_have_the_right_angle_and_length(dim, concentration):
    family, count = VonMisesFisher(dim, concentration), 20_000
    mu = np.eye(dim)[0]
    z = family.sample(natural(family, tf.constant(np.tile(mu, (count, 1)))), SEED).numpy()
    cosine = z @ mu
    expected = special.ive(dim / 2, concentration) / special.ive(dim / 2 - 1, concentration)
    assert abs(cosine.mean() - expected) < 4 * cosine.std() / np.sqrt(count)
    variance = 1 - expected**2 - (dim - 1) / concentration * expected
    assert cosine.var() == pytest.approx(variance, rel=0.08)
    np.testing.assert_allclose(np.linalg.norm(z, axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("start", [[1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.3, -0.5, 0.1, 0.8]])
def test_von_mises_fisher_sample_gradient_is_that_of_the_expectation(start):
    """grad of E[a.z] is A_d(kappa) a projected on the tangent space at mu, at the first axis too."""
    family, count = VonMisesFisher(4, 6.0), 40_000
    mu, a = np.array(start) / np.linalg.norm(start), np.array([0.2, 1.0, -0.4, 0.7])
    raw = tf.constant(np.tile(mu, (count, 1)))
    with tf.GradientTape() as tape:
        tape.watch(raw)
        value = tf.linalg.matvec(family.sample(natural(family, raw), SEED), a)
    gradient = tape.gradient(value, raw).numpy()
    expected = special.ive(2, 6.0) / special.ive(1, 6.0) * (a - (a @ mu) * mu)
    assert np.all(np.abs(gradient.mean(0) - expected) < 4 * gradient.std(0) / np.sqrt(count) + 1e-12)
    assert np.abs(gradient).max() < 10


def test_gaussian_log_variances_stay_in_range_with_a_gradient_everywhere():
    family, raw = Gaussian(1), tf.constant([[0.0, -30.0], [0.0, -1.0], [0.0, 30.0]])
    with tf.GradientTape() as tape:
        tape.watch(raw)
        _, log_variance = family.constrain(raw)
    np.testing.assert_allclose(log_variance[:, 0], [-6, -1, 4], atol=0.02)
    assert np.all(tape.gradient(log_variance, raw)[:, 1] > 0)


# What is differentiated of a sample, and its expectation, for families whose samples have an unbiased gradient.
MOMENTS = {
    "gamma": (lambda z: tf.math.log(z) + 0.3 * z, lambda family, eta: tf.reduce_sum(family.mean_parameters(eta) * [1.0, 0.3], axis=-1)),
    "dirichlet": (lambda z: tf.math.log(z), lambda family, eta: family.mean_parameters(eta)[..., 0, :]),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_implicit_gradients_of_samples_are_those_of_expectations(name):
    family, count = FAMILIES[name], 40_000
    of_sample, expectation = MOMENTS[name]
    raw, weight = tf.constant(np.random.default_rng(0).normal(size=[1, family.raw_size])), np.array([0.2, 1.0, -0.4, 0.7])

    def slopes(function):
        with tf.GradientTape() as tape:
            repeated = tf.repeat(raw, count, axis=0)
            tape.watch(repeated)
            value = tf.linalg.matvec(function(natural(family, repeated)), weight)
        return tape.gradient(value, repeated).numpy()

    found, expected = slopes(lambda eta: of_sample(family.sample(eta, SEED))), slopes(lambda eta: expectation(family, eta))
    assert np.all(np.abs(found.mean(0) - expected[0]) < 4.5 * found.std(0) / np.sqrt(count) + 1e-12)


@pytest.mark.parametrize("name", ["bernoulli", "categorical of factors", "poisson"])
def test_discrete_samples_are_whole_and_have_a_gradient_that_points_the_right_way(name):
    """A relaxed gradient is biased; raising the parameter of a value must raise how often it is drawn."""
    family, count = FAMILIES[name], 4000
    raw = tf.constant(np.tile(np.random.default_rng(0).normal(size=[1, family.raw_size]), [count, 1]))
    with tf.GradientTape() as tape:
        tape.watch(raw)
        eta = natural(family, raw)
        z = family.sample(eta, SEED)
        own = tf.reshape(z, [count, tf.shape(eta)[1], -1])[..., :1]  # each factor's first number, which its first parameter raises
        value = tf.reduce_sum(own)
    np.testing.assert_array_equal(z, tf.round(z))
    slope = tf.reshape(tape.gradient(value, raw), [count, tf.shape(eta)[1], -1])[..., 0]
    exact = family.mean_parameters(eta)[0, :, 0]
    exact = exact if name == "poisson" else exact * (1 - exact)
    np.testing.assert_allclose(tf.reduce_mean(slope, axis=0), exact, rtol=0.35)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name not in ("gaussian", "von_mises_fisher")])
def test_ways_between_two_samples_stay_among_samples_and_arrive(name):
    family = FAMILIES[name]
    z = family.sample(members(family, 2), SEED)
    way = family.interpolate(z[:1], z[1:], tf.cast(tf.linspace(0.0, 1.0, 6), tf.float64))
    np.testing.assert_allclose(tf.gather(way, [0, 5]), z, rtol=1e-12)
    assert np.all(np.isfinite(family.distribution(members(family, 1)).log_prob(way)))


def test_bernoulli_dispersion_is_the_paper_s():
    """Section 3.2: -log(prod_c p_c^q_c + prod_c (1 - p_c)^q_c)."""
    family, q, p = Bernoulli(1), np.array([0.3, 0.7]), np.array([0.2, 0.9])
    components = family.natural_parameters(tf.constant(np.log(p / (1 - p)))[np.newaxis, :, np.newaxis])
    expected = -np.log(np.prod(p**q) + np.prod((1 - p) ** q))
    np.testing.assert_allclose(dispersion(family, tf.constant(q[np.newaxis, np.newaxis]), components), [[[expected]]], rtol=1e-12)


def test_kl_of_poisson_distributions_is_that_of_their_rates():
    family = FAMILIES["poisson"]
    eta_q, eta_p = members(family, 5), members(family, 5, seed=4)
    q, p = np.exp(eta_q[..., 0]), np.exp(eta_p[..., 0])
    np.testing.assert_allclose(kl_divergence(family, eta_q, eta_p), q * np.log(q / p) - q + p, rtol=1e-9)


@pytest.mark.parametrize("name", ["bernoulli", "gamma", "dirichlet"])
def test_kl_is_tfp_s(name):
    family = FAMILIES[name]
    eta_q, eta_p = members(family, 5), members(family, 5, seed=4)
    expected = tfp.distributions.kl_divergence(family.distribution(eta_q), family.distribution(eta_p))
    np.testing.assert_allclose(total(kl_divergence(family, eta_q, eta_p)), expected, rtol=1e-9)
