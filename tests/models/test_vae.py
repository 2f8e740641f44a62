import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import tfvae
from tfvae.data.batching import evaluation_batches, tokenize_split
from tfvae.data.corpus import Split
from tfvae.data.vocabulary import Vocabulary

SMALL = {"encoder__embedding_dim": 6, "encoder__hidden_dim": 5, "decoder__embedding_dim": 7, "decoder__hidden_dim": 7}


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(16)]
    texts = [" ".join(rng.choice(words, rng.integers(1, 12))) for _ in range(64)]
    return tokenize_split(Split(texts, {}, "made", np.arange(64) + 1), Vocabulary(words), 0)


def create(model="dem_vae", **overrides):
    sizes = {name: size for name, size in SMALL.items() if model != "rnn_lm" or name.startswith("decoder")}
    vae = tfvae.create(model, corpus="demo", vocabulary_size=20, **sizes, **overrides)
    vae.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    return vae


@pytest.mark.parametrize("model", ["vae", "dem_vae"])
def test_split_figures_do_not_depend_on_the_batch_size(examples, model):
    vae = create(model)
    results = []
    for batch_size in (1, 7, 64):
        figures = vae.evaluate(evaluation_batches(examples, batch_size), return_dict=True, verbose=0)
        results.append({**figures, **{f"per variable {name}": value.numpy() for name, value in vae.aggregates().items()}})
    for other in results[1:]:
        assert set(other) == set(results[0])
        for name, value in results[0].items():
            np.testing.assert_allclose(other[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


def test_split_figures_are_the_means_of_the_examples(examples):
    vae = create()
    figures = vae.evaluate(evaluation_batches(examples, 10), return_dict=True, verbose=0)
    each = vae(examples.batch(np.arange(64)))
    for name in ("reconstruction", "kl_z", "kl_c", "dispersion", "natural_variance"):
        np.testing.assert_allclose(figures[name], np.mean(each[name]), rtol=1e-5, err_msg=name)
    bound = figures["reconstruction"] + figures["kl_z"] + figures["kl_c"]
    assert figures["elbo"] == pytest.approx(-bound, rel=1e-6)
    assert figures["perplexity"] == pytest.approx(np.exp(64 * bound / examples.length.sum()), rel=1e-6)
    q = np.mean(each["code_probabilities"], axis=0)
    assert figures["aggregate_kl_c"] == pytest.approx(np.sum(q * np.log(q * 4)), rel=1e-4, abs=1e-6)
    assert figures["kl_c"] == pytest.approx(figures["aggregate_kl_c"] + figures["mutual_information"], abs=1e-6)
    assert figures["kl_z"] == pytest.approx(figures["average_kl"] + figures["dispersion"], rel=1e-5)
    assert figures["loss"] == pytest.approx(bound - 0.8 * figures["dispersion"] - figures["mutual_information"], rel=1e-6)


def test_sample_weights_weigh_sentences(examples):
    vae, batch = create(), examples.batch(np.arange(8))
    kept = vae.test_on_batch(batch, sample_weight=np.array([1.0] * 6 + [0.0] * 2), return_dict=True)
    vae.reset_metrics()
    alone = vae.test_on_batch(examples.batch(np.arange(6)), return_dict=True)
    assert kept == pytest.approx(alone, rel=1e-5)


def test_rows_of_weight_zero_count_for_nothing(examples):
    vae = create()
    seed = tf.constant([1, 2])
    whole = examples.batch(np.arange(6))
    weighted = {**examples.batch(np.arange(8)), "weight": tf.constant([1.0] * 6 + [0.0] * 2)}
    losses = []
    for batch in (whole, weighted):
        rows = tf.stack([tf.fill([len(batch["weight"])], seed[0]), batch["index"]], axis=1)
        losses.append(vae.evaluate_posterior(batch, vae.encode(batch), seed=rows)[0])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)


def test_the_training_loss_weighs_the_regularisers_by_w(examples):
    vae = create("gm_vae", objective__schedule__kind="linear", objective__schedule__steps=10)
    batch, seed = examples.batch(np.arange(8)), tf.constant([1, 2])
    at_start, half, full = (vae.evaluate_posterior(batch, vae.encode(batch), seed=seed, step=tf.constant(step))[0] for step in (0, 5, 10))
    untimed, terms = vae.evaluate_posterior(batch, vae.encode(batch), seed=seed)
    np.testing.assert_allclose(at_start, tf.reduce_mean(terms[0].value), rtol=1e-6)
    np.testing.assert_allclose(half, (at_start + full) / 2, rtol=1e-6)
    np.testing.assert_allclose(full, untimed, rtol=1e-6)


def test_more_posterior_samples_estimate_the_same_reconstruction_with_less_noise(examples):
    vae = create()
    batch = examples.batch(np.arange(4))
    params = vae.encode(batch)
    few, many = (
        np.array([vae.evaluate_posterior(batch, params, seed=tf.constant([1, i]), num_samples=count)[0] for i in range(20)])
        for count in (1, 16)
    )
    assert many.std() < few.std() / 2
    assert abs(many.mean() - few.mean()) < 4 * few.std() / np.sqrt(20)


def test_gradients_are_scaled_down_to_the_clip_norm(examples):
    batch = examples.batch(np.arange(8))
    moved = {}
    for clip_norm in (0.0, 1e-3):
        vae = create(training__clip_norm=clip_norm)
        vae.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=False)
        before = [variable.numpy() for variable in vae.trainable_variables]
        norm = vae.train_on_batch(batch, return_dict=True)["gradient_norm"]  # before it is clipped
        moved[clip_norm] = np.sqrt(sum(np.sum((a.numpy() - b) ** 2) for a, b in zip(vae.trainable_variables, before, strict=True)))
    assert moved[1e-3] == pytest.approx(1e-3, rel=1e-3)
    assert moved[0.0] == pytest.approx(float(norm), rel=1e-5)  # words come several times, so their embeddings' rows do
    assert moved[0.0] > 0.1


