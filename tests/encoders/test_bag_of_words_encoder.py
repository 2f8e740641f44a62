"""The golden files are of jiacheng-xu/vmf_vae_nlp @6459c62, `BowVAE.forward`."""

import json
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.encoders.bag_of_words import BagOfWordsEncoder
from tfvae.layers.word_counts import word_counts
from tfvae.tokens import BOS, EOS, PAD, UNK

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
SEED, V = tf.constant([1, 2], tf.int32), 12
BATCH = {
    "tokens": tf.constant([[4, 5, 4, 11, 3], [1, 3, 0, 0, 0], [8, 1, 2, 8, 3]], tf.int32),
    "length": tf.constant([5, 2, 5], tf.int32),
    "weight": tf.ones([3]),
}
COUNTS = [[2, 1, 0, 0, 0, 0, 0, 1], [0] * 8, [0, 0, 0, 0, 2, 0, 0, 0]]


def encoder(**options):
    return BagOfWordsEncoder(V, **{"hidden_dim": 5, "seed": 1, "dtype": "float64", **options})


def tokens_of(counts):
    """Sentences that have given counts of the words 4, 5, …."""
    rows = [[*np.repeat(4 + np.arange(len(row)), row), EOS] for row in counts.astype(int)]
    return tf.constant([[*row, *[PAD] * (max(map(len, rows)) - len(row))] for row in rows], tf.int32)


def test_counts_are_of_ordinary_words_alone():
    counts = word_counts(BATCH, V)
    assert counts.dtype == tf.float32
    np.testing.assert_array_equal(counts, COUNTS)
    assert word_counts(BATCH, V, "float64").dtype == tf.float64
    specials = {"tokens": tf.constant([[PAD, UNK, BOS, EOS]])}
    np.testing.assert_array_equal(word_counts(specials, 5), [[0.0]])
    np.testing.assert_array_equal(word_counts({"tokens": tf.zeros([2, 0], tf.int32)}, 7), np.zeros([2, 3]))


def test_counts_in_a_graph_have_a_known_size():
    graph = tf.function(lambda tokens: word_counts({"tokens": tokens}, V), input_signature=[tf.TensorSpec([None, None], tf.int32)])
    assert graph.get_concrete_function().output_shapes.as_list() == [None, 8]
    np.testing.assert_array_equal(graph(BATCH["tokens"]), COUNTS)


@pytest.mark.parametrize("name", ["nvdm_gaussian", "nvdm_vmf_learnt_kappa"])
def test_features_equal_the_official_code(name):
    golden = np.load(GOLDEN / f"{name}.npz")
    layer = BagOfWordsEncoder(44, hidden_dim=7, dtype="float64")
    layer.set_weights([golden[f"enc_vec_{part}"].T for part in ("weight", "bias", "2_weight", "2_bias")])
    np.testing.assert_allclose(layer({"tokens": tokens_of(golden["counts"])}), golden["features"], rtol=1e-9)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_activations_are_between_the_layers(num_layers):
    layer = encoder(num_layers=num_layers)
    h = np.array(COUNTS, np.float64)
    for affine in layer.hidden.layers:
        affine.bias.assign(np.linspace(-1, 1, 5))
        h = np.tanh(h @ affine.kernel.numpy() + affine.bias.numpy())
    features = layer(BATCH)
    assert len(layer.weights) == 2 * num_layers and features.shape == (3, layer.output_dim)
    np.testing.assert_allclose(features, h @ layer.last.kernel.numpy(), rtol=1e-12, atol=1e-12)


def test_neither_padding_nor_order_nor_special_tokens_change_features():
    layer = encoder()
    layer.last.bias.assign(np.linspace(-1, 1, 5))
    tokens, features = BATCH["tokens"], layer(BATCH)
    for same in (tf.pad(tokens, [[0, 0], [0, 4]]), tf.reverse(tokens, [1]), tf.pad(tokens, [[0, 0], [0, 2]], constant_values=UNK)):
        np.testing.assert_array_equal(layer({"tokens": same}), features)
    assert np.abs(layer({"tokens": tf.pad(tokens, [[0, 0], [0, 1]], constant_values=4)}) - features).min() > 1e-4
    assert np.abs(features[0] - features[1]).max() > 1e-2


def test_dropout_has_its_rate_and_comes_with_a_seed_alone():
    layer = encoder(hidden_dim=2000, dropout=0.3)
    features, dropped = layer(BATCH).numpy()[[0, 2]], layer(BATCH, seed=SEED).numpy()[[0, 2]]
    gone = dropped == 0
    assert abs(gone.mean() - 0.3) < 5 * np.sqrt(0.21 / gone.size)
    np.testing.assert_allclose(dropped[~gone], features[~gone] / 0.7, rtol=1e-6)
    np.testing.assert_array_equal(layer(BATCH, seed=SEED).numpy()[[0, 2]], dropped)
    assert np.any((layer(BATCH, seed=SEED + 1).numpy()[[0, 2]] == 0) != gone)
    np.testing.assert_array_equal(encoder(hidden_dim=2000)(BATCH, seed=SEED).numpy()[[0, 2]], features)


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
    layer = BagOfWordsEncoder(V, hidden_dim=5, num_layers=3, dropout=0.2, seed=7)
    twin = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(layer))))
    assert twin.get_config() == layer.get_config()
    np.testing.assert_array_equal(twin(BATCH, seed=SEED), layer(BATCH, seed=SEED))
    assert np.abs(BagOfWordsEncoder(V, hidden_dim=5, num_layers=3, seed=8)(BATCH) - layer(BATCH)).max() > 1e-2


def test_no_layers_are_refused():
    with pytest.raises(ValueError, match="num_layers = 0: must be at least 1"):
        encoder(num_layers=0)
