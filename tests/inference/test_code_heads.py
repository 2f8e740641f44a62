import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

import tfvae
from tfvae.config import Config
from tfvae.data.batching import tokenize_split
from tfvae.data.corpus import Split
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.inference.code_heads import CodeHeads
from tfvae.inference.head_start import HeadStart, Learner, dense, hide, teach
from tfvae.layers.perceptron import Perceptron
from tfvae.registry import resolve
from tfvae.registry.views import usual_views
from tfvae.views.form import FormView
from tfvae.views.words import WordsView

SMALL = {"encoder.embedding_dim": 6, "encoder.hidden_dim": 5, "decoder.embedding_dim": 7, "decoder.hidden_dim": 7}
FRAMES = ("did you see the {} ?", "please bring me the {} and the {} !", "the {} was with the {} .")
THINGS = (["apple", "pear", "plum", "peach", "cherry"], ["train", "tram", "bus", "ferry", "plane"], ["cat", "dog", "horse", "cow", "goat"])


def texts(count, seed=0):
    draw = np.random.default_rng(seed)
    frame, thing = draw.integers(3, size=count), draw.integers(3, size=count)
    written = [FRAMES[f].format(*draw.permutation(THINGS[t])) for f, t in zip(frame, thing, strict=True)]
    return Split(written, {"frame": frame.astype(np.int32), "thing": thing.astype(np.int32)}, "made up", np.arange(count))


@pytest.fixture(scope="module")
def learned():
    split = texts(600)
    vocabulary = Vocabulary.from_texts(split.items, size=1000)
    examples = tokenize_split(split, vocabulary, 0)
    heads = CodeHeads([FormView(vocabulary.size, name="form"), WordsView(vocabulary.size, most=0.2, name="content")], components=3, seed=1)
    said = []
    heads.start(examples, 0, said.append)
    return heads, vocabulary, said


def codes_of(heads, vocabulary, split):
    return tf.argmax(heads.logits(tokenize_split(split, vocabulary, 0).batch(np.arange(len(split)))), axis=-1).numpy()


def purity(truth, found):
    return np.mean([np.bincount(found[truth == one]).max() / np.sum(truth == one) for one in np.unique(truth)])


def test_each_code_tells_what_its_view_shows_of_texts_not_seen(learned):
    heads, vocabulary, said = learned
    others = texts(200, seed=1)
    codes = codes_of(heads, vocabulary, others)
    assert purity(others.labels["frame"], codes[:, 0]) > 0.95 and len(np.unique(codes[:, 0])) == 3
    assert purity(others.labels["thing"], codes[:, 1]) > 0.95 and len(np.unique(codes[:, 1])) == 3
    assert (
        len(said) == 4
        and said[0].startswith("code 0, by form: learned from 600")
        and said[1].startswith("code 0, by form: components have 3")
    )


def test_learning_repeats_exactly(learned):
    heads, vocabulary, _ = learned
    views = [type(view).from_config(view.get_config()) for view in heads.views]
    again = CodeHeads(views, components=3, seed=1)
    again.start(tokenize_split(texts(600), vocabulary, 0), 0, lambda line: None)
    for mine, other in zip(heads.weights, again.weights, strict=True):
        np.testing.assert_array_equal(mine, other, err_msg=mine.path)


def test_heads_are_made_again_from_settings_and_weights(learned):
    heads, vocabulary, _ = learned
    other = CodeHeads.from_config(heads.get_config())
    assert not np.any(codes_of(other, vocabulary, texts(20)) - codes_of(other, vocabulary, texts(20, 3)))  # nothing was learned
    other.set_weights(heads.get_weights())
    np.testing.assert_array_equal(codes_of(other, vocabulary, texts(20)), codes_of(heads, vocabulary, texts(20)))


def test_a_second_sight_lacks_features_and_tells_the_same(learned):
    heads, vocabulary, _ = learned
    batch = tokenize_split(texts(100), vocabulary, 0).batch(np.arange(100))
    whole, lacking = heads.logits(batch), heads.second_sight(None, batch, tf.constant([1, 2]))
    assert not np.allclose(whole, lacking)
    assert np.mean(np.argmax(whole, -1) == np.argmax(lacking, -1)) > 0.8


def test_a_share_of_features_is_hidden():
    hidden = hide(tf.ones([100, 100]), 0.3, tf.constant([1, 2])).numpy()
    assert set(np.unique(hidden)) == {0, 1}
    assert np.mean(hidden == 0) == pytest.approx(0.3, abs=0.02)


def test_codes_of_one_view_read_different_halves_of_it():
    heads = CodeHeads([WordsView(100, name="words") for _ in range(3)], components=2)
    kept = np.array([weight.numpy() for weight in heads.kept])
    assert np.all(kept[0] == 1)
    assert np.all(np.abs(kept[1:].mean(axis=1) - 0.5) < 0.2) and np.any(kept[1] != kept[2])


