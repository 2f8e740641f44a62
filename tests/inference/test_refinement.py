import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfvae import stateless
from tfvae.errors import UserError
from tfvae.inference.refinement import Refinement
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.spherical import SphericalLatent, mean_cosine
from tfvae.models.build import build_vae
from tfvae.registry import resolve

WORDS = {"vocabulary_size": 20}
SMALL = {"encoder.embedding_dim": 6, "encoder.hidden_dim": 5, "decoder.embedding_dim": 7, "decoder.hidden_dim": 7}
DENSE = {"encoder.hidden_dim": 6, "decoder.hidden_dim": 6}
FEW = {"latent.variables": 2, "latent.components": 3, "latent.dim": 3, "latent.hidden_dim": 5}
SEED = tf.constant([1, 2])


def sentences(count=5, seed=0):
    """Sentences of one of three kinds, each with words of its own."""
    draw = np.random.default_rng(seed)
    length = draw.integers(2, 8, count).astype(np.int32)
    tokens = np.zeros([count, 8], np.int32)
    for row, words in enumerate(length):
        tokens[row, :words] = [*draw.integers(4, 9, words - 1) + 5 * draw.integers(3), 3]
    return {"tokens": tf.constant(tokens), "length": tf.constant(length), "weight": tf.ones([count]), "index": tf.range(count)}


def images():
    image = np.random.default_rng(0).integers(0, 2, [5, 4, 3]).astype(np.float32)
    return {"image": tf.constant(image), "weight": tf.ones([5]), "index": tf.range(5)}


KINDS = {
    "sentences": ("demo", WORDS, SMALL, sentences),
    "documents": ("20ng", WORDS, DENSE, sentences),
    "images": ("mnist", {"height": 4, "width": 3}, DENSE, images),
}


def create(name="vae", kind="sentences", **settings):
    """A model that refines, with weights that are far from small, and a batch."""
    corpus, shape, small, batch = KINDS[kind]
    refining = {"inference.kind": "refinement", "inference.steps": 2, "inference.rate": 0.1, "latent.dim": 4}
    base = {**small, **refining, **{path.replace("__", "."): value for path, value in settings.items()}}
    vae, draw = build_vae(resolve(name, corpus, base=base), shape), np.random.default_rng(0)
    for variable in vae.trainable_variables:
        variable.assign(variable.numpy() + 0.3 * draw.normal(size=variable.shape))
    return vae, batch()


def slopes(vae, batch):
    """The objective, the surrogate, and gradients of their sum by the variable's path and of the encoder and the rest."""
    with tf.GradientTape() as tape:
        params, surrogate = vae.infer(batch, stateless.fold(SEED, 1))
        loss, _ = vae.evaluate_posterior(batch, params, seed=SEED, step=vae.step.value, training=True)
        total = loss if surrogate is None else loss + surrogate
    found = tape.gradient(total, [variable.value for variable in vae.trainable_variables])
    return loss, surrogate, [None if value is None else tf.convert_to_tensor(value).numpy() for value in found]


@pytest.mark.parametrize(("sides", "tolerance"), [(1, 1e-3), (2, 2e-4)])
@pytest.mark.parametrize(
    ("name", "kind", "settings"),
    [
        ("vae", "sentences", {}),
        pytest.param("dem_vae", "sentences", FEW, marks=pytest.mark.slow),
        ("skip_vae", "documents", {}),
        ("skip_vae", "images", {}),
    ],
)
def test_differences_over_fast_layers_are_the_exact_gradients(name, kind, settings, sides, tolerance):
    plain = {"training.implementation": "plain", "inference.gradient": "exact"}
    vae, batch = create(name, kind, **settings, inference__sides=sides)
    other, _ = create(name, kind, **settings, **plain)
    loss, _, found = slopes(vae, batch)
    expected_loss, _, expected = slopes(other, batch)
    assert float(loss) == pytest.approx(float(expected_loss), rel=1e-5)
    vae.inference = Refinement(steps=2, rate=0.1, gradient="none")
    unrefined = slopes(vae, batch)[2]
    for variable, value, exact, none in zip(vae.trainable_variables, found, expected, unrefined, strict=True):
        assert (value is None) == (exact is None), variable.path
        if value is not None:
            assert np.linalg.norm(value - exact) <= tolerance * np.linalg.norm(exact), variable.path
            assert np.linalg.norm(value - exact) < 0.1 * np.linalg.norm(value - none), variable.path


