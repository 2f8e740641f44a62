"""Bounds at refined posteriors beside those at the encoder's word."""

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.evaluation.metrics import reason_absent, usual
from tfvae.evaluation.refinement import refinement


def test_the_gain_is_that_of_the_bounds_of_each_example(subject_of):
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


def test_it_is_of_models_that_refine(subject_of):
    assert "refinement" in usual(subject_of("sa_vae"))
    subject = subject_of("vae")
    assert "refinement" not in usual(subject) and "no steps refine them" in reason_absent("refinement", subject)
