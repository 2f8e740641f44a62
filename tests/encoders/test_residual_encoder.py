"""The golden file is of yoonkim/skip-vae @b1b6c1f, `CNNVAE._enc_forward`, with batch normalisation in its evaluation mode."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.encoders.residual import ResidualEncoder

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SEED = tf.constant([1, 2], tf.int32)


def encoder(height=9, width=7, **options):
    return ResidualEncoder(height, width, **{"filters": [3, 3, 5], "seed": 1, "dtype": "float64", **options})


def batch_of(count, height=9, width=7):
    return {"image": tf.constant(np.random.default_rng(0).integers(0, 2, [count, height, width]), tf.float32)}


def moving(layer):
    return {weight.path: weight.numpy() for weight in layer.non_trainable_weights}


def test_mean_and_log_variance_equal_the_official_code():
    golden = dict(np.load(GOLDEN / "skip_resnet_encoder.npz"))
    layer = ResidualEncoder(28, 28, filters=[3, 3, 4], dtype="float64")

    def convolution(name):
        return [golden[f"w/{name}.weight"].transpose(2, 3, 1, 0), golden[f"w/{name}.bias"]]

    for number, (block, stride) in enumerate(zip(layer.blocks, layer.strides, strict=True)):
        name = f"enc_cnn.{2 * number}"
        for i, (own, norm) in enumerate(zip(block.convolutions, block.norms, strict=True), 1):
            own.set_weights(convolution(f"{name}.conv{i}"))
            norm.set_weights([golden[f"w/{name}.bn{i}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")])
        assert (block.projection is not None) == (f"w/{name}.proj.weight" in golden)
        if block.projection:
            block.projection.set_weights(convolution(f"{name}.proj"))
        stride.set_weights(convolution(f"enc_cnn.{2 * number + 1}"))
    features = layer({"image": tf.constant(golden["image"][:, 0], tf.float64)})
    assert features.shape == (2, 36) and layer.output_dim == 36
    maps_first = np.reshape(features, [2, 3, 3, 4]).transpose(0, 3, 1, 2).reshape(2, 36)
    for ours, theirs in (("mean", "mean"), ("logvar", "logvar")):
        head = maps_first @ golden[f"w/latent_linear_{theirs}.weight"].T + golden[f"w/latent_linear_{theirs}.bias"]
        np.testing.assert_allclose(head, golden[ours], rtol=1e-9)


@pytest.mark.parametrize(("height", "width", "layers"), [(28, 28, 3), (9, 7, 2), (5, 16, 1), (8, 11, 3)])
def test_output_dim_is_the_size_of_the_features(height, width, layers):
    layer = ResidualEncoder(height, width, filters=3, num_layers=layers)
    features = layer(batch_of(2, height, width))
    assert features.shape == (2, layer.output_dim)
    assert layer.output_dim == 3 * (height // 2**layers) * (width // 2**layers)


def test_features_depend_on_the_other_images_in_training_alone():
    layer, batch = encoder(8, 8), batch_of(6, 8, 8)
    layer(batch, seed=SEED)
    alone = {"image": batch["image"][2:3]}
    np.testing.assert_allclose(layer(alone), layer(batch)[2:3], rtol=1e-12, atol=1e-12)
    assert np.abs(layer(alone, seed=SEED) - layer(batch, seed=SEED)[2:3]).max() > 1e-2
    np.testing.assert_array_equal(layer(batch), layer(batch))


def test_moving_statistics_move_in_training_alone():
    layer, batch = encoder(8, 8, filters=4, num_layers=1), batch_of(50, 8, 8)
    start = moving(layer)
    assert len(start) == 4 and len(layer.trainable_weights) == len(layer.weights) - 4
    layer(batch)
    assert all(np.array_equal(value, start[name]) for name, value in moving(layer).items())
    block = layer.blocks[0]
    maps = block.convolutions[0](tf.cast(batch["image"], tf.float64)[..., tf.newaxis])
    layer(batch, seed=SEED)
    np.testing.assert_allclose(block.norms[0].moving_mean, 0.1 * np.mean(maps, (0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(block.norms[0].moving_variance, 0.9 + 0.1 * np.var(maps, (0, 1, 2)), rtol=1e-9)
    for _ in range(150):
        layer(batch, seed=SEED)
    np.testing.assert_allclose(layer(batch), layer(batch, seed=SEED), atol=1e-5)


def test_statistics_move_within_a_graph():
    layer, peer, batch = encoder(8, 8), encoder(8, 8), batch_of(6, 8, 8)
    train = tf.function(lambda image: layer({"image": image}, seed=SEED))
    np.testing.assert_allclose(train(batch["image"]), peer(batch, seed=SEED), atol=1e-10)
    for ours, theirs in zip(layer.non_trainable_weights, peer.non_trainable_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_every_weight_has_a_gradient():
    layer, batch = encoder(8, 8), batch_of(6, 8, 8)
    target = tf.constant(np.random.default_rng(1).normal(size=[6, layer.output_dim]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(batch) * target)
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    small = [weight.path for weight, value in zip(layer.trainable_weights, gradients, strict=True) if np.abs(value).max() < 1e-8]
    assert not small


@pytest.mark.parametrize("filters", [4, [3, 3, 5]])
def test_config_round_trips(filters):
    layer = ResidualEncoder(9, 8, filters=filters, kernel_size=5, seed=3)
    twin = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin(batch_of(3, 9, 8)), layer(batch_of(3, 9, 8)))
    assert np.abs(ResidualEncoder(9, 8, filters=filters, kernel_size=5, seed=4)(batch_of(3, 9, 8)) - layer(batch_of(3, 9, 8))).max() > 1e-3


def test_bfloat16_features_are_nearly_those_of_float32():
    full, half = encoder(8, 8, dtype="float32"), encoder(8, 8, dtype="mixed_bfloat16")
    for seed in (None, SEED):
        features = half(batch_of(6, 8, 8), seed=seed)
        assert features.dtype == tf.bfloat16 and {weight.dtype for weight in half.weights} == {"float32"}
        np.testing.assert_allclose(tf.cast(features, tf.float32), full(batch_of(6, 8, 8), seed=seed), atol=0.05)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match=r"filters = \[3, 4\]: must be one number or one for each of 3 blocks"):
        encoder(filters=[3, 4])
    with pytest.raises(ValueError, match="num_layers = 3: halving images of 9 x 7 so often leaves nothing"):
        encoder()
    with pytest.raises(ValueError, match="kernel_size = 2: must be odd"):
        encoder(8, 8, kernel_size=2)
