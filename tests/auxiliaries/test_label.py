"""demvae_sup_divae and demvae_bmvae_a are of wenxianxian/demvae @0ca6a86, `sup_models.DiVAE` and `BMVAE`: labels of variables 0 and 1."""

import pathlib
import types

import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.auxiliaries.label import KEY, LabelLoss
from tfvae.errors import UserError
from tfvae.latents.latent import Latent

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
BATCH = {
    "tokens": tf.constant([[4, 6, 3, 0], [5, 7, 7, 3], [4, 4, 3, 0]]),
    "length": tf.constant([3, 4, 3]),
    "weight": tf.ones([3]),
    "index": tf.range(3),
}
SMALL = {"encoder__embedding_dim": 6, "encoder__hidden_dim": 5, "decoder__embedding_dim": 7, "decoder__hidden_dim": 7}


class Codes(Latent):
    """A latent that says how probable codes are and no more."""

    has_codes = True

    def code_probabilities(self, params):
        return tf.nn.softmax(params["logits"], axis=-1)


def loss_of(labels, known, logits, weight=None):
    batch = {"weight": tf.ones([len(logits)], logits.dtype) if weight is None else weight, KEY: known}
    vae = types.SimpleNamespace(latent=Codes())
    [term] = LabelLoss(labels).terms(vae, batch, {"logits": logits}, None, None)
    assert (term.name, term.role) == ("label", "penalty")
    return term.value


@pytest.mark.parametrize(("name", "logits"), [("sup_divae", "logits"), ("bmvae_a", "logits_z")])
def test_it_is_the_official_cross_entropy(name, logits):
    golden = np.load(GOLDEN / f"demvae_{name}.npz")
    known = {"emotion": tf.constant(golden["z_labels"][:, 0], tf.int32), "act": tf.constant(golden["z_labels"][:, 1], tf.int32)}
    values = loss_of({"emotion": 0, "act": 1}, known, tf.constant(golden[logits]))
    assert float(tf.reduce_mean(values)) == pytest.approx(float(golden["cross_entropy_z"]), rel=1e-12)


def test_its_mean_is_that_over_the_examples_whose_label_is_known():
    logits = tf.constant(np.random.default_rng(0).normal(size=[4, 2, 3]), tf.float64)
    weight = tf.constant([1.0, 2.0, 1.0, 0.5], tf.float64)
    values = loss_of({"act": 1}, {"act": tf.constant([2, -1, 0, -1])}, logits, weight)
    log_probabilities = tf.nn.log_softmax(logits[:, 1]).numpy()
    wanted = -(log_probabilities[0, 2] + log_probabilities[2, 0]) / 2
    assert np.average(values, weights=weight) == pytest.approx(wanted, rel=1e-12)
    assert values.numpy()[[1, 3]].tolist() == [0, 0]
    assert not np.any(loss_of({"act": 1}, {"act": tf.fill([4], -1)}, logits))


def test_it_is_silent_where_a_batch_has_no_labels():
    vae = tfvae.create("dem_vae", corpus="demo", vocabulary_size=9, **SMALL, objective__labels="act:1")
    _, terms = vae.evaluate_posterior(BATCH, vae.encode(BATCH), seed=tf.constant([0, 0]))
    assert "label" not in [term.name for term in terms]
    assert vae.test_step(BATCH)["label"] == 0


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("dgm_vae", {}),
        ("dem_vmf_vae", {}),
        ("code_vae", {"inference__trainable": True}),
        ("code_vae", {"inference__kind": "amortized"}),
    ],
)
def test_every_latent_with_codes_learns_from_it(model, settings):
    vae = tfvae.create(model, corpus="demo", vocabulary_size=9, **SMALL, **settings, objective__labels="act:1", objective__label_weight=3.0)
    batch = {**BATCH, KEY: {"act": tf.constant([1, -1, 3])}}
    with tf.GradientTape() as tape:
        params = vae.encode(batch)
        loss, terms = vae.evaluate_posterior(batch, params, seed=tf.constant([0, 0]))
        value = tf.reduce_mean(next(term.value for term in terms if term.name == "label"))
    probabilities = vae.latent.code_probabilities(params).numpy()[:, 1]
    assert float(value) == pytest.approx(-np.log(probabilities[[0, 2], [1, 3]]).mean(), rel=1e-5)
    assert float(loss - vae.evaluate_posterior(BATCH, params, seed=tf.constant([0, 0]))[0]) == pytest.approx(3 * float(value), rel=1e-3)
    assert any(gradient is not None and np.any(gradient) for gradient in tape.gradient(value, vae.encoder_variables))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective__labels": "act"}, "label:variable"),
        ({"objective__labels": "act:0,topic:0"}, "once each"),
        ({"objective__labels": "act:7"}, "numbered 0 to 1"),
        ({"training__select": "label"}, "set config.objective.labels"),
        ({"objective__label_weight": 2.0}, "no label supervises it"),
        ({"data__labelled_share": 0.5}, "no label supervises it"),
    ],
)
def test_settings_that_name_no_variable_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        tfvae.create("dem_vae", corpus="demo", vocabulary_size=9, **settings)


def test_models_without_codes_and_heads_that_stay_are_refused():
    with pytest.raises(UserError, match="no mixture"):
        tfvae.create("vae", corpus="demo", vocabulary_size=9, objective__labels="act:0")
    with pytest.raises(UserError, match="heads that stay as they are learn no labels"):
        tfvae.create("code_vae", corpus="demo", vocabulary_size=9, objective__labels="act:0")
