"""Discrete latents, products of latents and mixtures against values of wenxianxian/demvae @0ca6a86.

demvae_divae_a is of `sent_models.DiVAE`, demvae_gumbel of `nn_lib.GumbelConnector`, demvae_svae of `sent_models.SVAE`, demvae_bmvae_a and
demvae_sup_divae of `sup_models.BMVAE` and `DiVAE`, demvae_mop_a of `sent_models.GMVAE_MoP`; all in float64, without the weights' names.
"""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from tfvae.decoders.recurrent import RecurrentDecoder
from tfvae.latents.categorical_family import Categorical
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.exponential_family import average, natural
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.gaussian_family import LOG_VARIANCE_RANGE, Gaussian
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.mixture_of_priors import MixtureOfPriorsLatent
from tfvae.latents.product import ProductLatent
from tfvae.objectives.elbo import ELBO

FOLDER = pathlib.Path(__file__).parents[1] / "golden"


def read(name):
    with np.load(FOLDER / f"demvae_{name}.npz") as values:
        return dict(values)


def near(value, expected, rtol=1e-9, atol=1e-12):
    np.testing.assert_allclose(value, expected, rtol=rtol, atol=atol)


def raw_log_variance(log_variance):
    """Inverse of the Gaussian family's smooth bounds."""
    low, high = LOG_VARIANCE_RANGE
    above = high - np.log(np.expm1(high - log_variance))
    return low + np.log(np.expm1(above - low))


def discrete(golden, **options):
    _, variables, components = golden["logits"].shape
    return DiscreteLatent(feature_dim=1, variables=variables, components=components, dtype="float64", **options)


def aggregate_of(latent, params, count):
    return latent.from_statistics(latent.statistics(params, tf.ones([count], tf.float64)))


def ours(kernel, hidden):
    """A torch GRU's kernel [3H, …], gates r, z, n, as [..., 3H] of gates z, r, h."""
    r, z, n = (kernel[i * hidden : (i + 1) * hidden] for i in range(3))
    return np.moveaxis(np.concatenate([z, r, n]), 0, -1)


def reconstruction(golden, z, read_by_steps=None):
    """The decoder's -log p(x|z), the mean over examples; each step reads entries of z from `read_by_steps` on, none unless it is given."""
    hidden = golden["gru_weight_hh_l0"].shape[1]
    words, size = golden["embedding"].shape
    tied, width = "project_weight" not in golden, z.shape[-1]
    switches = {"z_to_inputs": "none" if read_by_steps is None else "first", "tied_embeddings": tied}
    decoder = RecurrentDecoder(words, z_dim=width, embedding_dim=size, hidden_dim=hidden, dtype="float64", **switches)
    decoder.embedding.assign(golden["embedding"])
    decoder.state_kernels[0].assign(golden["init_kernel"].T)
    kernel = ours(golden["gru_weight_ih_l0"], hidden)
    if read_by_steps:  # the steps read less of z than the initial state does
        kernel = np.concatenate([kernel[:size], np.zeros([read_by_steps, 3 * hidden]), kernel[size:]])
    [cell] = decoder.cells
    cell.kernel.assign(kernel)
    cell.recurrent_kernel.assign(ours(golden["gru_weight_hh_l0"], hidden))
    cell.bias.assign(np.stack([ours(golden[f"gru_bias_{side}_l0"], hidden) for side in ("ih", "hh")]))
    if not tied:
        decoder.softmax.kernel.assign(golden["project_weight"])
    decoder.softmax.bias.assign(np.zeros(words) if tied else golden["project_bias"])
    batch = {"tokens": tf.constant(golden["tokens"][:, 1:], tf.int32), "length": tf.constant(golden["length"] - 1, tf.int32)}
    return -tf.reduce_mean(decoder.log_prob(batch, z[tf.newaxis]))


def of_ids(golden, count):
    hard = tf.one_hot(golden["y_ids"], count, dtype=tf.float64)
    return tf.reshape(hard, [len(hard), -1])


def means(terms):
    return {term.name: tf.reduce_sum(term.value) / term.value.shape[0] for term in terms}


def test_di_vae_s_terms_loss_and_gradient():
    golden = read("divae_a")
    latent, logits, count = discrete(golden), tf.constant(golden["logits"]), len(golden["logits"])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        aggregate = aggregate_of(latent, {"logits": logits}, count)
        loss = tf.reduce_sum(aggregate["aggregate_kl_c"])
    near(loss, golden["aggregate_kl_c"])
    near(tf.reduce_sum(aggregate["mutual_information"]), golden["mutual_information"])
    near(tape.gradient(loss, logits), golden["d_aggregate_kl_d_logits"])
    kl = means(latent.terms({"logits": logits}, None, tf.ones([count])))
    near(kl["kl_c"], golden["aggregate_kl_c"] + golden["mutual_information"])
    nll = reconstruction(golden, of_ids(golden, 5), read_by_steps=0)
    near(nll, golden["nll"])
    near(ELBO(mi_weight=1.0)(nll, kl, aggregate), golden["loss_di_vae"])
    near(ELBO(kl_weight=0.0)(nll, kl, aggregate), golden["nll"])
    near(ELBO()(nll, kl, aggregate), golden["nll"] + golden["aggregate_kl_c"] + golden["mutual_information"])


