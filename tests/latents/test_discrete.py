import numpy as np
import pytest
import tensorflow as tf

from tfvae import stateless
from tfvae.latents.discrete import DiscreteLatent
from tfvae.latents.relaxation import switched

J, K, B = 3, 4, 5
SEED = tf.constant([1, 2])


def make(**options):
    return DiscreteLatent(feature_dim=6, variables=J, components=K, dtype="float64", **options)


def make_params(seed=0):
    return {"logits": tf.constant(np.random.default_rng(seed).normal(size=[B, J, K]))}


def test_samples_are_one_hot_unless_there_is_a_temperature_and_then_shares():
    latent, params = make(), make_params()
    hard = latent.sample(params, 7, SEED)
    assert hard.shape == (7, B, J * K)
    parts = np.reshape(hard, [7, B, J, K])
    np.testing.assert_array_equal(np.sort(parts, axis=-1), np.broadcast_to(np.eye(K)[-1], parts.shape))
    soft = np.reshape(latent.sample(params, 7, SEED, temperature=1.0), parts.shape)
    np.testing.assert_allclose(soft.sum(-1), 1)
    assert soft.max() < 1 and np.array_equal(soft.argmax(-1), parts.argmax(-1))  # of the same noise
    cold = np.reshape(latent.sample(params, 7, SEED, temperature=0.01), parts.shape)
    np.testing.assert_allclose(cold[soft.max(-1) > 0.6], parts[soft.max(-1) > 0.6], atol=1e-6)


def test_one_hot_samples_have_the_posterior_s_frequencies():
    latent, params, count = make(), make_params(), 20_000
    drawn = latent.sample(params, count, SEED).numpy()
    expected = latent.mean(params).numpy()
    assert np.all(np.abs(drawn.mean(0) - expected) < 4.5 * np.sqrt(expected * (1 - expected) / count))


@pytest.mark.parametrize("gumbel", ["soft", "straight_through"])
def test_training_samples_carry_a_gradient_and_others_none(gumbel):
    latent, params = make(gumbel=gumbel), make_params()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(params)
        value = tf.reduce_sum(latent.sample(params, 1, SEED, temperature=0.7) * np.linspace(0, 1, J * K))
        fixed = tf.reduce_sum(latent.sample(params, 1, SEED) * np.linspace(0, 1, J * K))
    assert np.all(np.abs(tape.gradient(value, params["logits"])).sum(-1) > 1e-3)
    assert tape.gradient(fixed, params["logits"]) is None
    assert float(value) == pytest.approx(float(fixed)) or gumbel == "soft"


def test_the_temperature_falls_exponentially_to_its_floor():
    latent = make(temperature=2.0, temperature_decay=1e-3, temperature_floor=0.5)
    found = [float(latent.annealed_temperature(tf.constant(step, tf.int64))) for step in (0, 1000, 100_000)]
    np.testing.assert_allclose(found, [2.0, 2 * np.exp(-1), 0.5])
    assert float(latent.annealed_temperature(None)) == 2.0
    assert float(make(temperature=0.1).annealed_temperature(tf.constant(10**6))) == pytest.approx(0.1)  # which does not rise to the floor


def test_log_densities_and_kl_are_those_of_categorical_variables():
    latent, params = make(), make_params()
    z = latent.sample(params, 4000, SEED)
    ratio = (latent.log_posterior(params, z) - latent.log_prior(z)).numpy()
    [kl] = latent.terms(params, z, tf.ones([B]))
    q = tf.nn.softmax(params["logits"]).numpy()
    np.testing.assert_allclose(kl.value, np.sum(q * np.log(q * K), axis=-1))
    assert np.all(np.abs(ratio.mean(0) - np.sum(kl.value, axis=1)) < 4.5 * ratio.std(0) / np.sqrt(len(z)))


def test_the_mode_is_the_most_probable_code_and_the_mean_the_probabilities():
    latent, params = make(), make_params()
    np.testing.assert_array_equal(np.reshape(latent.mode(params), [B, J, K]).argmax(-1), np.argmax(params["logits"], -1))
    np.testing.assert_allclose(latent.mean(params), np.reshape(latent.code_probabilities(params), [B, -1]))


def test_the_prior_is_uniform_and_held_codes_are_held():
    z, codes = make().sample_prior(20_000, SEED, np.tile([-1, 2, -1], (20_000, 1)))
    np.testing.assert_array_equal(np.reshape(z, [-1, J, K]).argmax(-1), codes)
    assert set(codes[:, 1].numpy()) == {2}
    np.testing.assert_allclose(np.mean(z, axis=0).reshape(J, K)[0], 1 / K, atol=0.015)


def test_a_row_s_samples_do_not_depend_on_its_neighbours():
    latent, params, seeds = make(), make_params(), stateless.rows(SEED, tf.range(B))
    rows = {"logits": params["logits"][2:]}
    np.testing.assert_array_equal(latent.sample(params, 3, seeds)[:, 2:], latent.sample(rows, 3, seeds[2:]))


def test_a_way_changes_the_codes_that_differ_one_after_the_other():
    latent = make()
    start, end = (tf.reshape(tf.one_hot([codes], K, dtype=tf.float64), [1, -1]) for codes in ([0, 1, 2], [3, 1, 0]))
    way = latent.interpolate(start, end, tf.cast(tf.linspace(0.0, 1.0, 5), tf.float64))
    np.testing.assert_array_equal(np.reshape(way, [5, J, K]).argmax(-1), [[0, 1, 2], [3, 1, 2], [3, 1, 2], [3, 1, 0], [3, 1, 0]])
    np.testing.assert_array_equal(switched(way[:1], way[:1], tf.constant([0.0, 1.0], tf.float64)), [way[:1], way[:1]])


def test_an_unknown_kind_of_sample_is_refused():
    with pytest.raises(ValueError, match="gumbel = 'hard': must be one of soft, straight_through"):
        make(gumbel="hard")
