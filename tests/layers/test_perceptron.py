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


def test_without_layers_it_is_the_identity():
    layer = Perceptron(4, units=3, num_layers=0, activation="relu")
    np.testing.assert_array_equal(layer(-tf.ones([2, 4])), -np.ones([2, 4]))
    assert layer.output_dim == 4 and not layer.weights


def test_kernels_are_glorot_uniform_each_by_its_own_seed():
    layer = Perceptron(200, units=200, num_layers=2, activation="relu", z_dim=100, z_layers=2, seed=5)
    kernels = [kernel.numpy() for affine in layer.layers for kernel in (affine.kernel, affine.z_kernel)]
    for kernel in kernels:
        limit = np.sqrt(6 / sum(kernel.shape))
        assert 0.99 * limit < np.abs(kernel).max() <= limit
        assert abs(kernel.var() - limit**2 / 3) < 0.03 * limit**2
    starts = [kernel[0, :3] / np.abs(kernel).max() for kernel in kernels]
    assert min(np.abs(one - other).max() for i, one in enumerate(starts) for other in starts[:i]) > 1e-2
    assert not any(affine.bias.numpy().any() for affine in layer.layers)


def test_products_of_a_half_precision_policy_are_in_half_precision():
    sizes = {"units": 3, "num_layers": 2, "activation": "tanh", "z_dim": 2, "z_layers": 2}
    half, full = (Perceptron(4, **sizes, dtype=dtype) for dtype in ("mixed_bfloat16", "float32"))
    x, z = tf.random.stateless_normal([5, 4], (1, 2)), tf.random.stateless_normal([5, 2], (3, 4))
    assert half(x, z).dtype == tf.bfloat16 and {weight.dtype for weight in half.weights} == {"float32"}
    np.testing.assert_allclose(tf.cast(half(x, z), tf.float32), full(x, z), atol=0.03)