def test_one_hot_samples_are_the_official_ones_of_the_same_noise():
    golden = read("divae_a")
    hard = discrete(golden, gumbel="straight_through").relax(tf.constant(golden["logits"]), tf.constant(golden["uniform"]), 1.0)
    np.testing.assert_array_equal(tf.argmax(hard, axis=-1), golden["y_ids"])


@pytest.mark.parametrize(("gumbel", "name"), [("soft", "soft"), ("straight_through", "hard")])
def test_gumbel_softmax_samples_and_gradients(gumbel, name):
    golden = read("gumbel")
    latent = DiscreteLatent(feature_dim=1, variables=1, components=5, gumbel=gumbel, dtype="float64")
    logits = tf.constant(golden["logits"])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        sample = latent.relax(logits, tf.constant(golden["uniform"]), float(golden["temperature"]))
        loss = tf.reduce_sum(sample * golden["upstream"])
    near(sample, golden[f"{name}_sample"])
    near(tape.gradient(loss, logits), golden[f"{name}_gradient"])


def test_semi_vae_s_terms_and_losses():
    golden = read("svae")
    codes, size = discrete(golden, name="discrete"), golden["post_mean"].shape[1]
    latent = ProductLatent([codes, GaussianLatent(feature_dim=1, dim=size, dtype="float64", name="gaussian")], dtype="float64")
    posterior = np.concatenate([golden["post_mean"], raw_log_variance(golden["post_logvar"])], axis=1)
    params = {"discrete": {"logits": tf.constant(golden["logits"])}, "gaussian": {"posterior": tf.constant(posterior)}}
    kl = means(latent.terms(params, None, tf.ones([len(posterior)])))
    near(kl["kl_z"], golden["kl_z"])
    near(kl["kl_c"], golden["true_kl_c"])
    aggregate = aggregate_of(latent, params, len(posterior))
    for name in ("aggregate_kl_c", "mutual_information"):
        near(tf.reduce_sum(aggregate[name]), golden[name])
    continuous = golden["post_mean"] + np.exp(golden["post_logvar"] / 2) * golden["normal"]
    nll = reconstruction(golden, tf.concat([of_ids(golden, 5), continuous], axis=-1), read_by_steps=codes.size)
    near(nll, golden["nll"])
    near(ELBO()(nll, kl, aggregate), golden["loss_semi"])
    near(ELBO(mi_weight=1.0)(nll, kl, aggregate), golden["loss_semi_mi"])


def dcm(golden):
    """Their c with J categorical z is a mixture of one variable, whose components have J factors."""
    _, factors, values = golden["logits_z"].shape
    family = Categorical(values, factors)
    latent = MixtureLatent(feature_dim=1, family=family, variables=1, components=len(golden["eta"]), hidden_dim=1, dtype="float64")
    latent.components.assign(golden["eta"].reshape(1, len(golden["eta"]), -1))
    eta = golden["logits_z"][..., :-1] - golden["logits_z"][..., -1:]
    return latent, {"posterior": tf.constant(eta.reshape(len(eta), 1, -1)), "logits": tf.constant(golden["logits_c"][:, tf.newaxis])}


def test_dcm_vae_s_terms_are_those_of_a_mixture_whose_family_has_factors():
    golden = read("bmvae_a")
    latent, params = dcm(golden)
    values = means(latent.terms(params, None, tf.ones([len(golden["logits_c"])])))
    names = {"kl_z": "true_kl_z", "kl_c": "kl_c", "average_kl": "average_kl", "dispersion": "dispersion"}
    for name, theirs in {**names, "natural_variance": "natural_variance"}.items():
        near(values[name], golden[theirs], atol=1e-11)  # they add 1e-12 inside logarithms
    aggregate = aggregate_of(latent, params, len(golden["logits_c"]))
    near(aggregate["mutual_information"], [golden["mutual_information_c"]])
    averaged = average(latent.code_probabilities(params), latent.component_parameters())
    near(tf.reshape(latent.family.mean(averaged), golden["averaged_theta"].shape), golden["averaged_theta"])
    nll = reconstruction(golden, of_ids(golden, 8))
    near(nll, golden["nll"])
    near(nll + values["kl_z"] + values["kl_c"], golden["elbo_loss"])
    beta = 1 - float(golden["beta_code"])
    near(values["kl_z"] - beta * values["dispersion"], golden["zkl_plus_beta_dispersion"])
    bound = ELBO(beta=beta)(nll, {name: values[name] for name in ("kl_z", "kl_c")}, {"dispersion": values["dispersion"]})
    near(bound + golden["cross_entropy_z"], golden["loss"])


