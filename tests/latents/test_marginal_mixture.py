import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.categorical_family import Categorical
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.marginal_mixture import MarginalMixtureLatent
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.von_mises_fisher_family import VonMisesFisher

J, K, B = 2, 3, 4
FAMILIES = {"gaussian": Gaussian(3), "von Mises-Fisher": VonMisesFisher(3, 10.0), "categorical": Categorical(4)}


@pytest.fixture(params=FAMILIES)
def family(request):
    return FAMILIES[request.param]


def make(family, kind=MarginalMixtureLatent, dtype="float64", **options):
    latent = kind(feature_dim=5, family=family, variables=J, components=K, hidden_dim=6, mixing="learned", dtype=dtype, **options)
    latent.mixing_logits.assign(np.random.default_rng(3).normal(size=[J, K]))
    return latent


def make_params(latent):
    draw = np.random.default_rng(1)
    return {
        "posterior": tf.constant(draw.normal(size=[B, J, latent.family.raw_size]), latent.compute_dtype),
        "logits": tf.constant(draw.normal(size=[B, J, K]), latent.compute_dtype),
    }


def by_name(latent, params, z):
    return {term.name: term.value for term in latent.terms(params, z, tf.ones([B], z.dtype))}


def test_terms_add_up_to_the_mean_field_bound_for_every_z(family):
    """The sum over j of log q(z_j|x) + E_q(c_j|x) [log q(c_j|x) - log pi_j - log p(z_j|c_j)]."""
    latent = make(family)
    params = make_params(latent)
    z = latent.sample(params, 7, tf.constant([1, 2]))
    points = tf.reshape(z, [7, B, J, family.event_size])
    q = tf.nn.softmax(params["logits"]).numpy()
    expected = np.zeros([7, B])
    components = family.distribution(latent.component_parameters())
    for j in range(J):
        for k in range(K):
            log_component = np.stack(
                [components.log_prob(tf.repeat(points[s, b, j][None, None], J, 0))[j, k] for s in range(7) for b in range(B)]
            )
            joint = np.log(q[:, j, k]) - latent.log_mixing()[j, k].numpy() - log_component.reshape(7, B)
            expected += q[:, j, k] * joint
    expected += latent.log_posterior(params, z).numpy()
    terms = by_name(latent, params, z)
    assert terms["kl_z"].shape == terms["kl_c"].shape == (B, J)
    total = tf.reduce_sum(terms["kl_z"] + terms["kl_c"], axis=-1)
    np.testing.assert_allclose(total, expected.mean(axis=0), rtol=1e-6)


def test_the_bound_is_that_of_the_closed_form_on_average():
    """The terms of the mixture that is not marginal are expectations of the same quantity."""
    family, count = Gaussian(3), 100_000
    latent, closed = make(family), make(family, MixtureLatent)
    closed.components.assign(latent.components)
    params = make_params(latent)
    exact = by_name(closed, params, latent.sample(params, 1, tf.constant([1, 2])))
    exact = tf.reduce_sum(exact["kl_z"], axis=[1, 2]) + tf.reduce_sum(exact["kl_c"], axis=1)
    terms = by_name(latent, params, latent.sample(params, count, tf.constant([1, 2])))
    found = tf.reduce_sum(terms["kl_z"] + terms["kl_c"], axis=1)
    np.testing.assert_allclose(found, exact, rtol=0.01)


def test_codes_that_are_the_responsibilities_cost_nothing(family):
    latent = make(family)
    params = make_params(latent)
    z = latent.sample(params, 1, tf.constant([1, 2]))
    told = {**params, "logits": tf.math.log(latent.responsibilities(z)[0])}
    np.testing.assert_allclose(by_name(latent, told, z)["kl_c"], 0, atol=1e-9)
    assert np.all(by_name(latent, params, z)["kl_c"] > 1e-4)


@pytest.mark.parametrize("detached", [True, False])
def test_detached_codes_are_not_moved(detached):
    latent = make(Gaussian(3), detached_codes=detached)
    params = make_params(latent)
    with tf.GradientTape() as tape:
        tape.watch(params)
        terms = by_name(latent, params, latent.sample(params, 1, tf.constant([1, 2])))
    moved = tape.gradient(terms["kl_c"], {**params, "components": latent.components.value})
    assert (moved["logits"] is None) == detached
    assert np.all(np.abs(moved["components"]).sum(axis=-1) > 0)
    assert np.all(np.abs(moved["posterior"]).sum(axis=-1) > 0)


def test_free_codes_are_drawn_by_the_mixing_weights():
    latent = make(Gaussian(3), dtype="float32")
    _, codes = latent.sample_prior(20_000, tf.constant([1, 2]), np.full([20_000, J], -1))
    shares = np.stack([np.bincount(codes[:, j], minlength=K) / 20_000 for j in range(J)])
    np.testing.assert_allclose(shares, tf.exp(latent.log_mixing()), atol=0.012)
    _, codes = latent.sample_prior(5, tf.constant([1, 2]), [[2, -1]] * 5)
    assert set(codes[:, 0].numpy()) == {2}


def test_the_kl_of_codes_is_to_the_mixing_weights():
    latent = make(Gaussian(3), MixtureLatent)
    params = {**make_params(latent), "logits": tf.repeat(latent.log_mixing()[tf.newaxis], B, axis=0)}
    np.testing.assert_allclose(by_name(latent, params, latent.sample(params, 1, tf.constant([1, 2])))["kl_c"], 0, atol=1e-12)
    aggregate = latent.from_statistics(latent.statistics(params, tf.ones([B], tf.float64)))
    np.testing.assert_allclose(aggregate["aggregate_kl_c"], 0, atol=1e-12)
    assert any(variable is latent.mixing_logits for variable in latent.prior_variables)
