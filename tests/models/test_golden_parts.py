"""Parts against values of the official codes: NVDM with Gaussian and von Mises-Fisher posteriors, and Skip-VAE's perceptrons.

`tests/golden/*.npz` were computed with jiacheng-xu/vmf_vae_nlp @6459c62 (`BowVAE.forward`, `Runner.evaluate`, `vmf_hypvae`) and
yoonkim/skip-vae @b1b6c1f (`MLPVAE._dec_forward`) in float64; weights are as torch has them, [out, in].
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfvae.decoders.bag_of_words import BagOfWordsDecoder
from tfvae.decoders.perceptron import PerceptronDecoder
from tfvae.encoders.bag_of_words import BagOfWordsEncoder
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.learnt_concentration import CONCENTRATION_RANGE
from tfvae.latents.spherical import SphericalLatent, kl_to_uniform

FOLDER = pathlib.Path(__file__).parents[1] / "golden"
POSTERIORS = ("nvdm_gaussian", "nvdm_vmf_learnt_kappa")


def read(name):
    with np.load(FOLDER / f"{name}.npz") as values:
        return dict(values)


def documents(counts):
    """The batch of documents with these counts of words, [B, V - 4]."""
    rows = [4 + np.repeat(np.arange(len(row)), row.astype(int)) for row in counts]
    tokens = np.zeros([len(rows), max(map(len, rows))], np.int32)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = row
    return {"tokens": tf.constant(tokens)}


def nvdm(golden):
    words = golden["counts"].shape[1] + 4
    hidden, size = golden["dec_linear_weight"].shape
    encoder = BagOfWordsEncoder(words, hidden_dim=hidden, dtype="float64")
    encoder.set_weights([golden["enc_vec_weight"].T, golden["enc_vec_bias"], golden["enc_vec_2_weight"].T, golden["enc_vec_2_bias"]])
    decoder = BagOfWordsDecoder(words, z_dim=size, hidden_dim=hidden, dtype="float64")
    decoder.set_weights([golden["dec_linear_weight"].T, golden["dec_linear_bias"], golden["out_weight"].T, golden["out_bias"]])
    return encoder, decoder


@pytest.mark.parametrize("name", POSTERIORS)
def test_features_and_reconstruction_are_those_of_nvdm(name):
    golden = read(name)
    encoder, decoder = nvdm(golden)
    batch = documents(golden["counts"])
    np.testing.assert_allclose(encoder(batch), golden["features"], rtol=1e-9)
    reconstruction = -tf.reduce_mean(decoder.log_prob(batch, tf.constant(golden["z"])), axis=0)
    np.testing.assert_allclose(reconstruction, golden["reconstruction"], rtol=1e-9)
    np.testing.assert_array_equal(decoder.num_observations(batch), golden["words"])


@pytest.mark.parametrize("name", POSTERIORS)
def test_the_gradient_in_the_words_weights_is_that_of_nvdm(name):
    golden = read(name)
    _, decoder = nvdm(golden)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(decoder.log_prob(documents(golden["counts"]), tf.constant(golden["z"])))
    np.testing.assert_allclose(tape.gradient(loss, decoder.words.kernel.value), golden["d_loss_d_out_weight"].T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", POSTERIORS)
def test_perplexity_is_that_of_nvdm_over_its_words(name):
    golden = read(name)
    _, decoder = nvdm(golden)
    batch = documents(golden["counts"])
    reconstruction = -tf.reduce_mean(decoder.log_prob(batch, tf.constant(golden["eval_z"])), axis=0)
    nats = (np.sum(reconstruction) + np.sum(golden["kl"])) / np.sum(decoder.num_observations(batch))
    assert nats == pytest.approx(golden["nats_a_word"], rel=1e-9)
    assert float(decoder.rate.value(tf.constant(nats))) == pytest.approx(golden["perplexity"], rel=1e-9)


def test_the_gaussian_posterior_and_its_kl_are_those_of_nvdm():
    """Theirs is called a log-variance and is the logarithm of the standard deviation."""
    golden = read("nvdm_gaussian")
    latent = GaussianLatent(feature_dim=7, dim=5, dtype="float64")
    log_variance = 2 * golden["log_standard_deviation"]
    features = tf.constant(golden["features"])
    kernel = np.concatenate([golden["dist_func_mean_weight"].T, 2 * golden["dist_func_logvar_weight"].T], axis=1)
    latent.posterior.set_weights([kernel, np.concatenate([golden["dist_func_mean_bias"], 2 * golden["dist_func_logvar_bias"]])])
    params = latent(features)
    np.testing.assert_allclose(params["posterior"][:, :5], golden["mean"], rtol=1e-9)
    np.testing.assert_allclose(params["posterior"][:, 5:], log_variance, rtol=1e-9)
    closed = 0.5 * np.sum(golden["mean"] ** 2 + np.exp(log_variance) - 1 - log_variance, axis=1)
    np.testing.assert_allclose(closed, golden["kl"], rtol=1e-9)


def test_the_learnt_concentration_has_the_exact_kl():
    golden = read("nvdm_vmf_learnt_kappa")
    expected = [kl_to_uniform(5, float(kappa)) for kappa in golden["kappa"][:, 0]]
    np.testing.assert_allclose(golden["kl_davidson"], expected, rtol=1e-9)


def test_a_latent_that_learns_its_concentration_has_the_direction_the_kl_and_its_slope_of_the_official_one():
    """Theirs is kappa = clip(10 h + 50, 10, 150); ours gets the h at which it has the same kappa."""
    golden = read("nvdm_vmf_learnt_kappa")
    kappa = golden["kappa"][:, 0]
    head = golden["features"] @ golden["dist_func_kappa_weight"].T + golden["dist_func_kappa_bias"]
    np.testing.assert_allclose(np.clip(10 * head[:, 0] + 50, 10, 150), kappa, rtol=1e-9)
    latent = SphericalLatent(feature_dim=7, dim=5, kappa=50.0, learn_kappa=True, dtype="float64")
    low, high = np.log(CONCENTRATION_RANGE)
    logit = lambda value: np.log((np.log(value) - low) / (high - np.log(value)))  # noqa: E731
    own = (logit(kappa) - logit(50.0)) * (high - low) / 4
    direction = golden["features"] @ golden["dist_func_mu_weight"].T + golden["dist_func_mu_bias"]
    raw = tf.constant(np.concatenate([direction, own[:, np.newaxis]], axis=1))
    np.testing.assert_allclose(latent.mode({"posterior": raw}), golden["mu"], rtol=1e-9)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(raw)
        terms = {term.name: term.value for term in latent.terms({"posterior": raw}, None, tf.ones([9]))}
        kl, concentration = terms["kl_z"][:, 0], terms["kappa"]
    np.testing.assert_allclose(concentration, kappa, rtol=1e-12)
    np.testing.assert_allclose(kl, golden["kl_davidson"], rtol=1e-9)
    np.testing.assert_allclose(terms["norm_penalty"], golden["redundant_norm"], rtol=1e-9)
    slope = tape.gradient(kl, raw)[:, -1] / tape.gradient(concentration, raw)[:, -1]
    np.testing.assert_allclose(slope, golden["d_kl_d_kappa"], rtol=1e-9)


def test_the_perceptron_s_probabilities_and_gradient_are_those_of_skip_vae():
    """Theirs are clamped to [1e-5, 1 - 1e-5], which none of these reaches."""
    golden = read("skip_mlp_0")
    names = ("dec_init", "dec_linears.0", "dec_linears.1", "dec_linears.2", "dec_last")
    decoder = PerceptronDecoder(28, 28, z_dim=2, hidden_dim=6, num_layers=3, dtype="float64")
    decoder.set_weights([value for name in names for value in (golden[f"w/{name}.weight"].T, golden[f"w/{name}.bias"])])
    image, z = tf.constant(golden["image"][:, 0], tf.float64), tf.constant(golden["z"])
    np.testing.assert_allclose(tf.sigmoid(decoder.logits(z)), golden["probability"].reshape(2, -1), rtol=1e-9)
    with tf.GradientTape() as tape:
        tape.watch(z)
        nll = -decoder.log_prob({"image": image}, z[tf.newaxis])[0]
    np.testing.assert_allclose(nll, golden["negative_log_likelihood"], rtol=1e-9)
    np.testing.assert_allclose(tape.gradient(nll, z), golden["d_nll_d_z"], rtol=1e-9)