def test_training_with_several_samples_runs(examples):
    vae = create(objective__samples=3)
    assert np.isfinite(vae.train_on_batch(examples.batch(np.arange(8)), return_dict=True)["loss"])


@pytest.mark.parametrize("model", ["vae", "dem_vae", "vmf_vae", pytest.param("dem_vmf_vae", marks=pytest.mark.slow), "rnn_lm"])
def test_the_likelihood_does_not_depend_on_how_samples_or_examples_are_cut(examples, model):
    vae = create(model)
    batch = examples.batch(np.arange(6))
    score = tf.function(vae.log_likelihood, reduce_retracing=True)
    whole = score(batch, 7, samples_at_once=7)
    assert whole.dtype == tf.float64
    np.testing.assert_allclose(score(batch, 7, samples_at_once=3), whole, rtol=1e-6)
    np.testing.assert_allclose(vae.log_likelihood(batch, 7, samples_at_once=4), whole, rtol=1e-6)
    parts = [score(examples.batch(np.arange(6)[rows]), 7, samples_at_once=3) for rows in ([0, 4], [1, 2, 3, 5])]
    np.testing.assert_allclose(tf.concat(parts, 0), tf.gather(whole, [0, 4, 1, 2, 3, 5]), rtol=1e-6)


def test_the_likelihood_of_a_language_model_is_its_own(examples):
    vae, batch = create("rnn_lm"), examples.batch(np.arange(6))
    np.testing.assert_allclose(vae.log_likelihood(batch, 500), -vae(batch)["reconstruction"], rtol=1e-6)


class Line:
    """A decoder of numbers: p(x|z) = N(a z, s^2), with the numbers passed as `batch["tokens"]`."""

    def __init__(self, slope, scale):
        self.slope, self.scale = slope, scale

    def prepare(self, batch, seed=None):
        return batch

    def log_prob(self, batch, z, seed=None):
        normal = tfp.distributions.Normal(self.slope * z[..., 0], self.scale)
        return normal.log_prob(tf.cast(batch["tokens"][:, 0], tf.float32))


