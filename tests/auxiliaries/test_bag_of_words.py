import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.decoders.bag_of_words import BagOfWordsDecoder

BATCH = {
    "tokens": tf.constant([[4, 6, 3, 0], [5, 7, 7, 3]]),
    "length": tf.constant([3, 4]),
    "weight": tf.ones([2]),
    "index": tf.range(2),
}
SMALL = {"encoder__embedding_dim": 6, "encoder__hidden_dim": 5, "decoder__embedding_dim": 7, "decoder__hidden_dim": 7}


def create(weight):
    return tfvae.create("vae", corpus="demo", vocabulary_size=9, **SMALL, objective__bag_of_words_weight=weight)


def test_the_loss_has_it_with_its_weight_and_the_bound_does_not():
    vae, seed = create(0.5), tf.constant([1, 2])
    params = vae.encode(BATCH)
    loss, terms = vae.evaluate_posterior(BATCH, params, seed=seed)
    by_name = {term.name: term for term in terms}
    assert by_name["bag_of_words"].role == "penalty"
    plain, _ = create(0.0).evaluate_posterior(BATCH, params, seed=seed)
    assert float(loss - plain) == pytest.approx(0.5 * float(tf.reduce_mean(by_name["bag_of_words"].value)), rel=1e-4)
    assert float(vae(BATCH)["elbo"][0]) == pytest.approx(float(create(0.0)(BATCH)["elbo"][0]), rel=1e-6)


def test_it_is_the_probability_of_the_words_under_a_decoder_of_its_own():
    vae, z = create(1.0), tf.constant(np.random.default_rng(0).normal(size=[3, 2, 10]).astype(np.float32))
    [auxiliary] = vae.auxiliaries
    assert isinstance(auxiliary.decoder, BagOfWordsDecoder)
    [term] = auxiliary.terms(vae, BATCH, {}, z, None)
    np.testing.assert_allclose(term.value, -tf.reduce_mean(auxiliary.decoder.log_prob(BATCH, z), axis=0))
    assert auxiliary.terms(vae, {"image": tf.zeros([2, 3, 3])}, {}, z, None) == []


def test_its_weights_are_trained_and_belong_to_one_side():
    vae = create(1.0)
    own = {variable.path for variable in vae.auxiliaries[0].trainable_variables}
    assert own and own <= {variable.path for variable in vae.generative_variables}
    assert not own & {variable.path for variable in vae.encoder_variables}
