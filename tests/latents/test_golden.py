"""The official codes' values of each loss term, on random inputs.

demvae_* is of wenxianxian/demvae @0ca6a86, `GMVAE`; vmf_kl of jiacheng-xu/vmf_vae_nlp @6459c62, `KL_davidson`.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfvae.latents.gaussian_family import LOG_VARIANCE_RANGE, Gaussian
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.spherical import kl_to_uniform

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"


def raw_log_variance(log_variance):
    """Inverse of the family's smooth bounds."""
    low, high = LOG_VARIANCE_RANGE
    above = high - np.log(np.expm1(high - log_variance))
    return low + np.log(np.expm1(above - low))


@pytest.fixture(params=["a", "b", "c"])
def golden(request):
    return dict(np.load(GOLDEN / f"demvae_terms_{request.param}.npz"))


@pytest.fixture
def latent(golden):
    variables, components, dim = golden["prior_mean"].shape
    layer = MixtureLatent(feature_dim=1, family=Gaussian(dim), variables=variables, components=components, hidden_dim=1, dtype="float64")
    layer.components.assign(np.concatenate([golden["prior_mean"], raw_log_variance(golden["prior_logvar"])], axis=-1))
    return layer


@pytest.fixture
def params(golden):
    posterior = np.concatenate([golden["post_mean"], raw_log_variance(golden["post_logvar"])], axis=-1)
    return {"posterior": tf.constant(posterior), "logits": tf.math.log(golden["q_c"])}


def test_terms_equal_the_official_code(golden, latent, params):
    batch = len(golden["q_c"])
    weight = tf.ones([batch], tf.float64)
    values = {term.name: tf.reduce_sum(term.value) / batch for term in latent.terms(params, None, weight)}
    aggregate = latent.from_statistics(latent.statistics(params, weight))
    values |= {name: tf.reduce_sum(aggregate[name]) for name in ("mutual_information", "aggregate_kl_c")}
    names = {"kl_z": "true_kl_z", "kl_c": "true_kl_c"}
    assert set(values) == {"kl_z", "kl_c", "dispersion", "average_kl", "natural_variance", "mutual_information", "aggregate_kl_c"}
    for name, value in values.items():
        np.testing.assert_allclose(value, golden[names.get(name, name)], rtol=1e-9, err_msg=name)


def test_log_prior_equals_the_official_code(golden, latent):
    z = golden["z"].reshape(len(golden["z"]), -1)
    np.testing.assert_allclose(latent.log_prior(tf.constant(z)), golden["log_prior_z"], rtol=1e-9)


def test_kl_to_the_uniform_law_on_a_sphere_equals_the_official_code():
    golden = np.load(GOLDEN / "vmf_kl.npz")
    values = [kl_to_uniform(int(dim), float(kappa)) for dim, kappa in zip(golden["dim"], golden["kappa"], strict=True)]
    assert len(values) == 40
    np.testing.assert_allclose(values, golden["kl_davidson"], rtol=1e-9)
