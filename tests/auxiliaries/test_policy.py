import numpy as np
import pytest
import tensorflow as tf

from tfvae.data import demo
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.modalities.turns import Turns
from tfvae.models.build import build_vae
from tfvae.registry import resolve

SMALL = {
    "encoder.embedding_dim": 5,
    "encoder.hidden_dim": 6,
    "decoder.embedding_dim": 7,
    "decoder.hidden_dim": 7,
    "decoder.context_embedding_dim": 4,
    "decoder.turn_dim": 4,
    "decoder.context_dim": 6,
    "latent.hidden_dim": 6,
}
ITEMS = demo.read(2).test.items[:4]


@pytest.fixture(scope="module")
def batch():
    [(_, made, _)] = Turns(Vocabulary.from_texts(ITEMS, size=40)).batches(ITEMS, 8)
    return {**made, "weight": tf.ones([4])}


@pytest.fixture(scope="module")
def vae():
    made = build_vae(resolve("dialog_dem_vae", "demo", base=SMALL), {"vocabulary_size": 44})
    for weight in made.weights[1:]:
        weight.assign(weight + 0.3 * tf.random.stateless_normal(weight.shape, [1, len(weight.shape)]))
    return made


def terms_of(vae, batch, name):
    params = vae.encode(batch)
    [auxiliary] = [part for part in vae.auxiliaries if part.name == name]
    prepared = vae.decoder.prepare(batch)
    return auxiliary, params, prepared, auxiliary.terms(vae, prepared, params, vae.latent.mode(params)[tf.newaxis], None)


def test_the_policy_s_loss_is_a_cross_entropy_to_the_codes_of_the_answer(vae, batch):
    policy, params, prepared, [term] = terms_of(vae, batch, "policy")
    logits = policy.logits(prepared["summary"]).numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = -np.sum(vae.latent.code_probabilities(params) * np.log(probabilities), axis=(1, 2))
    np.testing.assert_allclose(term.value, expected, rtol=1e-5)
    assert (term.name, term.role) == ("policy", "penalty")
    assert policy.from_config(policy.get_config()).get_config() == policy.get_config()


def test_the_policy_teaches_itself_and_the_context_and_not_the_encoder(vae, batch):
    with tf.GradientTape() as tape:
        policy, *_, [term] = terms_of(vae, batch, "policy")
        loss = tf.reduce_sum(term.value)
    taught = {
        id(variable)
        for variable, gradient in zip(vae.trainable_variables, tape.gradient(loss, vae.trainable_variables), strict=True)
        if gradient is not None
    }
    assert taught == {id(variable) for variable in [*policy.trainable_variables, *vae.decoder.context.trainable_variables]}


def test_the_attribute_loss_is_that_of_the_words_themselves_where_the_decoder_is_sure_of_them(vae, batch, monkeypatch):
    _, params, _, [term] = terms_of(vae, batch, "attribute")
    soft = vae.decoder.word_probabilities

    def sure(given, z, seed=None):
        words, packing = soft(given, z, seed)
        return tf.one_hot(packing.pack(given["tokens"]), words.shape[1]), packing

    monkeypatch.setattr(vae.decoder, "word_probabilities", sure)
    *_, [certain] = terms_of(vae, batch, "attribute")
    codes = vae.latent.code_probabilities(params).numpy()
    np.testing.assert_allclose(certain.value, -np.sum(codes * np.log(codes), axis=(1, 2)), rtol=1e-4)  # the codes' entropy
    assert np.all(term.value > certain.value)


def test_the_attribute_loss_reaches_the_decoder(vae, batch):
    with tf.GradientTape() as tape:
        *_, [term] = terms_of(vae, batch, "attribute")
        loss = tf.reduce_sum(term.value)
    assert all(gradient is not None for gradient in tape.gradient(loss, vae.decoder.trainable_variables))


def test_terms_count_with_their_weights(vae, batch):
    assert vae.objective.penalty_weights == {"policy": 1.0, "attribute": 0.1}
    sums = vae.examine({**batch, "index": tf.range(4)})[2]
    assert {"penalty/policy", "penalty/attribute"} <= set(sums)


@pytest.mark.parametrize(
    ("model", "corpus", "overrides", "message"),
    [
        ("dialog_dem_vae", "ptb", {}, r"config\.data\.context = 10: its corpus is ptb, which has no dialogues; those that have are"),
        ("dialog_dem_vae", "demo", {"data.context": 0}, "reads context, and the corpus demo has tokens"),
        ("dialog_dem_vae", "demo", {"decoder.kind": "recurrent"}, "a recurrent decoder does not read what was said before"),
        ("dem_vae", "demo", {"objective.policy_weight": 1.0}, "does not read what was said before"),
        ("vae", "demo", {"objective.attribute_weight": 1.0}, "its prior is no mixture"),
        ("dem_vae", "20ng", {"objective.attribute_weight": 1.0}, "it takes a recurrent encoder"),
        ("dem_vae", "demo", {"decoder.context_dim": 8}, "its decoder is recurrent, which has"),
        ("dem_vae", "demo", {"training.freeze": "encoder"}, "it begins with no run's weights; --init_from names one"),
    ],
)
def test_what_does_not_go_together_is_told(model, corpus, overrides, message):
    with pytest.raises(UserError, match=message):
        resolve(model, corpus, overrides=overrides)
