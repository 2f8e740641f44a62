import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.point import PointLatent
from tfvae.latents.product import ProductLatent
from tfvae.latents.spherical import SphericalLatent

B = 4
SEED = tf.constant([1, 2])
FEATURES = tf.constant(np.random.default_rng(0).normal(size=[B, 6]))


def gaussian(dim=3, name="gaussian"):
    return GaussianLatent(feature_dim=6, dim=dim, dtype="float64", name=name)


def discrete(name="discrete"):
    return DiscreteLatent(feature_dim=6, variables=2, components=5, dtype="float64", name=name)


def mixture():
    sizes = {"variables": 2, "components": 4, "hidden_dim": 3}
    return MixtureLatent(feature_dim=6, family=Gaussian(2), dtype="float64", name="mixture", **sizes)


def make(*parts):
    return ProductLatent(parts, dtype="float64", name="latent")


def test_z_and_its_densities_are_those_of_the_parts():
    parts = gaussian(), discrete()
    latent = make(*parts)
    params = latent(FEATURES)
    z = latent.sample(params, 7, SEED)
    assert z.shape == (7, B, latent.size) and latent.size == 3 + 10
    halves = z[..., :3], z[..., 3:]
    for method in ("mean", "mode"):
        expected = np.concatenate([getattr(part, method)(params[part.name]) for part in parts], axis=-1)
        np.testing.assert_array_equal(getattr(latent, method)(params), expected)
    posterior = sum(part.log_posterior(params[part.name], half).numpy() for part, half in zip(parts, halves, strict=True))
    np.testing.assert_allclose(latent.log_posterior(params, z), posterior)
    prior = sum(part.log_prior(half).numpy() for part, half in zip(parts, halves, strict=True))
    np.testing.assert_allclose(latent.log_prior(z), prior)
    np.testing.assert_array_equal(np.sort(np.reshape(halves[1], [-1, 5]), axis=-1), np.tile(np.eye(5)[-1], (7 * B * 2, 1)))
    relaxed = latent.sample(params, 7, SEED, temperature=latent.annealed_temperature(None))
    np.testing.assert_array_equal(relaxed[..., :3], halves[0])
    assert np.max(relaxed[..., 3:]) < 1


def test_codes_are_those_of_the_part_that_has_some_wherever_it_stands():
    for parts, before in (((gaussian(), discrete()), 3), ((discrete(), gaussian()), 0)):
        latent = make(*parts)
        params = latent(FEATURES)
        coded = latent.coded_part()
        assert (coded.name, latent.num_variables, latent.num_components, latent.has_codes) == ("discrete", 2, 5, True)
        np.testing.assert_array_equal(latent.code_probabilities(params), coded.code_probabilities(params["discrete"]))
        z, codes = latent.sample_prior(50, SEED, np.tile([-1, 3], (50, 1)))
        assert set(codes[:, 1].numpy()) == {3}
        for variable in range(2):
            columns = latent.code_columns(variable)
            assert columns == slice(before + 5 * variable, before + 5 * variable + 5)
            np.testing.assert_array_equal(np.argmax(z[:, columns], axis=-1), codes[:, variable])
        assert latent.component_centres().shape == (2, 5, 5)
        assert set(latent.from_statistics(latent.statistics(params, tf.ones([B], tf.float64)))) > {"mutual_information"}
        free = np.roll([True] * 3 + [False] * 10, 0 if before else 10)
        np.testing.assert_array_equal(latent.moves_freely, free)


def test_a_product_without_codes_has_none():
    latent = make(gaussian(), SphericalLatent(feature_dim=6, dim=4, kappa=5.0, dtype="float64", name="spherical"))
    params = latent(FEATURES)
    assert not latent.has_codes and latent.statistics(params, tf.ones([B])) == {}
    assert latent.code_probabilities(params).shape == (B, 1, 1) and latent.sample_prior(3, SEED)[1].shape == (3, 1)
    terms = {term.name: term.value.shape for term in latent.terms(params, latent.sample(params, 1, SEED), tf.ones([B]))}
    assert terms == {"kl_z": (B, 1, 3), "kl_z_spherical": (B, 1), "norm_penalty": (B,)}


def test_a_way_is_that_of_each_part():
    latent = make(gaussian(), discrete())
    ends = latent.mode(latent(FEATURES))[:2]
    way = latent.interpolate(ends[:1], ends[1:], tf.cast(tf.linspace(0.0, 1.0, 5), tf.float64)).numpy()
    np.testing.assert_allclose(way[[0, 4]], ends)
    np.testing.assert_allclose(way[2, :3], np.mean(ends[:, :3], axis=0))
    np.testing.assert_array_equal(way[:, 3:], np.round(way[:, 3:]))


def test_a_mixture_beside_a_gaussian_keeps_its_prior():
    latent = make(gaussian(), mixture())
    assert [variable.path for variable in latent.prior_variables] == [latent.parts[1].components.path]
    assert set(latent.prior_parameters()) == {"components"} and latent.has_dispersion


def test_a_product_begins_as_another_of_the_same_parts():
    first, second = make(gaussian(), discrete()), make(gaussian(), discrete())
    for variable in second.trainable_variables:
        variable.assign(variable + 1)
    first.initialize_from(second)
    tf.nest.map_structure(np.testing.assert_array_equal, first(FEATURES), second(FEATURES))
    for other in (gaussian(), make(discrete(), gaussian()), make(gaussian(), mixture())):
        with pytest.raises(ValueError, match="a product of gaussian and discrete begins as one of the same"):
            first.initialize_from(other)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((gaussian, gaussian), "parts gaussian, gaussian: each needs a name of its own"),
        ((discrete, mixture), "parts discrete and mixture: at most one may have codes"),
        ((gaussian, lambda: PointLatent(feature_dim=6, dim=2, name="point")), "part point: has no posterior to be joined"),
    ],
)
def test_parts_that_cannot_stand_side_by_side_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        make(*(part() for part in parts))
