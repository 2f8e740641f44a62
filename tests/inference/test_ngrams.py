import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.auxiliaries.label import KEY
from tfvae.errors import UserError
from tfvae.inference.ngrams import NGrams

SMALL = {"encoder__embedding_dim": 6, "encoder__hidden_dim": 5, "decoder__embedding_dim": 7, "decoder__hidden_dim": 7}
TOKENS = tf.constant([[4, 6, 7, 3], [6, 4, 3, 0], [3, 0, 0, 0]])


def layer(**options):
    made = NGrams(variables=2, components=3, buckets=2**16, **options)
    made.table.assign(np.random.default_rng(0).normal(size=made.table.shape))
    return made


def test_logits_are_the_sum_over_words_and_pairs():
    made, table = layer(), None
    table = made.table.numpy()
    places, there = (value.numpy() for value in made.places(TOKENS))
    own = {tuple(pair): place for pair, place in zip([(4,), (6,), (7,)], places[0], strict=False)}
    own |= dict(zip([("", 4), (4, 6), (6, 7), (7, "")], places[0, 4:], strict=True))
    assert len(set(own.values())) == 7 and there[0].tolist() == [True] * 3 + [False] + [True] * 4
    wanted = sum(table[place] for place in own.values()) / np.sqrt(7)
    np.testing.assert_allclose(made.logits({"tokens": TOKENS})[0], wanted.reshape(2, 3), rtol=1e-5)
    assert places[1, 0] == own[6,] and places[1, 4 + 1] != own[4, 6]  # a word has its row everywhere, and a pair its order


def test_padding_does_not_matter_and_hiding_is_by_the_seed():
    made = layer(hidden_share=0.5)
    whole, padded = made.logits({"tokens": TOKENS}), made.logits({"tokens": tf.pad(TOKENS, [[0, 0], [0, 3]])})
    np.testing.assert_allclose(whole, padded, rtol=1e-6)
    once, again, other = (made.logits({"tokens": TOKENS}, tf.constant(seed)) for seed in ([0, 1], [0, 1], [0, 2]))
    assert np.array_equal(once, again) and not np.array_equal(once, other) and not np.array_equal(once, whole)


def test_words_in_no_order_have_no_pairs():
    made = layer(ordered=False)
    assert made.places(TOKENS)[0].shape == TOKENS.shape
    np.testing.assert_allclose(made.logits({"tokens": TOKENS[:1]}), made.logits({"tokens": tf.constant([[7, 4, 6, 3]])}), rtol=1e-5)


def test_labels_teach_the_encoder_and_the_table_together():
    vae = tfvae.create("dem_vae", corpus="demo", vocabulary_size=9, **SMALL, objective__labels="act:1", inference__kind="ngrams")
    batch = {"tokens": TOKENS, "length": tf.constant([4, 3, 1]), KEY: {"act": tf.constant([1, 2, -1])}}
    with tf.GradientTape() as tape:
        params = vae.encode(batch)
        [value] = [term.value for term in vae.auxiliaries[0].terms(vae, {**batch, "weight": tf.ones([3])}, params, None, None)]
    own = vae.latent(vae.encoder(batch))["logits"]
    np.testing.assert_allclose(params["logits"], own + vae.inference.logits(batch))
    table, bias = tape.gradient(value, [vae.inference.table, vae.latent.logits.bias])
    assert np.any(tf.convert_to_tensor(table)) and np.any(bias)
    assert any(variable is vae.inference.table for variable in vae.encoder_variables)


class Examples:
    """Texts that begin in one of three ways and go on with words that go together; some of these are in no text whose code is known."""

    def __init__(self, count=600):
        draw = np.random.default_rng(0)
        self.codes = draw.integers(0, 3, count)
        begins, kinds = np.array([4, 5, 6]), np.arange(7, 37).reshape(3, 10)
        self.tokens = np.full([count, 5], 3)
        self.tokens[:, 0] = begins[draw.integers(0, 3, count)]  # which tells nothing
        self.tokens[:, 1:4] = kinds[self.codes[:, np.newaxis], draw.integers(0, 10, [count, 3])]

    def __len__(self):
        return len(self.tokens)

    def batch(self, index):
        return {"tokens": tf.constant(self.tokens[index])}

    def known(self, count):
        return np.where(np.arange(len(self)) < count, self.codes, -1)


