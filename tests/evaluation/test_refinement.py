"""Bounds at refined posteriors beside those at the encoder's word."""

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.data import corpora
from tfvae.evaluation.metrics import reason_absent, usual
from tfvae.evaluation.refinement import refinement
from tfvae.evaluation.subject import Subject
from tfvae.models.build import build_vae
from tfvae.models.model import Model
from tfvae.registry import resolve
from tfvae.registry.applicable import modality_of

SMALL = {
    "data.limit": 40,
    "data.eval_batch_size": 16,
    "encoder.embedding_dim": 6,
    "encoder.hidden_dim": 8,
    "decoder.embedding_dim": 7,
    "decoder.hidden_dim": 7,
}


def subject_of(model, **settings):
    config = resolve(model, "demo", base={**SMALL, **{name.replace("__", "."): value for name, value in settings.items()}})
    corpus = corpora.read(config.data)
    modality = modality_of(config).learn(corpus, config.data)
    return Subject(Model(modality, build_vae(config, modality.shape)), config, corpus, sentences=30)


def test_the_gain_is_that_of_the_bounds_of_each_example():
    subject = subject_of("skip_sa_vae", inference__steps=3, inference__rate=0.3)
    found = {figure.name: figure for figure in refinement(subject)}
    vae, index = subject.model.vae, subject.choose(30)
    assert len(index) == 30
    batch = subject.examples.batch(index)
    seed = stateless.rows(tf.constant([0, 6]), batch["index"])
    first = vae.latent(vae.encoder(batch))
    gain = vae.own_losses(batch, first, seed=seed, num_samples=10) - vae.own_losses(batch, vae.encode(batch), seed=seed, num_samples=10)
    np.testing.assert_allclose(found["refined_gain"].value, np.mean(gain), rtol=1e-3)
    np.testing.assert_allclose(found["refined_better"].value, np.mean(gain > 0), atol=1e-6)
    assert found["refined_gain"].value > 0 and found["refined_gain"].settings["sentences"] == 30


def test_it_is_of_models_that_refine():
    assert "refinement" in usual(subject_of("sa_vae"))
    subject = subject_of("vae")
    assert "refinement" not in usual(subject) and "no steps refine them" in reason_absent("refinement", subject)
