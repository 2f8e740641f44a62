"""Each property once, over every registered model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.models.registry import MODELS

SMALL = {
    "encoder__embedding_dim": 6,
    "encoder__hidden_dim": 5,
    "decoder__embedding_dim": 7,
    "decoder__hidden_dim": 7,
}
# Beside the registered ones, what a setting alone turns them into.
VARIANTS = {name: (name, {}) for name in MODELS} | {
    "dem_vae over spheres": ("dem_vae", {"latent__family": "von_mises_fisher", "latent__dim": 4}),
    "dem_vae of one component": ("dem_vae", {"latent__components": 1}),
    "dem_vae of one variable": ("dem_vae", {"latent__variables": 1}),
    "dem_vae of two layers, untied": ("dem_vae", {"decoder__num_layers": 2, "encoder__num_layers": 2, "decoder__tied_embeddings": False}),
}


def create(variant, **overrides):
    name, settings = VARIANTS[variant]
    return tfvae.create(name, corpus="demo", vocabulary_size=20, **SMALL, **settings, **overrides)


def make_batch(padding=0):
    tokens = np.zeros([5, 8 + padding], np.int32)
    length = np.array([8, 5, 3, 2, 1], np.int32)
    rng = np.random.default_rng(0)
    for row, count in enumerate(length):
        tokens[row, :count] = [*rng.integers(4, 20, count - 1), 3]
    return {
        "tokens": tf.constant(tokens),
        "length": tf.constant(length),
        "weight": tf.ones([5]),
        "index": tf.range(5),
    }


def train(model, steps=3):
    model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    batches = tf.data.Dataset.from_tensors(make_batch()).repeat(steps)
    return model.fit(batches, epochs=1, verbose=0, shuffle=False).history


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


def test_a_step_lowers_the_loss_and_moves_every_weight(variant):
    model = create(variant, training__clip_norm=0.0, objective__schedule__kind="constant")
    before = [variable.numpy() for variable in model.trainable_variables]
    first = train(model, 1)["loss"][0]
    still = [v.path for v, old in zip(model.trainable_variables, before, strict=True) if np.array_equal(v, old)]
    # With one component q(c|x) is 1 whatever its logits are.
    assert still == [] or (variant == "dem_vae of one component" and all("logits" in path or "hidden" in path for path in still))
    assert train(model, 60)["loss"][0] < first


def test_a_saved_model_gives_equal_outputs(variant, tmp_path):
    model = create(variant)
    train(model)
    expected = model(make_batch())
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    tf.nest.map_structure(np.testing.assert_array_equal, loaded(make_batch()), expected)
    assert int(loaded.step) == 3


def test_loaded_weights_give_equal_outputs(variant, tmp_path):
    model = create(variant)
    train(model)
    model.save_weights(tmp_path / "model.weights.h5")
    other = create(variant, training__seed=7)
    assert not np.allclose(other(make_batch())["reconstruction"], model(make_batch())["reconstruction"])
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.encode(make_batch())["posterior"], model.encode(make_batch())["posterior"])


def test_padding_changes_nothing(variant):
    model = create(variant)
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), model(make_batch(4)), model(make_batch()))


def test_training_is_a_function_of_the_seed(variant):
    histories = [train(create(variant, training__seed=seed)) for seed in (1, 1, 2)]
    assert histories[0] == histories[1]
    assert histories[0]["loss"] != histories[2]["loss"]


def test_training_leaves_global_random_state_alone(variant):
    tf.random.set_seed(1)
    np.random.seed(1)
    expected = tf.random.normal([3]).numpy(), np.random.rand(3)
    tf.random.set_seed(1)
    np.random.seed(1)
    train(create(variant))
    np.testing.assert_array_equal(tf.random.normal([3]), expected[0])
    np.testing.assert_array_equal(np.random.rand(3), expected[1])


def test_plain_layers_train_to_the_same_figures(variant):
    fast, plain = (train(create(variant, training__implementation=kind)) for kind in ("fast", "plain"))
    for name, values in fast.items():
        np.testing.assert_allclose(values, plain[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_samples_do_not_depend_on_how_they_are_chunked(variant):
    model, seed = create(variant), tf.constant([1, 2])
    params = model.encode(make_batch())
    whole = model.latent.sample(params, 5, seed)
    parts = [model.latent.sample(params, 2, seed), model.latent.sample(params, 3, seed, start=2)]
    assert whole.shape == (5, 5, model.latent.size)
    np.testing.assert_array_equal(whole, tf.concat(parts, axis=0))


def test_kl_terms_agree_with_monte_carlo(variant):
    """E_q [log q(z, c|x) - log p(z, c)] by sampling z, with c summed out exactly where there is one."""
    model, count = create(variant), 4000
    batch = make_batch()
    params = model.encode(batch)
    z = model.latent.sample(params, count, tf.constant([1, 2]))
    terms = {term.name: term for term in model.latent.terms(params, z, batch["weight"])}
    analytic = sum(np.sum(t.value.numpy().reshape(5, -1), axis=1) for t in terms.values() if t.role == "kl")
    ratio = model.latent.log_posterior(params, z).numpy()
    if model.latent.has_codes:
        latent = model.latent
        components = latent.prior_family.distribution(latent.component_parameters())
        log_prior = components.log_prob(tf.reshape(z, [count, 5, latent.num_variables, 1, -1])).numpy()  # [S, B, J, K]
        q = latent.code_probabilities(params).numpy()
        ratio = ratio - np.sum(q * log_prior, axis=(-2, -1)) + np.sum(q * np.log(q * latent.num_components), axis=(-2, -1))
    else:
        ratio = ratio - model.latent.log_prior(z).numpy()
    assert np.all(np.abs(ratio.mean(0) - analytic) < 4 * ratio.std(0) / np.sqrt(count) + 1e-4 * np.abs(analytic))


def test_prior_samples_have_the_prior_s_density(variant):
    """E_p [q(z) / p(z)] = 1 for any density q that p covers: here the posterior of one sentence of an untrained model."""
    latent = create(variant).latent
    z, codes = latent.sample_prior(2000, tf.constant([3, 4]))
    assert z.shape == (2000, latent.size)
    assert codes.shape == (2000, latent.num_variables)
    log_prior = latent.log_prior(z).numpy()
    assert np.all(np.isfinite(log_prior))
    if latent.has_codes:
        counts = np.stack([np.bincount(codes[:, j], minlength=latent.num_components) for j in range(latent.num_variables)])
        share = 1 / latent.num_components
        assert np.all(np.abs(counts / 2000 - share) <= 4 * np.sqrt(share * (1 - share) / 2000))


def test_held_codes_are_held_and_rows_do_not_depend_on_neighbours(variant):
    latent = create(variant).latent
    seeds = tf.constant([[1, 2], [3, 4], [5, 6]])
    held = np.full([3, latent.num_variables], -1)
    held[1, 0] = latent.num_components - 1
    z, codes = latent.sample_prior(3, seeds, held)
    assert codes[1, 0] == latent.num_components - 1
    np.testing.assert_array_equal(latent.sample_prior(2, seeds[1:], held[1:])[0], z[1:])


def test_every_trainable_variable_belongs_to_one_side(variant):
    model = create(variant)
    assert len(model.encoder_variables) + len(model.generative_variables) == len(model.trainable_variables)
    names = {variable.path.split("/")[0] for variable in model.generative_variables}
    assert any("components" in v.path for v in model.generative_variables) == model.latent.has_codes
    assert "encoder" not in names