def started(examples, known, **options):
    made, said = NGrams(variables=2, components=4, buckets=2**14, **options), []
    made.start(examples, 0, said.append, {1: known})
    return made, said


@pytest.mark.parametrize("dim", [0, 6])
def test_what_labels_say_is_learned_before_training(dim):
    examples = Examples()
    made, said = started(examples, examples.known(300), semantic_dim=dim)
    logits = made.logits(examples.batch(np.arange(len(examples)))).numpy()
    assert np.mean(logits[300:, 1].argmax(axis=-1) == examples.codes[300:]) > 0.95
    assert logits.argmax(axis=-1)[:, 1].max() == 2 and np.all(logits[:, 0] == 0)  # no label is of the last code, nor of variable 0
    assert said and "300 labels" in said[0]


def test_places_tell_of_words_that_no_labelled_text_has():
    examples = Examples()
    index, hits = np.arange(12, len(examples)), []
    for dim in (0, 6):
        logits = started(examples, examples.known(12), semantic_dim=dim)[0].logits(examples.batch(index))[:, 1].numpy()
        hits.append(np.mean(logits.argmax(axis=-1) == examples.codes[index]))
    assert hits[1] > 0.99 > hits[0] + 0.05


def test_places_are_those_of_the_analysis_of_all_texts():
    examples = Examples(200)
    made, _ = started(examples, examples.known(50), semantic_dim=3)
    counts = made._counts(examples.batch(np.arange(200))).toarray()
    counts = counts[:, np.count_nonzero(counts, axis=0) >= 3]
    rows = counts * (np.log(201 / (1 + np.count_nonzero(counts, axis=0))) + 1)
    left, values, _ = np.linalg.svd(rows / np.linalg.norm(rows, axis=1, keepdims=True), full_matrices=False)
    wanted = left[:, :3] * values[:3]
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    made.table.assign(tf.zeros_like(made.table))
    made.bias.assign(tf.zeros_like(made.bias))
    made.readout.assign(np.eye(3, 8))
    found = made.logits(examples.batch(np.arange(200))).numpy().reshape(200, 8)[:, :3]
    np.testing.assert_allclose(found @ found.T, wanted @ wanted.T, atol=1e-3)


def test_codes_that_are_alone_are_what_labels_said_and_stay():
    own = {"objective__labels": "act:1", "inference__kind": "ngrams", "inference__alone": True, "inference__semantic_dim": 3}
    vae = tfvae.create("dem_vae", corpus="demo", vocabulary_size=9, **SMALL, **own)
    vae.inference.readout.assign(np.random.default_rng(0).normal(size=vae.inference.readout.shape))
    batch = {"tokens": TOKENS, "length": tf.constant([4, 3, 1])}
    np.testing.assert_allclose(vae.encode(batch)["logits"], vae.inference.logits(batch))
    assert not {id(variable) for variable in vae.inference.variables} & {id(variable) for variable in vae.trainable_variables}


def test_of_one_known_code_nothing_is_said():
    examples = Examples(50)
    made, _ = started(examples, np.where(examples.codes == 1, 1, -1), semantic_dim=3)
    assert np.all(made.logits(examples.batch(np.arange(50))).numpy() == 0)


@pytest.mark.parametrize(("model", "corpus", "message"), [("vae", "demo", "takes no codes"), ("dem_vae", "mnist", "reads tokens alone")])
def test_it_needs_codes_and_words(model, corpus, message):
    with pytest.raises(UserError, match=message):
        tfvae.resolve(model, corpus, overrides={"inference.kind": "ngrams"})