def test_few_or_empty_examples_can_be_learned_from():
    for items in (["one"], ["", ""], ["a b", "a b", "c"]):
        vocabulary = Vocabulary(["a", "b", "c", "one"])
        split = Split(items, {}, "made up", np.arange(len(items)))
        heads = CodeHeads([FormView(vocabulary.size), WordsView(vocabulary.size)], components=4, start={"agreement_steps": 3})
        heads.start(tokenize_split(split, vocabulary, 0), 0, lambda line: None)
        assert np.all(np.isfinite(heads.logits(tokenize_split(split, vocabulary, 0).batch(np.arange(len(items))))))


def test_views_suit_the_number_of_variables_and_the_examples():
    assert usual_views("tokens", 1) == ("words",)
    assert usual_views("tokens", 2) == ("form", "content")
    assert usual_views("tokens", 3) == usual_views("tokens", 7) == ("words", "form", "content")
    assert usual_views("tokens", 3, ordered=False) == ("words", "content")
    assert usual_views("image", 2) == ("pixels",)


@pytest.mark.parametrize(
    ("corpus", "views", "said"),
    [
        ("demo", "from", "did you mean .form"),
        ("demo", "form,pixels", "pixels cannot be had"),
        ("20ng", "form", "form cannot be had"),
        ("mnist", "words", "words cannot be had"),
    ],
)
def test_a_view_that_cannot_be_is_told(corpus, views, said):
    with pytest.raises(UserError, match=said):
        resolve("code_vae", corpus, overrides={"inference.views": views})


def test_settings_that_mean_nothing_are_told():
    with pytest.raises(UserError, match="codes of its own"):
        resolve("code_vae", "demo", overrides={"latent.hidden_dim": 5})
    with pytest.raises(UserError, match="amortized, which has no settings"):
        resolve("dem_vae", "demo", overrides={"inference.views": "form"})
    with pytest.raises(UserError, match="nothing would teach"):
        resolve("code_vae", "demo", overrides={"inference.trainable": True})
    with pytest.raises(UserError, match="nothing would teach the codes"):
        resolve("code_vae", "demo", overrides={"inference.kind": "amortized"})
    with pytest.raises(UserError, match="marginal_mixture"):
        resolve("vae", "demo", overrides={"inference.kind": "code_heads"})
    with pytest.raises(UserError, match="no averaged component"):
        resolve("code_vae", "demo", overrides={"objective.beta": 0.5})


@pytest.mark.parametrize(("name", "settings"), [("code_vae", {"inference.trainable": True}), ("gm_vae", {})])
def test_the_agreement_moves_codes_and_adds_no_bound(name, settings):
    overrides = {**SMALL, "objective.agreement_weight": 2.0, **settings}
    vae = tfvae.models.build.build_vae(resolve(name, "demo", overrides=overrides), {"vocabulary_size": 20})
    tokens = tf.constant(np.random.default_rng(0).integers(4, 20, [6, 5]), tf.int32)
    batch = {"tokens": tokens, "length": tf.fill([6], 5), "weight": tf.ones([6]), "index": tf.range(6)}
    params = vae.encode(batch)
    _, terms = vae.evaluate_posterior(batch, params, seed=tf.constant([1, 2]), training=True)
    [term] = [term for term in terms if term.name == "agreement"]
    assert term.role == "penalty" and term.value.shape == (6,)
    assert vae.objective.penalty_weights["agreement"] == 2
    heads = vae.inference.trainable_variables if name == "code_vae" else vae.latent.logits.trainable_variables
    assert heads and all(any(variable is own for own in vae.trainable_variables) for variable in heads)


def test_heads_stay_as_they_are_unless_they_are_trainable():
    vae = tfvae.models.build.build_vae(resolve("code_vae", "demo", overrides=SMALL), {"vocabulary_size": 20})
    assert vae.inference.weights and not vae.inference.trainable_variables
    assert Config().inference.kind == "amortized"


def test_codes_agree_on_those_that_a_view_calls_neighbours():
    draw, count = np.random.default_rng(0), 400
    # two numbers tell kinds apart, of which neighbours share the second alone
    first, second = draw.integers(2, size=count), draw.integers(2, size=count)
    features = np.eye(2)[first].repeat(4, axis=1) * 1.2, np.eye(2)[second].repeat(4, axis=1)
    rows = scipy.sparse.csr_matrix(np.concatenate(features, axis=1) + 0.1 * draw.normal(size=(count, 16)))
    near = np.stack([draw.permutation(np.flatnonzero(second == kind))[:50] for kind in second])
    agreed = {}
    for name, some in (("itself", None), ("neighbours", near)):
        head = Perceptron(16, units=2, num_layers=1, activation=None, seed=0, dtype="float32")
        settings = HeadStart(start_steps=0, agreement_steps=600, hidden_share=0.1)
        teach(Learner(head, head.weights, 2, settings, [0, 0]), rows, first, None, some)
        codes = head(dense(rows)).numpy().argmax(axis=1)
        agreed[name] = [purity(kind, codes) for kind in (first, second)]
    assert agreed["itself"][0] > 0.9 > agreed["itself"][1] and agreed["neighbours"][1] > 0.9