def test_the_likelihood_of_a_linear_gaussian_model_is_the_exact_one(monkeypatch):
    """z ~ N(0, 1), x|z ~ N(a z, s^2): x ~ N(0, a^2 + s^2). The posterior is a wrong one."""
    vae, slope, scale, count = create("vae", latent__dim=1), 2.0, 1.5, 2000
    x = tf.repeat(tf.constant([[-4], [0], [3]]), count, axis=0)
    batch = {"tokens": x, "length": tf.ones([3 * count], tf.int32), "index": tf.range(3 * count)}
    raw = tf.concat([0.3 * tf.cast(x, tf.float32), tf.zeros([3 * count, 1])], 1)  # unconstrained mean and log-variance
    monkeypatch.setattr(vae, "encode", lambda batch: {"posterior": raw})
    monkeypatch.setattr(vae, "decoder", Line(slope, scale))
    exact = tfp.distributions.Normal(0.0, np.hypot(slope, scale)).log_prob([-4.0, 0.0, 3.0]).numpy()
    errors = []
    for samples in (1, 10, 200):
        estimate = tf.function(vae.log_likelihood)(batch, samples).numpy().reshape(3, count)
        deviation = estimate.std(1) / np.sqrt(count)
        assert np.all(estimate.mean(1) <= exact + 3 * deviation)
        weight = np.exp(estimate - exact[:, None])  # the weights themselves are unbiased
        assert np.all(np.abs(weight.mean(1) - 1) < 3 * weight.std(1) / np.sqrt(count))
        errors.append(exact - estimate.mean(1))
        spread = weight.var(1)
    assert np.all(errors[0] > errors[1]) and np.all(errors[1] > errors[2])
    # what is left with 200 samples is the bias of the logarithm, half the relative variance of their mean
    assert np.all(np.abs(errors[2] - spread / 2) < 3 * deviation)


def test_many_samples_of_a_long_text_neither_overflow_nor_underflow():
    vae = create("vae")
    tokens = tf.constant(np.random.default_rng(0).integers(4, 20, [1, 1000]), tf.int32)
    batch = {"tokens": tokens, "length": tf.constant([1000])}
    estimate = float(tf.function(vae.log_likelihood)(batch, 500)[0])
    bound = float(vae(batch)["reconstruction"][0])
    assert estimate == pytest.approx(-bound, rel=0.05) and estimate < -1000


def test_an_auto_encoder_has_no_likelihood(examples):
    with pytest.raises(ValueError, match="no density"):
        create("ae").log_likelihood(examples.batch(np.arange(2)), 5)


@pytest.mark.parametrize("model", ["vae", "dem_vae"])
def test_the_encoder_and_the_rest_are_updated_apart_until_that_ends(examples, model):
    vae, batch = create(model, training__aggressive=10), examples.batch(np.arange(8))
    encoder = {variable.path for variable in vae.encoder_variables}
    rest = {variable.path for variable in vae.generative_variables}

    def moved(update):
        before = [variable.numpy() for variable in vae.trainable_variables]
        update()
        return {v.path for v, old in zip(vae.trainable_variables, before, strict=True) if not np.array_equal(v, old)}

    train = lambda: vae.train_on_batch(batch)  # noqa: E731
    vae.encoder_step(batch, tf.constant(0))
    assert moved(lambda: vae.encoder_step(batch, tf.constant(1))) == encoder and int(vae.step) == 0
    assert moved(train) == rest and int(vae.step) == 1
    vae.end_aggressive()
    assert moved(train) == encoder | rest
    again = type(vae).from_config(vae.get_config())
    assert bool(again.aggressive.value) and create(model).aggressive is None


def test_updates_of_the_encoder_alone_differ_by_their_number_and_lower_the_loss(examples):
    vae, batch = create("vae", training__aggressive=10, objective__schedule__kind="constant"), examples.batch(np.arange(8))
    weights = vae.get_weights()
    losses = []
    for number in (0, 0, 1):
        vae.set_weights(weights)
        losses.append(float(vae.encoder_step(batch, tf.constant(number))))
    assert losses[0] == losses[1] != losses[2]
    step = tf.function(vae.encoder_step, autograph=False)
    losses = [float(step(batch, tf.constant(number))) for number in range(60)]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
