import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.layers.perceptron import AffineOfTwo, Perceptron
from tfvae.layers.word_counts import word_counts


def test_layers_read_their_input_and_z_as_written_down():
    layer = Perceptron(4, units=3, num_layers=3, activation="tanh", z_dim=2, z_layers=2, seed=1, dtype="float64")
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    x, z = rng.normal(size=(5, 4)), rng.normal(size=(6, 5, 2))
    h = x
    for affine in layer.layers:
        own = h @ affine.kernel.numpy() + affine.bias.numpy()
        h = np.tanh(own + (z @ affine.z_kernel.numpy() if affine.z_kernel is not None else 0))
    assert [affine.z_kernel is not None for affine in layer.layers] == [True, True, False]
    np.testing.assert_allclose(layer(tf.constant(x), tf.constant(z)), h, rtol=1e-12)


def test_reading_z_moves_no_other_weight():
    plain, skip = (Perceptron(4, units=3, num_layers=2, activation="relu", z_dim=2, z_layers=layers, seed=5) for layers in (0, 2))
    for one, other in zip(plain.layers, skip.layers, strict=True):
        np.testing.assert_array_equal(one.kernel.numpy(), other.kernel.numpy())


def test_neither_input_nor_z_leaves_the_bias():
    layer = AffineOfTwo(3, input_dim=0)
    layer.bias.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(layer(None, tf.zeros([2, 5, 0])), np.tile([1.0, 2.0, 3.0], [2, 5, 1]))


def test_a_perceptron_comes_back_from_its_configuration():
    layer = Perceptron(4, units=3, num_layers=2, activation="relu", z_dim=2, z_layers=1, seed=5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    x, z = tf.ones([2, 4]), tf.ones([2, 2])
    np.testing.assert_array_equal(again(x, z), layer(x, z))


@pytest.mark.parametrize("padding", [0, 3])
def test_words_are_counted_and_special_tokens_are_not(padding):
    tokens = np.array([[4, 6, 6, 1, 3], [5, 3, 0, 0, 0], [3, 0, 0, 0, 0]], np.int32)
    tokens = np.pad(tokens, [[0, 0], [0, padding]])
    np.testing.assert_array_equal(word_counts({"tokens": tf.constant(tokens)}, 8), [[1, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
