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


SWITCHES = list(itertools.product(("none", "first", "all"), (True, False)))
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


def with_biases(**options):
    decoder = make(**options)
    for number, weight in enumerate(decoder.weights):
        if weight.name == "bias":
            weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    return decoder


def likelihood(logits):
    """Of every image of two by two, [S, 16], from logits [S, 16, 4]."""
    pixels = ALL.reshape(16, 4)
    return -np.sum(pixels * np.logaddexp(0, -logits) + (1 - pixels) * np.logaddexp(0, logits), -1)


@pytest.mark.parametrize("num_layers", [0, 1, 3])
@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), SWITCHES)
def test_logits_and_scores_are_the_formula(z_to_inputs, z_to_output, num_layers):
    decoder = with_biases(z_to_inputs=z_to_inputs, z_to_output=z_to_output, num_layers=num_layers)
    reads = [affine.z_kernel is not None for affine in (decoder.first, *decoder.hidden.layers, decoder.last)]
    assert reads == [z_to_inputs != "none", *[z_to_inputs == "all"] * num_layers, z_to_output]
    z = z_of(2, 16)

    def affine(layer, h=None):
        parts = [(h, layer.kernel), (z.numpy(), layer.z_kernel)]
        return layer.bias.numpy() + sum(value @ kernel.numpy() for value, kernel in parts if kernel is not None)

    h = affine(decoder.first)
    for layer in decoder.hidden.layers:
        h = np.maximum(affine(layer, h), 0)
    logits = np.broadcast_to(affine(decoder.last, h), [2, 16, 4])
    np.testing.assert_allclose(decoder.logits(z), logits, rtol=1e-10, atol=1e-12)
    scores = decoder.log_prob({"image": tf.constant(ALL)}, z)
    np.testing.assert_allclose(scores, likelihood(logits), rtol=1e-10)
    assert (np.abs(scores[0] - scores[1]).max() > 1e-3) == any(reads)


def test_extreme_logits_give_exact_scores_and_finite_slopes():
    decoder = PerceptronDecoder(1, 2, z_dim=0, hidden_dim=5)
    decoder.last.kernel.assign(tf.zeros([5, 2]))
    decoder.last.bias.assign([30.0, -1e4])
    with tf.GradientTape() as tape:
        scores = decoder.log_prob({"image": tf.constant([[[1.0, 0.0]], [[1.0, 1.0]]])}, tf.zeros([1, 2, 0]))
    np.testing.assert_allclose(scores[0], [-np.log1p(np.exp(-30)), -1e4], rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(scores, decoder.last.bias.value), [0, 1], atol=1e-9)


def test_float32_is_float64_to_its_digits():
    single, double = with_biases(dtype="float32"), make()
    double.set_weights(single.get_weights())
    batch, z = {"image": tf.constant(ALL)}, z_of(2, 16)
    scores = single.log_prob(batch, tf.cast(z, tf.float32))
    assert (scores.dtype, double.log_prob(batch, z).dtype) == (tf.float32, tf.float64)
    np.testing.assert_allclose(scores, double.log_prob(batch, z), rtol=1e-5)


def test_bfloat16_sums_are_of_float32():
    half, full = (with_biases(z_to_inputs="all", dtype=dtype) for dtype in ("mixed_bfloat16", "float32"))
    batch, z = {"image": tf.constant(ALL)}, tf.cast(z_of(2, 16), tf.float32)
    scores = half.log_prob(batch, z)
    assert scores.dtype == tf.float32 and {weight.dtype for weight in half.weights} == {"float32"}
    np.testing.assert_allclose(scores, likelihood(tf.cast(half.logits(z), tf.float64).numpy()), rtol=1e-5)
    assert not np.array_equal(scores, full.log_prob(batch, z))
    np.testing.assert_allclose(scores, full.log_prob(batch, z), rtol=3e-2)


def test_a_temperature_divides_the_logits():
    decoder, z = make(z_to_output=True, dtype="float32"), tf.constant([[0.7, -1.2]])
    drawn = decoder.write(tf.repeat(z, 20_000, axis=0), tf.constant([1, 2]), Decoding(temperature=0.3)).numpy()
    expected = tf.sigmoid(decoder.logits(z) / 0.3).numpy().reshape(2, 2)
    assert np.all(np.abs(drawn.mean(axis=0) - expected) <= 5 * np.sqrt(expected * (1 - expected) / 20_000))


def test_writing_is_a_graph_of_any_batch():
    decoder = make(dtype="float32")
    signature = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2], tf.int32)]
    write = tf.function(lambda z, seed: decoder.write(z, seed, Decoding()), input_signature=signature)
    assert write.get_concrete_function().output_shapes.as_list() == [None, 2, 2]
    for count in (1, 4):
        z, seeds = tf.cast(z_of(1, count)[0], tf.float32), tf.stack([tf.range(count), tf.zeros(count, tf.int32)], axis=1)
        np.testing.assert_array_equal(write(z, seeds), decoder.write(z, seeds, Decoding()))


def test_mistaken_arguments_are_errors():
    with pytest.raises(ValueError, match="z_to_inputs = 'last'"):
        make(z_to_inputs="last")
    with pytest.raises(ValueError, match="method = 'beam': must be one of sample, greedy"):
        make().write(z_of(1, 1)[0], tf.constant([1, 2]), Decoding("beam"))
