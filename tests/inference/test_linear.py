"""Codes that labels teach a linear classifier of words, pairs and places."""

import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.cli.model import SMOKE
from tfvae.errors import UserError
from tfvae.export.saved_model import export
from tfvae.inference import linear
from tfvae.inference.linear import LinearCodes
from tfvae.inference.ngrams import NGrams

SMALL = {"encoder__embedding_dim": 6, "encoder__hidden_dim": 5, "decoder__embedding_dim": 7, "decoder__hidden_dim": 7}
TOKENS = tf.constant([[4, 6, 7, 3], [6, 4, 3, 0], [3, 0, 0, 0]])


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
    made, said = LinearCodes(variables=2, components=4, buckets=2**14, **options), []
    made.start(examples, 0, said.append, {1: known})
    return made, said


def test_what_labels_say_is_learned_before_training():
    examples = Examples()
    made, said = started(examples, examples.known(300), semantic_dim=6)
    logits = made.logits(examples.batch(np.arange(len(examples)))).numpy()
    assert np.mean(logits[300:, 1].argmax(axis=-1) == examples.codes[300:]) > 0.95
    assert logits.argmax(axis=-1)[:, 1].max() == 2 and np.all(logits[:, 0] == 0)  # no label is of the last code, nor of variable 0
    assert said and "300 labels" in said[0]


def test_places_tell_of_words_that_no_labelled_text_has():
    examples = Examples()
    index, hits = np.arange(12, len(examples)), []
    made, _ = started(examples, examples.known(12), semantic_dim=6)
    for logits in (NGrams.logits(made, examples.batch(index)), made.logits(examples.batch(index))):
        logits = logits[:, 1].numpy()
        hits.append(np.mean(logits.argmax(axis=-1) == examples.codes[index]))
    assert hits[1] > 0.99 > hits[0] + 0.05


def test_more_labels_tell_of_more_words_and_places_are_of_the_most_frequent(monkeypatch):
    monkeypatch.setattr(linear, "PLACING", 5)
    told = {}
    for count in (4, 300):
        made, _ = started(Examples(), Examples().known(count), semantic_dim=3)
        assert made.directions.shape == (6, 3) and not np.any(made.directions[-1])
        told[count] = np.count_nonzero(np.any(made.table.numpy(), axis=1))
        assert not np.any(made.table[-1])  # is of what labels do not tell of
    assert told[4] <= 5 < told[300] <= 300


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


@pytest.mark.parametrize("trainable", [False, True])
def test_the_encoder_says_nothing_of_codes(trainable):
    more = {"inference__semantic_dim": 3, "inference__trainable": trainable}
    own = {"latent__variables": 1, "objective__labels": "act:0", "inference__kind": "linear", **more}
    vae = tfvae.create("dem_vae", corpus="demo", vocabulary_size=9, **SMALL, **own)
    vae.inference.readout.assign(np.random.default_rng(0).normal(size=vae.inference.readout.shape))
    batch = {"tokens": TOKENS, "length": tf.constant([4, 3, 1])}
    np.testing.assert_allclose(vae.encode(batch)["logits"], vae.inference.logits(batch))
    learning = {id(variable) for variable in vae.trainable_variables}
    assert [id(weight) in learning for weight in (vae.inference.table, vae.inference.readout, vae.inference.directions)] == [
        trainable,
        trainable,
        False,
    ]
    seed = tf.constant([1, 2])
    vae.inference.table.assign(np.random.default_rng(1).normal(size=vae.inference.table.shape))
    assert not np.allclose(vae.inference.second_sight(vae, batch, seed), vae.inference.logits(batch))


def test_of_one_known_code_nothing_is_said():
    examples = Examples(50)
    made, _ = started(examples, np.where(examples.codes == 1, 1, -1), semantic_dim=3)
    assert np.all(made.logits(examples.batch(np.arange(50))).numpy() == 0)


def test_every_variable_needs_a_label():
    own = {"inference.kind": "linear", "latent.variables": 3, "objective.labels": "act:1", "data.limit": 50}
    with pytest.raises(UserError, match="1 of 3 variables have one"):
        tfvae.fit(tfvae.resolve("dem_vae", "demo", overrides=own))


def test_a_run_is_trained_evaluated_and_exported(tmp_path):
    own = {"inference.kind": "linear", "latent.variables": 1, "objective.labels": "act:0", "training.epochs": 1}
    model, run = tfvae.fit(tfvae.resolve("dem_vae", "demo", base=SMOKE, overrides=own), str(tmp_path / "run"), say=lambda line: None)
    texts = ["are you coming ?", "the train was slow ."]
    predicted = list(model.predict(texts, "act")["predicted"])
    assert list(tfvae.load(str(run.path)).predict(texts, "act")["predicted"]) == predicted and predicted[0] == "question"
    path = export(str(run.path), str(tmp_path / "models"), name="linear")
    served = tfvae.predictor(str(path), "predict")(texts)["class_act"]
    assert list(served) == predicted