def test_dcm_vae_s_gradients():
    """They differentiate the regularisers and the cross-entropy of labels of the first variables together."""
    golden = read("bmvae_a")
    latent, params = dcm(golden)
    logits_z, count = tf.constant(golden["logits_z"]), len(golden["logits_z"])
    with tf.GradientTape() as tape:
        tape.watch([logits_z, params["logits"]])
        eta = logits_z[..., :-1] - logits_z[..., -1:]
        values = means(latent.terms({**params, "posterior": tf.reshape(eta, [count, 1, -1])}, None, tf.ones([count])))
        labels = golden["z_labels"]
        probability = tf.nn.log_softmax(logits_z[:, : labels.shape[1]], axis=-1)
        cross_entropy = -tf.reduce_sum(tf.gather(probability, labels, batch_dims=2)) / count
        total = values["kl_z"] - (1 - float(golden["beta_code"])) * values["dispersion"] + values["kl_c"] + cross_entropy
    near(cross_entropy, golden["cross_entropy_z"])
    found = tape.gradient(total, [params["logits"], logits_z, latent.components.value])
    near(found[0][:, 0], golden["d_regularisers_d_logits_c"], atol=1e-11)
    near(found[1], golden["d_regularisers_d_logits_z"], atol=1e-11)
    near(tf.reshape(found[2], golden["eta"].shape), golden["d_regularisers_d_eta"], atol=1e-11)


def test_samples_of_a_family_with_factors_are_one_hot_with_a_gradient():
    golden = read("bmvae_a")
    latent, params = dcm(golden)
    with tf.GradientTape() as tape:
        tape.watch(params)
        z = latent.sample(params, 1, tf.constant([1, 2]))
        loss = tf.reduce_sum(z * np.linspace(0, 1, z.shape[-1]))
    np.testing.assert_array_equal(np.sort(z.numpy().reshape(-1, 8), axis=-1), np.eye(8)[[7] * (z.shape[1] * 4)])
    assert np.all(np.abs(tape.gradient(loss, params["posterior"])).sum(axis=-1) > 0)


def test_supervised_di_vae_s_terms():
    golden = read("sup_divae")
    latent, count = discrete(golden), len(golden["logits"])
    params = {"logits": tf.constant(golden["logits"])}
    near(means(latent.terms(params, None, tf.ones([count])))["kl_c"], golden["true_kl_c"])
    aggregate = aggregate_of(latent, params, count)
    near(tf.reduce_mean(aggregate["aggregate_kl_c"]), golden["reported_bpr"])
    near(tf.reduce_mean(aggregate["mutual_information"]), golden["reported_mi"])
    near(reconstruction(golden, of_ids(golden, 8)), golden["nll"])


def mop(golden):
    variables, components, dim = golden["prior_mean"].shape
    sizes = {"variables": variables, "components": components}
    latent = MixtureOfPriorsLatent(feature_dim=1, family=Gaussian(dim), dtype="float64", **sizes)
    latent.components.assign(np.concatenate([golden["prior_mean"], raw_log_variance(golden["prior_logvar"])], axis=-1))
    return latent


def test_the_mixture_of_priors_terms_and_gradients():
    """Their noise is held, and gradients are to means and log-variances before ours are bounded."""
    golden = read("mop_a")
    latent = mop(golden)
    low, high = LOG_VARIANCE_RANGE
    inputs = [tf.constant(golden[name]) for name in ("post_mean", "post_logvar", "prior_mean", "prior_logvar")]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        mean, log_variance, prior_mean, prior_log_variance = inputs
        z = mean + tf.exp(log_variance / 2) * golden["normal"]
        eta = latent.family.natural_parameters(prior_mean, prior_log_variance)
        latent.component_parameters = lambda: eta
        raw = low + tfp_inverse(high - tfp_inverse(high - log_variance) - low)
        terms = latent.terms({"posterior": tf.concat([mean, raw], axis=-1)}, tf.reshape(z, [1, len(z), -1]), tf.ones([len(z)]))
        kl = means(terms)["kl_z"]
    near(z, golden["z"])
    near(kl, golden["kl_z_monte_carlo"])
    for name, gradient in zip(("post_mean", "post_logvar", "prior_mean", "prior_logvar"), tape.gradient(kl, inputs), strict=True):
        near(gradient, golden[f"d_kl_d_{name}"], atol=1e-10)


def tfp_inverse(x):
    """Inverse of softplus."""
    return x + tf.math.log(-tf.math.expm1(-x))


def test_codes_of_a_mixture_of_priors_are_those_that_z_tells():
    golden = read("mop_a")
    latent, count = mop(golden), len(golden["z"])
    z = tf.constant(golden["z"].reshape(1, count, -1))
    near(latent.responsibilities(z)[0], np.exp(golden["log_p_c_given_z"]))
    params = {"posterior": tf.constant(np.concatenate([golden["z"], np.zeros_like(golden["z"])], axis=-1))}  # whose mode is z
    near(latent.code_probabilities(params), np.exp(golden["log_p_c_given_z"]))
    near(tf.reduce_sum(aggregate_of(latent, params, count)["mutual_information"]), golden["mutual_information"])
    values = means(latent.terms(params, z, tf.ones([count])))
    near(values["dispersion"], golden["dispersion"])
    near(values["natural_variance"], golden["natural_variance"])
    assert natural(latent.family, params["posterior"]).shape == (count, 20, 2, 2)
