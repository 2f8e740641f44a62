"""A prior that is a mixture of posteriors."""

import numpy as np
import tensorflow as tf

from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.vamp import VampLatent

SEED = tf.constant([3, 5])
FEATURES = tf.constant(np.random.default_rng(0).normal(size=[6, 3]))


def latent(count=4, **options):
    return VampLatent(feature_dim=3, dim=2, pseudo_inputs=count, seed=7, dtype="float64", **options)


def test_the_prior_is_the_mean_of_the_pseudo_inputs_posteriors():
    layer = latent()
    z = tf.constant(np.random.default_rng(1).normal(size=[5, 2]))
    posteriors = layer(tf.convert_to_tensor(layer.pseudo_features))
    each = layer.log_posterior(posteriors, z[:, tf.newaxis])  # [5, 4]
    np.testing.assert_allclose(layer.log_prior(z), np.log(np.exp(each).mean(axis=1)), rtol=1e-9)


def test_the_kl_is_zero_where_a_lone_pseudo_input_has_the_example_s_features():
    layer = latent(1)
    layer.pseudo_features.assign(FEATURES[:1])
    params = layer(tf.repeat(FEATURES[:1], 3, axis=0))
    [term] = layer.terms(params, layer.sample(params, 2, SEED), tf.ones([3]))
    np.testing.assert_allclose(term.value, np.zeros([3, 1]), atol=1e-9)
    assert (term.role, term.estimator) == ("kl", "monte_carlo")


def test_examples_as_pseudo_inputs_make_the_prior_the_aggregate_posterior():
    """Then the mean KL is I(x; z), of log N nats at most, which it is where posteriors lie far apart."""
    layer = latent(len(FEATURES))
    layer.posterior.set_weights([np.random.default_rng(0).normal(size=[3, 4]) * [50, 50, 0, 0], np.zeros(4)])
    layer.pseudo_features.assign(FEATURES)
    params = layer(FEATURES)
    [term] = layer.terms(params, layer.sample(params, 3, SEED), tf.ones([6]))
    np.testing.assert_allclose(term.value, np.full([6, 1], np.log(6)), rtol=1e-6)


def test_samples_of_the_prior_are_of_its_components_and_of_their_seed_alone():
    layer = latent()
    layer.posterior.set_weights([np.random.default_rng(0).normal(size=[3, 4]), np.array([0, 0, -5, -5.0])])
    z, codes = layer.sample_prior(20_000, SEED)
    means = layer.mean(layer(tf.convert_to_tensor(layer.pseudo_features))).numpy()
    np.testing.assert_allclose(z.numpy().mean(axis=0), means.mean(axis=0), atol=0.03)
    nearest = np.linalg.norm(z.numpy()[:, np.newaxis] - means, axis=-1).argmin(axis=1)
    assert codes.shape == (20_000, 1) and np.all(np.bincount(nearest, minlength=4) > 1000)
    rows = tf.constant([[1, 2], [3, 4], [5, 6]])
    np.testing.assert_allclose(layer.sample_prior(3, rows)[0][1:], layer.sample_prior(2, rows[1:])[0], rtol=1e-9)


def test_its_posterior_is_a_gaussian_s_and_the_pseudo_inputs_are_the_prior_s_own():
    layer, plain = latent(), GaussianLatent(feature_dim=3, dim=2, seed=7, dtype="float64")
    np.testing.assert_array_equal(layer(FEATURES)["posterior"], plain(FEATURES)["posterior"])
    assert [variable.path for variable in layer.prior_variables] == [layer.pseudo_features.path]
    again = VampLatent.from_config(layer.get_config())
    np.testing.assert_array_equal(again.pseudo_features, layer.pseudo_features)


def test_gradients_reach_pseudo_inputs_and_the_posterior_s_layer_through_both():
    layer = latent()
    with tf.GradientTape() as tape:
        params = layer(FEATURES)
        loss = tf.reduce_sum(layer.terms(params, layer.sample(params, 1, SEED), tf.ones([6]))[0].value)
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert len(gradients) == 3 and all(np.abs(gradient).max() > 1e-6 for gradient in gradients)
