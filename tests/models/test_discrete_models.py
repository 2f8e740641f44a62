"""What discrete latents ask of the VAE around them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.models.build import build_vae
from tfvae.registry import resolve

SMALL = {"encoder.embedding_dim": 6, "encoder.hidden_dim": 5, "decoder.embedding_dim": 7, "decoder.hidden_dim": 7, "encoder.dropout": 0.0}
SMALL |= {"decoder.dropout": 0.0, "objective.schedule.kind": "constant"}
BATCH = {
    "tokens": tf.constant([[4, 5, 6, 3], [7, 3, 0, 0], [8, 9, 3, 0]]),
    "length": tf.constant([4, 2, 3]),
    "weight": tf.ones([3]),
    "index": tf.range(3),
}


def make(model, **overrides):
    overrides = {path.replace("__", "."): value for path, value in overrides.items()}
    vae = build_vae(resolve(model, "demo", base={**SMALL, **overrides}), {"vocabulary_size": 12})
    for weight in vae.latent.trainable_weights:
        weight.assign(10 * weight)  # so that codes tell something
    return vae


def is_one_hot(z, components=4):
    return bool(np.allclose(np.reshape(z, [-1, components]).max(axis=-1), 1))


@pytest.mark.parametrize(("gumbel", "whole"), [("soft", False), ("straight_through", True)])
def test_the_decoder_reads_relaxed_codes_in_training_alone(monkeypatch, gumbel, whole):
    vae, read = make("dvae", latent__gumbel=gumbel), []
    log_prob = vae.decoder.log_prob
    monkeypatch.setattr(vae.decoder, "log_prob", lambda batch, z, seed=None: read.append(z.numpy()) or log_prob(batch, z, seed))
    params, seed = vae.encode(BATCH), tf.constant([1, 2])
    vae.evaluate_posterior(BATCH, params, seed=seed, step=tf.constant(0), training=True)
    vae.evaluate_posterior(BATCH, params, seed=seed)
    vae.log_likelihood(BATCH, 3)
    assert [is_one_hot(z) for z in read] == [whole, True, True]


def test_the_temperature_is_that_of_the_step():
    vae = make("dvae", latent__temperature=5.0, latent__temperature_decay=0.01, latent__temperature_floor=0.01)
    params, seed = vae.encode(BATCH), tf.constant([1, 2])

    def loss(step):
        return float(vae.evaluate_posterior(BATCH, params, seed=seed, step=tf.constant(step), training=True)[0])

    warm, cold = loss(0), loss(1000)
    hard = make("dvae", latent__gumbel="straight_through")
    expected = float(hard.evaluate_posterior(BATCH, params, seed=seed, step=tf.constant(0), training=True)[0])
    assert cold == pytest.approx(expected, abs=1e-3) and abs(warm - expected) > 1e-3


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("dae", {}),
        ("dvae", {"kl_c": 1}),
        ("di_vae", {"aggregate_kl_c": 1}),
        ("semi_vae", {"kl_z": 1, "kl_c": 1}),
        ("mop_vae", {"kl_z": 1}),
        ("cm_vae", {"kl_z": 1, "kl_c": 1}),
        ("dcm_vae", {"kl_z": 1, "kl_c": 1, "dispersion": -0.4}),
    ],
)
def test_the_loss_of_a_model_is_that_of_its_paper(model, weights):
    vae = make(model, latent__hidden_dim=5)
    vae.compile(optimizer=keras.optimizers.Adam(1e-3), run_eagerly=True)
    figures = {name: float(value) for name, value in vae.test_step(BATCH).items()}
    expected = figures["reconstruction"] + sum(weight * figures[name] for name, weight in weights.items())
    assert figures["loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("model", ["dae", "dvae", "di_vae", "semi_vae", "mop_vae", "cm_vae", "dcm_vae"])
def test_mutual_information_is_given_back_where_it_is_asked_for(model):
    plain, given = (make(model, objective__mi_weight=weight, latent__hidden_dim=5).test_step(BATCH) for weight in (0.0, 0.5))
    assert float(plain["loss"] - given["loss"]) == pytest.approx(0.5 * float(plain["mutual_information"]), abs=2e-5)