@pytest.mark.parametrize("name", ["vmf_vae", pytest.param("dem_vmf_vae", marks=pytest.mark.slow)])
def test_directions_are_refined_too(name):
    vae, batch = create(name, **(FEW if name == "dem_vmf_vae" else {}))
    assert all(np.all(np.isfinite(value)) for value in slopes(vae, batch)[2] if value is not None)
    z = vae.latent.mode(vae.encode(batch))
    norms = tf.norm(tf.reshape(z, [5, vae.latent.num_variables, -1]), axis=-1)
    np.testing.assert_allclose(norms, np.ones(norms.shape), rtol=1e-5)


@pytest.fixture(scope="module")
def trained():
    """A model that refines nothing yet, after some hundred updates, and a batch that it has not seen."""
    vae, _ = create("skip_vae", encoder__dropout=0.0, decoder__dropout=0.0, objective__schedule__kind="constant", inference__steps=0)
    vae.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    vae.fit(tf.data.Dataset.from_tensors(sentences(100)).repeat(150), epochs=1, verbose=0, shuffle=False)
    return vae, sentences(80, seed=1)


def bounds(vae, batch, params, count=100):
    """The negative bound of each example, the mean over samples."""
    return vae.own_losses(batch, params, seed=tf.constant([3, 4]), num_samples=count).numpy()


def test_refinement_lowers_the_bound_of_nearly_every_sentence(trained):
    vae, batch = trained
    start = vae.encode(batch)
    refined = Refinement(steps=10).refined(vae, batch, start).refined
    gain = bounds(vae, batch, start) - bounds(vae, batch, refined)
    assert np.mean(gain > 0) >= 0.95
    assert bounds(vae, batch, start).mean() > 5  # it is no model of nothing


def test_a_posterior_depends_on_its_example_alone_and_repeats(trained):
    vae, batch = trained
    vae.inference = Refinement(steps=3)
    few = {name: value[5:8] for name, value in batch.items()}
    whole, part = vae.encode(batch)["posterior"], vae.encode({**few, "index": tf.constant([70, 3, 9])})["posterior"]
    np.testing.assert_allclose(part, whole[5:8], atol=1e-5)
    np.testing.assert_array_equal(vae.encode(batch)["posterior"], whole)
    assert not np.allclose(whole, vae.latent(vae.encoder(batch))["posterior"], atol=1e-3)


def test_answers_may_be_the_encoder_s_word(trained):
    vae, batch = trained
    expected = vae.latent(vae.encoder(batch))["posterior"]
    for inference in (Refinement(steps=0), Refinement(steps=3, answer_samples=0)):
        vae.inference = inference
        np.testing.assert_array_equal(vae.encode(batch)["posterior"], expected)


def test_an_encoder_may_learn_through_the_steps_alone():
    found = {}
    for gradient in ("difference", "difference_encoder", "none"):
        vae, batch = create(inference__gradient=gradient)
        of_model = {id(variable) for variable in vae.generative_variables}
        found[gradient] = slopes(vae, batch)[2]
    for variable, both, alone, none in zip(vae.trainable_variables, *found.values(), strict=True):
        expected, other = (none, both) if id(variable) in of_model else (both, none)
        assert (alone is None) == (expected is None), variable.path
        if alone is not None:
            np.testing.assert_allclose(alone, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max(), err_msg=variable.path)
            assert not np.allclose(alone, other, rtol=1e-2), variable.path


