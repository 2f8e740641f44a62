import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.decoders.bag_of_words import BagOfWordsDecoder
from tfvae.generation.decoding import Decoding

WORDS = 5


def make(**options):
    return BagOfWordsDecoder(WORDS + 4, z_dim=2, hidden_dim=6, **{"dtype": "float64", "seed": 3, **options})


def batch(*documents, padding=0):
    longest = max(map(len, documents)) + padding
    tokens = np.array([[*document, *[0] * (longest - len(document))] for document in documents], np.int32)
    return {"tokens": tf.constant(tokens)}


def z_of(samples, count, size=2):
    return tf.constant(np.random.default_rng(1).normal(size=(samples, count, size)))


SWITCHES = [{}, {"z_to_output": True}, {"num_layers": 2, "z_to_inputs": "all"}, {"num_layers": 0}]


@pytest.mark.parametrize("options", SWITCHES)
def test_probabilities_of_documents_of_one_word_sum_to_one(options):
    documents = [[word, 3] for word in range(4, 4 + WORDS)]
    z = tf.repeat(z_of(3, 1), WORDS, axis=1)
    np.testing.assert_allclose(np.exp(make(**options).log_prob(batch(*documents), z)).sum(axis=1), 1, rtol=1e-12)


def test_a_document_is_the_product_of_its_words_in_any_order_and_specials_count_for_nothing():
    decoder, z = make(), z_of(2, 1)
    each = {word: decoder.log_prob(batch([word, 3]), z).numpy() for word in (4, 7)}
    expected = 2 * each[4] + each[7]
    for document in ([4, 4, 7, 3], [7, 4, 1, 4, 3], [4, 7, 4]):
        np.testing.assert_allclose(decoder.log_prob(batch(document, padding=2), z), expected, rtol=1e-12)
    assert decoder.num_observations(batch([4, 4, 1, 7, 3], [3])).numpy().tolist() == [3, 0]


def test_without_z_all_documents_have_one_distribution():
    decoder = BagOfWordsDecoder(WORDS + 4, z_dim=0, hidden_dim=6)
    assert decoder.log_prob(batch([4, 3], [5, 3]), tf.zeros([1, 2, 0])).shape == (1, 2)
    off = make(z_to_inputs="none")
    np.testing.assert_array_equal(off.log_prob(batch([4, 3]), z_of(1, 1)), off.log_prob(batch([4, 3]), -z_of(1, 1)))


def test_dropout_of_logits_is_of_training_alone():
    decoder, z = make(dropout=0.5), z_of(1, 1)
    plain = make().log_prob(batch([4, 3]), z)
    np.testing.assert_array_equal(decoder.log_prob(batch([4, 3]), z), plain)
    assert not np.array_equal(decoder.log_prob(batch([4, 3]), z, seed=tf.constant([1, 2])), plain)


def test_greedy_writing_lists_the_likeliest_words_in_order():
    decoder, z = make(dtype="float32"), tf.cast(z_of(1, 3)[0], tf.float32)
    ids = decoder.write(z, tf.constant([0, 0]), Decoding(method="greedy", max_length=3)).numpy()
    expected = 4 + np.argsort(-decoder.word_logits(z).numpy(), axis=1)[:, :3]
    np.testing.assert_array_equal(ids, expected)
    assert decoder.write(z, tf.constant([0, 0]), Decoding(method="greedy", max_length=99)).shape == (3, WORDS)


def test_drawn_words_have_their_probabilities_and_a_row_its_own_noise():
    decoder, z = make(dtype="float32"), tf.constant([[0.7, -1.2]])
    seeds = tf.stack([tf.range(400), tf.zeros(400, tf.int32)], axis=1)
    settings = Decoding(method="sample", max_length=50)
    ids = decoder.write(tf.repeat(z, 400, axis=0), seeds, settings).numpy()
    share = np.bincount(ids.ravel() - 4, minlength=WORDS) / ids.size
    expected = tf.nn.softmax(decoder.word_logits(z))[0].numpy()
    assert np.all(np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / ids.size))
    np.testing.assert_array_equal(decoder.write(z, seeds[7:8], settings)[0], ids[7])
    coldest = decoder.write(z, seeds[:1], Decoding(method="sample", top_k=1, max_length=4)).numpy()
    assert set(coldest.ravel()) == {4 + int(np.argmax(expected))}


def test_it_comes_back_from_its_configuration():
    decoder = make(z_to_output=True, num_layers=2, z_to_inputs="all")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(decoder))
    z = z_of(2, 1)
    np.testing.assert_array_equal(again.log_prob(batch([4, 3]), z), decoder.log_prob(batch([4, 3]), z))
    assert float(again.num_observations(again.example())[0]) == 1
