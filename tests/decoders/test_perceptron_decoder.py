import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.decoders.perceptron import PerceptronDecoder
from tfvae.generation.decoding import Decoding


def make(size=2, **options):
    return PerceptronDecoder(size, size, z_dim=2, hidden_dim=5, **{"dtype": "float64", "seed": 3, **options})


def z_of(samples, count):
    return tf.constant(np.random.default_rng(1).normal(size=(samples, count, 2)))


ALL = np.array(list(itertools.product([0.0, 1.0], repeat=4))).reshape(16, 2, 2)


@pytest.mark.parametrize("options", [{}, {"z_to_inputs": "all", "z_to_output": True}, {"num_layers": 4}])
def test_probabilities_of_all_images_sum_to_one(options):
    z = tf.repeat(z_of(3, 1), 16, axis=1)
    np.testing.assert_allclose(np.exp(make(**options).log_prob({"image": tf.constant(ALL)}, z)).sum(axis=1), 1, rtol=1e-12)


def test_grey_counts_as_a_share_of_white():
    decoder, z = make(), z_of(1, 1)
    grey = decoder.log_prob({"image": tf.fill([1, 2, 2], tf.constant(0.25, tf.float64))}, z)
    black, white = (decoder.log_prob({"image": tf.fill([1, 2, 2], tf.constant(value, tf.float64))}, z) for value in (0.0, 1.0))
    np.testing.assert_allclose(grey, 0.75 * black + 0.25 * white, rtol=1e-12)


def test_z_enters_where_the_switches_say():
    z = z_of(1, 1)
    image = {"image": tf.constant(ALL[5:6])}
    off = make(z_to_inputs="none")
    np.testing.assert_array_equal(off.log_prob(image, z), off.log_prob(image, -z))
    skip = make(z_to_inputs="all", z_to_output=True, num_layers=3)
    names = [weight.path for weight in skip.weights if "z_kernel" in weight.path]
    assert len(names) == 1 + 3 + 1
    plain = make(num_layers=3)
    shared = {weight.path: weight.numpy() for weight in skip.weights}
    assert all(np.array_equal(weight.numpy(), shared[weight.path]) for weight in plain.weights)
    for weight in skip.weights:  # skip connections of weight zero are none
        if "z_kernel" in weight.path and "first" not in weight.path:
            weight.assign(tf.zeros(weight.shape))
    np.testing.assert_allclose(skip.log_prob(image, z), plain.log_prob(image, z), rtol=1e-12)


def test_without_z_all_images_have_one_distribution():
    decoder = PerceptronDecoder(2, 2, z_dim=0, hidden_dim=5)
    assert decoder.log_prob({"image": tf.zeros([3, 2, 2])}, tf.zeros([1, 3, 0])).shape == (1, 3)


def test_images_are_written_as_probabilities_or_drawn_from_them():
    decoder, z = make(dtype="float32"), tf.constant([[0.7, -1.2]])
    mean = decoder.write(z, tf.constant([0, 0]), Decoding(method="greedy"))[0].numpy()
    np.testing.assert_allclose(mean, tf.sigmoid(decoder.logits(z)).numpy().reshape(2, 2), rtol=1e-6)
    seeds = tf.stack([tf.range(4000), tf.zeros(4000, tf.int32)], axis=1)
    drawn = decoder.write(tf.repeat(z, 4000, axis=0), seeds, Decoding(method="sample")).numpy()
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert np.all(np.abs(drawn.mean(axis=0) - mean) <= 5 * np.sqrt(mean * (1 - mean) / 4000))
    np.testing.assert_array_equal(decoder.write(z, seeds[9:10], Decoding(method="sample"))[0], drawn[9])


def test_dropout_is_of_training_alone():
    image, z = {"image": tf.constant(ALL[5:6])}, z_of(1, 1)
    decoder = make(dropout=0.5)
    np.testing.assert_array_equal(decoder.log_prob(image, z), make().log_prob(image, z))
    assert not np.array_equal(decoder.log_prob(image, z, seed=tf.constant([1, 2])), make().log_prob(image, z))


def test_it_comes_back_from_its_configuration():
    decoder, z = make(z_to_inputs="all", num_layers=3), z_of(2, 1)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(decoder))
    np.testing.assert_array_equal(again.log_prob(again.example(), z), decoder.log_prob(decoder.example(), z))
    assert again.num_observations(again.example()).numpy().tolist() == [4]
