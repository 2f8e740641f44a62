"""Each property once, over every registered model on every kind of example."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae import stateless
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.generation.decoding import METHODS
from tfvae.latents.mixture import MixtureLatent
from tfvae.modalities.pixels import Pixels
from tfvae.modalities.words import Words
from tfvae.models.build import build_vae
from tfvae.models.model import Model
from tfvae.registry import reason_unused, resolve
from tfvae.registry.models import OF_ANY

SMALL = {
    "encoder.embedding_dim": 6,
    "encoder.hidden_dim": 5,
    "decoder.embedding_dim": 7,
    "decoder.hidden_dim": 7,
}
SMALL_IMAGES = {"height": 5, "width": 4}
# The corpora whose examples are of each kind, the sizes of those, and settings that make their networks small.
KINDS = {
    "sentences": ("demo", {"vocabulary_size": 20}, SMALL),
    "documents": ("20ng", {"vocabulary_size": 20}, {"encoder.hidden_dim": 6, "decoder.hidden_dim": 6, "latent.hidden_dim": 6}),
    "images": ("mnist", SMALL_IMAGES, {"encoder.hidden_dim": 6, "decoder.hidden_dim": 6, "latent.hidden_dim": 6}),
    "images by convolutions": (
        "mnist",
        SMALL_IMAGES,
        {
            "encoder.kind": "residual",
            "decoder.kind": "pixel_cnn",
            "encoder.filters": 3,
            "encoder.num_layers": 1,
            "decoder.filters": 4,
            "decoder.num_layers": 2,
            "latent.hidden_dim": 6,
        },
    ),
}
FEW = {"latent__variables": 2, "latent__components": 4, "latent__dim": 3}
# Beside the registered ones, what a setting alone turns them into.
REFINING = ("sa_vae", "skip_sa_vae")  # skip_vae's parts; once of sentences and once of images is enough of what takes long
VARIANTS = {name: (name, {}) for name in OF_ANY if name not in REFINING} | {
    "dem_vae of one component": ("dem_vae", {"latent__components": 1}),
    "dem_vae of one variable": ("dem_vae", {"latent__variables": 1}),
    "vmf_vae without words": ("vmf_vae", {"decoder__word_dropout": 1.0}),
    "dem_vae of two layers, untied": ("dem_vae", {"decoder__num_layers": 2, "encoder__num_layers": 2, "decoder__tied_embeddings": False}),
    "vae with a bag-of-words loss": ("vae", {"objective__bag_of_words_weight": 0.5}),
    "vmf_vae of learned concentrations": ("vmf_vae", {"latent__learn_kappa": True}),
    "vmf_vae of norms": ("vmf_vae", {"latent__kind": "polar"}),
    "vae of normalised means": ("vae", {"latent__batch_norm": 0.6}),
    "vae of a least KL": ("vae", {"latent__minimum_kl": 0.15}),
    "vae of a prior of pseudo-inputs": ("vae", {"latent__kind": "vamp", "latent__pseudo_inputs": 3}),
    "vae of the aggregate's KL": ("vae", {"objective__information_weight": 1.0}),
    "sa_vae": ("sa_vae", {"inference__steps": 2}),
    "skip_sa_vae of images": ("skip_sa_vae", {"inference__steps": 2}),
}
OTHERS = {
    f"{name} of {kind}": (name, FEW if reason_unused(resolve(name, "demo"), "latent.variables") == "" else {})
    for kind in list(KINDS)[1:]
    for name in OF_ANY
    if name not in (*REFINING, "dae", "dvae", "cm_vae")  # settings of di_vae and dcm_vae
}
VARIANTS |= OTHERS


def kind_of(variant):
    return next((kind for kind in reversed(KINDS) if variant.endswith(f" of {kind}")), "sentences")


def config_of(variant, **overrides):
    name, settings = VARIANTS[variant]
    corpus, _, small = KINDS[kind_of(variant)]
    flat = {path.replace("__", "."): value for path, value in {**settings, **overrides}.items()}
    return resolve(name, corpus, base={**small, **flat})


def create(variant, **overrides):
    return build_vae(config_of(variant, **overrides), KINDS[kind_of(variant)][1])


def make_batch(variant, padding=0):
    if kind_of(variant).startswith("images"):
        shape = [5, *SMALL_IMAGES.values()]
        image = tf.constant(np.random.default_rng(0).integers(0, 2, shape).astype(np.float32))
        return {"image": image, "weight": tf.ones([5]), "index": tf.range(5)}
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


def train(variant, model, steps=2):
    """The means of the first steps: q(c|x) starts uniform, so its hidden layer moves from the second on."""
    if not model.compiled:
        model.compile(optimizer=keras.optimizers.Adam(1e-2), jit_compile=False)
    batches = tf.data.Dataset.from_tensors(make_batch(variant)).repeat(steps)
    return model.fit(batches, epochs=1, verbose=0, shuffle=False).history


@functools.cache
def fresh(variant):
    """An untrained model, shared: tests must not change it."""
    return create(variant)


@functools.cache
def trained(variant):
    """A model after two steps and its history, shared: tests must not change it."""
    model = create(variant)
    return model, train(variant, model)


# The others are made of the same parts as these.
QUICK = ("rnn_lm", "ae", "skip_vae", "vmf_vae", "code_vae", "dem_vae of one component")
QUICK += ("dem_vae of documents", "vmf_vae of images")
QUICK += ("semi_vae of documents",)


@pytest.fixture(params=[pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in VARIANTS])
def variant(request):
    return request.param


def test_a_saved_model_gives_equal_outputs(variant, tmp_path):
    model, _ = trained(variant)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    tf.nest.map_structure(np.testing.assert_array_equal, loaded(make_batch(variant)), model(make_batch(variant)))
    assert int(loaded.step) == 2


def test_loaded_weights_give_equal_outputs(variant, tmp_path):
    model, _ = trained(variant)
    model.save_weights(tmp_path / "model.weights.h5")
    other = create(variant, training__seed=7)
    assert not np.allclose(other(make_batch(variant))["reconstruction"], model(make_batch(variant))["reconstruction"])
    other.load_weights(tmp_path / "model.weights.h5")
    tf.nest.map_structure(np.testing.assert_array_equal, other.encode(make_batch(variant)), model.encode(make_batch(variant)))


def test_padding_changes_nothing(variant):
    if kind_of(variant).startswith("images"):
        return  # which have none
    model = fresh(variant)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), model(make_batch(variant, 4)), model(make_batch(variant))
    )


def test_training_repeats_exactly_moves_every_weight_and_lowers_the_loss(variant):
    """Global random states, which are none of its business, stay as they were."""
    tf.random.set_seed(1)
    np.random.seed(1)
    expected = tf.random.normal([3]).numpy(), np.random.rand(3)
    tf.random.set_seed(1)
    np.random.seed(1)
    model = create(variant)
    before = [variable.numpy() for variable in model.trainable_variables]
    history = train(variant, model)
    assert history == trained(variant)[1]
    np.testing.assert_array_equal(tf.random.normal([3]), expected[0])
    np.testing.assert_array_equal(np.random.rand(3), expected[1])
    still = [v.path for v, old in zip(model.trainable_variables, before, strict=True) if np.array_equal(v, old)]
    # With one component q(c|x) is 1 whatever its logits are; and codes of views that have learned no word are the mixing weights already.
    unmoved = {"dem_vae of one component": ("logits", "hidden"), "code_vae": ("mixing",), "code_vae of documents": ("mixing",)}
    assert all(any(name in path for name in unmoved.get(variant, ())) for path in still)
    assert train(variant, model, 60)["loss"][0] < history["loss"][0]


def test_another_seed_gives_other_weights_and_noise(variant):
    first, second = fresh(variant), create(variant, training__seed=1)
    same = [a.path for a, b in zip(first.trainable_variables, second.trainable_variables, strict=True) if np.array_equal(a, b)]
    assert all(np.ptp({v.path: v for v in first.trainable_variables}[path].numpy()) == 0 for path in same)
    second.set_weights(first.get_weights())
    noisy = first.latent.size and first.latent.has_density
    assert np.array_equal(second(make_batch(variant))["reconstruction"], first(make_batch(variant))["reconstruction"]) != bool(noisy)


def test_plain_layers_train_to_the_same_figures(variant):
    plain = train(variant, create(variant, training__implementation="plain"))
    for name, values in trained(variant)[1].items():
        np.testing.assert_allclose(values, plain[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_samples_do_not_depend_on_how_they_are_chunked(variant):
    model, seed = fresh(variant), stateless.rows(tf.constant([1, 2]), tf.range(5))
    params = model.encode(make_batch(variant))
    whole = model.latent.sample(params, 5, seed)
    parts = [model.latent.sample(params, 2, seed), model.latent.sample(params, 3, seed, start=2)]
    assert whole.shape == (5, 5, model.latent.size)
    np.testing.assert_allclose(whole, tf.concat(parts, axis=0), rtol=1e-5, atol=1e-6)


def test_noise_of_examples_does_not_depend_on_those_beside_them(variant):
    """In training, with dropout where there is any; of terms that are not of a batch as a whole."""
    dropped = {f"{part}__dropout": 0.4 for part in ("encoder", "decoder") if reason_unused(config_of(variant), f"{part}.dropout") == ""}
    if reason_unused(config_of(variant), "decoder.word_dropout") == "" and variant != "vmf_vae without words":
        dropped["decoder__word_dropout"] = 0.3
    model = create(variant, training__noise="example", objective__samples=2, **dropped)
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in model._flatten_layers()):
        return  # normalisation over a batch is of it as a whole

    def terms(rows):
        batch = tf.nest.map_structure(lambda values: tf.gather(values, rows), make_batch(variant))
        seed = stateless.rows(tf.constant([1, 2]), batch["index"])
        params, _ = model.infer(batch, seed)
        _, found = model.evaluate_posterior(batch, params, seed=seed, step=model.step.value, num_samples=2, training=True)
        return {term.name: term.value for term in found if term.name not in ("agreement", "information")}

    whole, parts = terms([0, 1, 2, 3, 4]), [terms([3, 0]), terms([2]), terms([4, 1])]
    for name, values in whole.items():
        dealt = tf.concat([part[name] for part in parts], 0)
        np.testing.assert_allclose(tf.gather(values, [3, 0, 2, 4, 1]), dealt, rtol=2e-4, atol=2e-4, err_msg=name)


def test_kl_terms_agree_with_monte_carlo(variant):
    """E_q [log q(z, c|x) - log p(z, c)] by sampling z, with c summed out exactly where there is one."""
    model, count = fresh(variant), 4000
    if not model.latent.has_density:
        assert model.latent.terms(model.encode(make_batch(variant)), None, tf.ones([5])) == []
        return
    params = model.encode(make_batch(variant))
    params = tf.nest.map_structure(lambda leaf: tf.repeat(leaf, count, axis=0), params)
    analytic, ratio = (value.numpy().reshape(5, count) for value in tf.function(log_ratio)(model.latent, params))
    bound = analytic.mean(1)  # of equal values, unless terms are estimates themselves
    assert np.all(np.abs(ratio.mean(1) - bound) <= 4 * ratio.std(1) / np.sqrt(count) + 1e-4 * np.abs(bound))


def log_ratio(latent, params):
    """The KL terms, and log q(z, c|x) - log p(z, c) at one sample of z with c summed out under q."""
    z = latent.sample(params, 1, tf.constant([1, 2]))
    terms = latent.terms(params, z, tf.ones(tf.shape(z)[1]))
    kls = [tf.reduce_sum(tf.reshape(term.value, [tf.shape(z)[1], -1]), axis=1) for term in terms if term.role == "kl"]
    analytic = tf.add_n([tf.zeros(tf.shape(z)[1]), *kls])
    log_posterior = latent.log_posterior(params, z)[0]
    if {"kl_c", "kl_z"} - {
        term.name for term in terms
    } or latent.coded_part() is not latent:  # codes are z, or have been summed out already
        return analytic, log_posterior - latent.log_prior(z)[0]
    components = latent.prior_family.distribution(latent.component_parameters())
    log_prior = components.log_prob(tf.reshape(z[0], [-1, latent.num_variables, 1, z.shape[-1] // latent.num_variables]))  # [B, J, K]
    q = latent.code_probabilities(params)
    return analytic, log_posterior + tf.reduce_sum(q * (tf.math.log(q * latent.num_components) - log_prior), axis=[1, 2])


def test_prior_samples_have_finite_density_and_uniform_codes(variant):
    latent = fresh(variant).latent
    z, codes = latent.sample_prior(2000, tf.constant([3, 4]))
    assert z.shape == (2000, latent.size)
    assert codes.shape == (2000, latent.num_variables)
    assert not latent.has_density or np.all(np.isfinite(latent.log_prior(z[:50])))
    if latent.has_codes:
        counts = np.stack([np.bincount(codes[:, j], minlength=latent.num_components) for j in range(latent.num_variables)])
        share = 1 / latent.num_components
        assert np.all(np.abs(counts / 2000 - share) <= 4 * np.sqrt(share * (1 - share) / 2000))


def test_held_codes_are_held_and_rows_do_not_depend_on_neighbours(variant):
    latent = fresh(variant).latent
    seeds = tf.constant([[1, 2], [3, 4], [5, 6]])
    held = np.full([3, latent.num_variables], -1)
    held[1, :1] = latent.num_components - 1
    z, codes = latent.sample_prior(3, seeds, held)
    np.testing.assert_array_equal(codes[1, :1], held[1, :1])
    np.testing.assert_allclose(latent.sample_prior(2, seeds[1:], held[1:])[0], z[1:], rtol=1e-5, atol=1e-6)


def test_every_trainable_variable_belongs_to_one_side(variant):
    model = fresh(variant)
    assert len(model.encoder_variables) + len(model.generative_variables) == len(model.trainable_variables)
    names = {variable.path.split("/")[0] for variable in model.generative_variables}
    assert any("components" in v.path for v in model.generative_variables) == isinstance(model.latent.coded_part(), MixtureLatent)
    assert "encoder" not in names


TEXTS = ["w1 w2 w3", "w4 w5", "w6", "w1 w1 w1 w1 nothing known"]
IMAGES = np.random.default_rng(1).integers(0, 256, [4, *SMALL_IMAGES.values()]).astype(np.uint8)


def items_of(variant):
    return IMAGES if kind_of(variant).startswith("images") else TEXTS


@pytest.fixture(scope="module")
def whole_models():
    words = Words(Vocabulary([f"w{number}" for number in range(16)]), max_length=4)
    pixels = Pixels(*SMALL_IMAGES.values())
    return functools.cache(lambda variant: Model(pixels if items_of(variant) is IMAGES else words, trained(variant)[0]))


def test_every_model_generates(variant, whole_models):
    model = whole_models(variant)
    for method in METHODS:
        if method not in model.vae.decoder.methods:
            with pytest.raises(UserError, match=f"method = '{method}' is not one of this model's decoder"):
                model.generate(6, method=method)
            continue
        limits = {"max_length": 7} if items_of(variant) is TEXTS else {}
        items, codes = model.generate(6, seed=1, method=method, **limits)
        assert len(items) == 6 and codes.shape == (6, model.vae.latent.num_variables)
        np.testing.assert_array_equal(model.generate(3, seed=1, method=method, **limits)[0], items[:3])
        if items_of(variant) is TEXTS:
            assert all(word.startswith("w") for text in items for word in text.split())
        else:
            assert items.dtype == np.uint8 and items.shape[1:] == IMAGES.shape[1:]
    first, second = (np.asarray(model.generate(6, seed=seed, method="sample")[0]) for seed in (1, 2))
    assert not np.array_equal(first, second)
    with pytest.raises(UserError, match="num = 0: must be at least 1"):
        model.generate(0)


def test_components_can_be_held_where_there_are_some(variant, whole_models):
    model = whole_models(variant)
    latent = model.vae.latent
    if not latent.has_codes:
        with pytest.raises(UserError, match="this model's prior is no mixture: it has no component to choose"):
            model.generate(2, component=0)
        return
    held = np.full(latent.num_variables, -1)
    held[-1] = latent.num_components - 1
    _, codes = model.generate(20, component=held)
    assert np.all(codes[:, -1] == latent.num_components - 1)
    for bad in (latent.num_components, -2, [0] * (latent.num_variables + 2)):
        with pytest.raises(UserError, match="component"):
            model.generate(2, component=bad)


def test_verbs_of_the_posterior_work_or_say_that_there_is_none(variant, whole_models):
    model = whole_models(variant)
    latent = model.vae.latent
    items = items_of(variant)
    verbs = (lambda: model.encode(items), lambda: model.reconstruct(items), lambda: model.interpolate(*items[:2]))
    if not latent.size:
        for verb in verbs:
            with pytest.raises(UserError, match="this model has no latent variable: it can only generate and score"):
                verb()
        return
    encoded, reconstructed, between = (verb() for verb in verbs)
    assert encoded["mean"].shape == (4, latent.size)
    assert ("codes" in encoded) == latent.has_codes
    assert len(reconstructed) == 4 and len(between) == 7
    np.testing.assert_array_equal([between[0], between[-1]], model.reconstruct(items[:2]))
    for name, value in model.encode(items, batch_size=1).items():
        np.testing.assert_allclose(value, encoded[name], rtol=1e-5, atol=1e-6)
    if items is IMAGES:
        for bad in (np.zeros([0, *IMAGES.shape[1:]], np.uint8), IMAGES[:, 1:], "one string", IMAGES + 0.5 + 255):
            with pytest.raises(UserError, match="images must be an array of one image or more"):
                model.encode(bad)
        return
    assert encoded["length"].tolist() == [4, 3, 2, 7]
    for name, value in model.encode(TEXTS[::-1]).items():
        np.testing.assert_allclose(value[::-1], encoded[name], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.encode(["w1 w1 w1"])["mean"], encoded["mean"][3:], rtol=1e-5, atol=1e-6)  # cut to four tokens
    for bad in ([], "one string"):
        with pytest.raises(UserError, match="a list of one string or more"):
            model.encode(bad)


def test_every_model_scores(variant, whole_models):
    model = whole_models(variant)
    items = items_of(variant)
    scores = model.score(items, samples=5)
    assert scores["elbo"].shape == (4,)
    assert items is IMAGES or scores["length"].tolist() == [4, 3, 2, 7]
    again = model.score([items[0], items[3]], samples=5)
    alone = model.score(items[:1], samples=20)  # one example, as many samples as are in memory at a time
    np.testing.assert_allclose(alone["elbo"], scores["elbo"][:1], rtol=1e-5)
    np.testing.assert_allclose(again["elbo"], scores["elbo"][[0, 3]], rtol=1e-5)  # wherever an item stands
    latent = model.vae.latent
    assert ("log_likelihood" in scores) == latent.has_density
    if not latent.size:
        np.testing.assert_allclose(scores["log_likelihood"], scores["elbo"], rtol=1e-5)
    elif latent.has_density:
        np.testing.assert_allclose(again["log_likelihood"][0], scores["log_likelihood"][0], rtol=1e-5)
        assert np.all(scores["log_likelihood"] < 0)
    for bad in ([], "one string"):
        with pytest.raises(UserError, match=r"of one (string|image) or more"):
            model.score(bad)
    with pytest.raises(UserError, match="samples = 0: must be at least 1"):
        model.score(items, samples=0)


def test_points_between_two_posteriors_lie_in_the_latent_space(variant):
    latent = fresh(variant).latent
    ends = latent.mode(fresh(variant).encode(make_batch(variant)))[:2]
    way = latent.interpolate(ends[:1], ends[1:], tf.linspace(0.0, 1.0, 5))
    np.testing.assert_allclose(tf.gather(way, [0, 4]), ends, atol=1e-5)
    if ("sphere" in variant or "vmf" in variant) and variant != "vmf_vae of norms":
        norms = tf.norm(tf.reshape(way, [5, latent.num_variables, -1]), axis=-1)
        np.testing.assert_allclose(norms, np.ones([5, latent.num_variables]), atol=1e-5)
