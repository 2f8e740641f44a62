import json

import keras
import numpy as np
import tensorflow as tf

from tfvae.encoders.perceptron import PerceptronEncoder

SEED = tf.constant([1, 2], tf.int32)
IMAGES = np.random.default_rng(0).uniform(size=(6, 4, 3))
BATCH = {"image": tf.constant(IMAGES, tf.float32), "weight": tf.ones([6]), "index": tf.range(6)}


def encoder(**options):
    return PerceptronEncoder(4, 3, **{"hidden_dim": 5, "num_layers": 2, "seed": 1, "dtype": "float64", **options})


def test_features_are_rectified_layers_of_the_rows_one_after_the_other():
    layer = encoder()
    first, second = layer.hidden.layers
    first.bias.assign(np.linspace(-1, 1, 5))
    pixels = np.asarray(BATCH["image"], np.float64).reshape(6, 12)
    h = np.maximum(pixels @ first.kernel.numpy() + first.bias.numpy(), 0)
    features = layer(BATCH)
    np.testing.assert_allclose(features, np.maximum(h @ second.kernel.numpy(), 0), rtol=1e-12, atol=1e-12)
    assert features.shape == (6, layer.output_dim) and np.any(features) and not np.all(features)


def test_features_do_not_depend_on_the_other_images():
    layer = encoder()
    np.testing.assert_allclose(layer({"image": BATCH["image"][2:3]}), layer(BATCH)[2:3], rtol=1e-12)


def test_bytes_and_floats_are_the_same_image():
    layer, image = encoder(), np.round(IMAGES)
    whole = [layer({"image": tf.constant(image, dtype)}) for dtype in (tf.uint8, tf.float32, tf.float64)]
    np.testing.assert_array_equal(whole[0], whole[1])
    np.testing.assert_array_equal(whole[0], whole[2])


def test_dropout_has_its_rate_and_comes_with_a_seed_alone():
    layer = encoder(hidden_dim=4000, num_layers=1, dropout=0.3)
    features, dropped = layer(BATCH).numpy(), layer(BATCH, seed=SEED).numpy()
    live = features > 0
    gone = dropped[live] == 0
    assert abs(gone.mean() - 0.3) < 5 * np.sqrt(0.21 / live.sum())
    np.testing.assert_allclose(dropped[live][~gone], features[live][~gone] / 0.7, rtol=1e-6)
    np.testing.assert_array_equal(layer(BATCH, seed=SEED), dropped)
    assert np.any((layer(BATCH, seed=SEED + 1).numpy() == 0) != (dropped == 0))
    np.testing.assert_array_equal(encoder(hidden_dim=4000, num_layers=1)(BATCH, seed=SEED), features)


def test_float32_is_float64_to_its_digits():
    single, double = encoder(dtype="float32"), encoder()
    double.set_weights(single.get_weights())
    assert (single(BATCH).dtype, double(BATCH).dtype) == (tf.float32, tf.float64)
    np.testing.assert_allclose(single(BATCH), double(BATCH), rtol=1e-5, atol=1e-6)


def test_bfloat16_features_are_nearly_those_of_float32():
    half = encoder(dtype="mixed_bfloat16")
    features = half(BATCH)
    assert features.dtype == tf.bfloat16 and {weight.dtype for weight in half.weights} == {"float32"}
    np.testing.assert_allclose(tf.cast(features, tf.float32), encoder(dtype="float32")(BATCH), atol=0.03)


def test_config_round_trips():
    layer = PerceptronEncoder(4, 3, hidden_dim=5, num_layers=3, dropout=0.2, seed=7)
    twin = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin(BATCH, seed=SEED), layer(BATCH, seed=SEED))
    other = PerceptronEncoder(4, 3, hidden_dim=5, num_layers=3, dropout=0.2, seed=8)
    assert np.abs(other(BATCH) - layer(BATCH)).max() > 1e-2