def test_an_encoder_that_learns_from_its_own_bound_has_the_gradient_of_it():
    vae, batch = create(inference__gradient="none")
    _, _, found = slopes(vae, batch)
    seed = stateless.fold(SEED, 1)
    descent = vae.inference.refined(vae, batch, vae.latent(vae.encoder(batch, seed=seed)), seed)
    own = stateless.fold(stateless.fold(seed, 1 << 20), 0)
    with tf.GradientTape() as tape:
        start = vae.latent(vae.encoder(batch, seed=seed))
        loss = tf.reduce_mean(vae.own_losses(batch, start, seed=own, step=vae.step.value, training=True))
    encoder = [variable.value for variable in vae.encoder_variables]
    places = {id(variable): place for place, variable in enumerate(vae.trainable_variables)}
    for variable, expected in zip(vae.encoder_variables, tape.gradient(loss, encoder), strict=True):
        np.testing.assert_allclose(found[places[id(variable)]], tf.convert_to_tensor(expected), atol=1e-5)
    with tf.GradientTape() as tape:
        loss, _ = vae.evaluate_posterior(batch, descent.refined, seed=SEED, step=vae.step.value, training=True)
    model = [variable.value for variable in vae.generative_variables]
    for variable, expected in zip(vae.generative_variables, tape.gradient(loss, model), strict=True):
        np.testing.assert_allclose(found[places[id(variable)]], tf.convert_to_tensor(expected), atol=1e-5)


def test_an_encoder_that_learns_what_steps_find_has_the_gradient_of_the_divergence():
    vae, batch = create(inference__gradient="divergence")
    seed = stateless.fold(SEED, 1)
    start = vae.latent(vae.encoder(batch, seed=seed))
    refined = vae.inference.refined(vae, batch, start, seed).refined
    first, second = (vae.latent.family.distribution(vae.latent._natural(params)) for params in (start, refined))
    _, surrogate, found = slopes(vae, batch)
    np.testing.assert_allclose(surrogate, tf.reduce_mean(tfp.distributions.kl_divergence(first, second)), rtol=1e-4)
    assert all(np.any(value) for variable, value in zip(vae.trainable_variables, found, strict=True) if "posterior" in variable.path)


def test_divergences_of_posteriors():
    draw = np.random.default_rng(0)
    gaussian = GaussianLatent(feature_dim=3, dim=4, dtype="float64")
    first, second = ({"posterior": tf.constant(draw.normal(size=[5, 8]))} for _ in range(2))
    p, q = (gaussian.family.distribution(gaussian._natural(params)) for params in (first, second))
    np.testing.assert_allclose(gaussian.divergence(first, second), tfp.distributions.kl_divergence(p, q), rtol=1e-9)
    sphere = SphericalLatent(feature_dim=3, dim=4, kappa=7.0, dtype="float64")
    first, second = ({"posterior": tf.constant(draw.normal(size=[5, 4]))} for _ in range(2))
    cosine = tf.reduce_sum(sphere.mode(first) * sphere.mode(second), axis=-1)
    np.testing.assert_allclose(sphere.divergence(first, second), 7 * mean_cosine(4, 7.0) * (1 - cosine), rtol=1e-6)
    np.testing.assert_allclose(sphere.divergence(first, first), np.zeros(5), atol=1e-9)


def test_the_divergence_of_mixtures_is_of_z_and_of_codes():
    latent = build_vae(resolve("gm_vae", "demo", base={**SMALL, **FEW}), WORDS).latent
    draw = np.random.default_rng(0)
    first, second = (
        {"posterior": tf.constant(draw.normal(size=[5, 2, 6]), tf.float32), "logits": tf.constant(draw.normal(size=[5, 2, 3]), tf.float32)}
        for _ in range(2)
    )
    gaussians = [latent.family.distribution(latent._natural(params)) for params in (first, second)]
    of_z = tf.reduce_sum(tfp.distributions.kl_divergence(*gaussians))
    categorical = [tfp.distributions.Categorical(logits=params["logits"]) for params in (first, second)]
    expected = of_z + tf.reduce_sum(tfp.distributions.kl_divergence(*categorical))
    np.testing.assert_allclose(tf.reduce_sum(latent.divergence(first, second)), expected, rtol=1e-5)


