import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.encoders.recurrent import RecurrentEncoder

SEED = tf.constant([1, 2], tf.int32)
BATCH = {
    "tokens": tf.constant([[4, 5, 6, 7, 3], [5, 3, 0, 0, 0], [8, 1, 3, 0, 0]], tf.int32),
    "length": tf.constant([5, 2, 3], tf.int32),
    "weight": tf.ones([3]),
}


def encoder(**options):
    return RecurrentEncoder(12, **{"embedding_dim": 4, "hidden_dim": 5, "num_layers": 2, "seed": 1, "dtype": "float64", **options})


def padded(batch, steps):
    return {**batch, "tokens": tf.pad(batch["tokens"], [[0, 0], [0, steps]])}


@pytest.mark.parametrize("implementation", ["fast", "plain"])
def test_padding_changes_no_feature(implementation):
    layer = encoder(implementation=implementation)
    features = layer(BATCH)
    assert features.shape == (3, layer.output_dim)
    np.testing.assert_allclose(layer(padded(BATCH, 4)), features, atol=1e-12)
    alone = {key: value[1:2] for key, value in BATCH.items()}
    np.testing.assert_allclose(layer({**alone, "tokens": alone["tokens"][:, :2]}), features[1:2], atol=1e-12)


def test_fast_equals_plain():
    def run(layer):
        with tf.GradientTape() as tape:
            features = layer(BATCH, seed=SEED)
            loss = tf.reduce_sum(tf.sin(3 * features))
        gradients = tape.gradient(loss, [w.value for w in layer.trainable_variables])
        return [features, *map(tf.convert_to_tensor, gradients)]

    for value, expected in zip(*(run(encoder(implementation=name, dropout=0.4)) for name in ("fast", "plain")), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-10)


def test_equals_keras_bidirectional_gru():
    layer = encoder()
    mask = tf.sequence_mask(BATCH["length"], 5)
    x = tf.gather(layer.embedding, BATCH["tokens"])
    for number, pair in enumerate(zip(layer.forward_layers, layer.backward_layers, strict=True)):
        gru = keras.layers.GRU(5, return_sequences=number == 0, dtype="float64")
        peer = keras.layers.Bidirectional(gru, dtype="float64")
        peer.build(x.shape)
        peer.set_weights([w for direction in pair for w in direction.get_weights()])
        x = peer(x, mask=mask)
    np.testing.assert_allclose(layer(BATCH), x, atol=1e-12)


def test_dropout_is_a_function_of_the_seed():
    layer = encoder(dropout=0.5)
    first = layer(BATCH, seed=SEED)
    np.testing.assert_array_equal(layer(BATCH, seed=SEED), first)
    assert np.abs(layer(BATCH, seed=SEED + 1) - first).max() > 1e-4
    assert np.abs(layer(BATCH) - first).max() > 1e-4
    np.testing.assert_array_equal(layer(BATCH), encoder()(BATCH))


def test_config_round_trips():
    layer = encoder(dropout=0.2)
    twin = RecurrentEncoder.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin(BATCH), layer(BATCH))


def test_global_random_state_is_left_alone():
    tf.random.set_seed(1)
    first = encoder()(BATCH)
    tf.random.set_seed(2)
    tf.random.normal([3])
    np.testing.assert_array_equal(encoder()(BATCH), first)