def test_the_divergence_of_codes_alone_and_of_latents_side_by_side():
    side = build_vae(resolve("semi_vae", "demo", base={**SMALL, **FEW}), WORDS).latent
    first, second = (side(tf.constant(np.random.default_rng(i).normal(size=[5, side.parts[0].feature_dim]), tf.float32)) for i in (0, 1))
    gaussian, discrete = side.parts
    categorical = [tfp.distributions.Categorical(logits=params[discrete.name]["logits"]) for params in (first, second)]
    of_codes = tf.reduce_sum(tfp.distributions.kl_divergence(*categorical), axis=-1)
    np.testing.assert_allclose(discrete.divergence(first[discrete.name], second[discrete.name]), of_codes, rtol=1e-4)
    of_z = gaussian.divergence(first[gaussian.name], second[gaussian.name])
    np.testing.assert_allclose(side.divergence(first, second), of_z + of_codes, rtol=1e-4)


def test_steps_move_codes_by_relaxed_samples():
    vae, batch = create("di_vae", **FEW, inference__kind="refinement", inference__rate=0.3, inference__steps=8)
    before, after = vae.inference.first_word(vae, batch), vae.encode(batch)
    assert np.abs(after["logits"] - before["logits"]).max() > 1e-3
    seed = tf.tile(SEED[tf.newaxis], [len(after["logits"]), 1])
    losses = [vae.own_losses(batch, params, seed=seed, num_samples=50) for params in (before, after)]
    assert np.mean(losses[1]) < np.mean(losses[0])


def test_without_an_encoder_all_examples_begin_at_one_point_which_is_learned():
    vae, batch = create(encoder__kind="none", inference__gradient="none")
    start = vae.inference.first_word(vae, batch)["posterior"]
    assert np.ptp(start, axis=0).max() == 0
    assert np.ptp(vae.encode(batch)["posterior"], axis=0).max() > 0
    found = slopes(vae, batch)[2]
    assert all(np.any(value) for variable, value in zip(vae.trainable_variables, found, strict=True) if "posterior/bias" in variable.path)


def test_codes_that_should_agree_are_the_encoder_s():
    vae, batch = create("dem_vae", **FEW, objective__agreement_weight=1.0)
    logits = vae.inference.second_sight(vae, batch, SEED)
    np.testing.assert_array_equal(logits, vae.latent(vae.encoder(batch, seed=SEED))["logits"])


def test_it_is_saved_with_the_model():
    vae, batch = create(inference__clip=2.0, inference__momentum=0.3, inference__samples=2)
    other = type(vae).from_config(vae.get_config())
    other.set_weights(vae.get_weights())
    assert other.inference.get_config() == vae.inference.get_config()
    np.testing.assert_array_equal(other.encode(batch)["posterior"], vae.encode(batch)["posterior"])


REFINED = {"inference.kind": "refinement"}


@pytest.mark.parametrize(
    ("model", "overrides", "message"),
    [
        ("ae", REFINED, "inference.kind = refinement means nothing for model ae: its posterior is a point, without a KL"),
        ("rnn_lm", REFINED, "means nothing for model rnn_lm: it has no latent variable"),
        ("sa_vae", {"inference.gradient": "exact"}, "set config.training.implementation=plain, or config.inference.gradient=difference"),
        ("vmf_vae", {**REFINED, "inference.gradient": "exact", "training.implementation": "plain"}, "samples on a sphere"),
        ("sa_vae", {"training.precision": "bfloat16"}, "needs the digits of float32, not of bfloat16"),
        ("vae", {"encoder.kind": "none"}, "nothing would infer z: take an encoder, or config.inference.kind=refinement"),
        ("vae", {"inference.steps": 3}, "its inference is amortized, which has no settings"),
        ("sa_vae", {"inference.views": "form"}, "its inference is refinement, which has steps, rate"),
    ],
)
def test_what_cannot_be_refined_is_said_in_a_line(model, overrides, message):
    with pytest.raises(UserError, match=message) as caught:
        resolve(model, "demo", overrides=overrides)
    assert "\n" not in str(caught.value)


def test_gradients_that_do_not_exist_are_an_error():
    with pytest.raises(ValueError, match="gradient = 'official': must be one of exact, difference, difference_encoder, none, divergence"):
        Refinement(gradient="official")
