import itertools
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.decoders.bag_of_words import BagOfWordsDecoder
from tfvae.encoders.bag_of_words import BagOfWordsEncoder
from tfvae.generation.decoding import Decoding
from tfvae.latents.exponential_family import kl_divergence
from tfvae.latents.gaussian_family import Gaussian

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


def with_biases(**options):
    decoder = make(**options)
    for number, weight in enumerate(decoder.weights):
        if weight.name == "bias":
            weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    return decoder


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


DOCUMENTS = batch([4, 5, 4, 8, 3], [1, 3], [7, 1, 2, 7, 3])
COUNTS = np.array([[2, 1, 0, 0, 1], [0] * 5, [0, 0, 0, 2, 0]])


@pytest.mark.parametrize("num_layers", [0, 1, 3])
@pytest.mark.parametrize(("z_to_inputs", "z_to_output"), list(itertools.product(("none", "first", "all"), (True, False))))
def test_logits_and_scores_are_the_formula(z_to_inputs, z_to_output, num_layers):
    decoder = with_biases(z_to_inputs=z_to_inputs, z_to_output=z_to_output, num_layers=num_layers)
    reads = [affine.z_kernel is not None for affine in (*decoder.hidden.layers, decoder.words)]
    reading = {"none": 0, "first": 1, "all": num_layers}[z_to_inputs]
    assert reads == [*[number < reading for number in range(num_layers)], z_to_output or num_layers == 0]
    z, h = z_of(2, 3), None

    def affine(layer, h):
        parts = [(h, layer.kernel), (z.numpy(), layer.z_kernel)]
        return layer.bias.numpy() + sum(value @ kernel.numpy() for value, kernel in parts if kernel is not None)

    for layer in decoder.hidden.layers:
        h = np.tanh(affine(layer, h))
    logits = np.broadcast_to(affine(decoder.words, h), [2, 3, WORDS])
    np.testing.assert_allclose(decoder.word_logits(z), logits, rtol=1e-10, atol=1e-12)
    scores = decoder.log_prob(DOCUMENTS, z)
    np.testing.assert_allclose(scores, np.sum(COUNTS * log_softmax(logits), -1), rtol=1e-10, atol=1e-12)
    assert (np.abs(scores[0] - scores[1]).max() > 1e-3) == any(reads)


def test_the_slope_through_the_encoder_equals_the_official_code():
    """jiacheng-xu/vmf_vae_nlp @6459c62, `BowVAE.forward` with `Gauss`: of reconstruction and KL, the noise held."""
    golden, family = dict(np.load(pathlib.Path(__file__).parents[1] / "golden" / "nvdm_gaussian.npz")), Gaussian(5)
    documents = batch(*(4 + np.repeat(np.arange(40), row) for row in golden["counts"].astype(int)))
    encoder = BagOfWordsEncoder(44, hidden_dim=7, dtype="float64")
    encoder.set_weights([golden[f"enc_vec_{part}"].T for part in ("weight", "bias", "2_weight", "2_bias")])
    decoder = BagOfWordsDecoder(44, z_dim=5, hidden_dim=7, dtype="float64")
    decoder.set_weights([golden[part].T for part in ("dec_linear_weight", "dec_linear_bias", "out_weight", "out_bias")])
    noise = (golden["z"] - golden["mean"]) / np.exp(golden["log_standard_deviation"])
    with tf.GradientTape() as tape:
        features = encoder(documents)
        mean, deviation = (features @ golden[f"dist_func_{of}_weight"].T + golden[f"dist_func_{of}_bias"] for of in ("mean", "logvar"))
        eta, prior = family.natural_parameters(mean, 2 * deviation), family.standard_normal([9, 5], "float64")
        kl = tf.reduce_sum(kl_divergence(family, eta, prior), axis=-1)
        loss = tf.reduce_mean(kl - tf.reduce_mean(decoder.log_prob(documents, mean + tf.exp(deviation) * noise), axis=0))
    np.testing.assert_allclose(kl, golden["kl"], rtol=1e-9)
    d_encoder, d_decoder = tape.gradient(loss, [encoder.hidden.layers[0].kernel.value, decoder.words.kernel.value])
    np.testing.assert_allclose(d_encoder, golden["d_loss_d_enc_vec_weight"].T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(d_decoder, golden["d_loss_d_out_weight"].T, rtol=1e-9, atol=1e-12)


def test_a_switch_moves_no_other_weight():
    def weights(**options):
        decoder = BagOfWordsDecoder(WORDS + 4, hidden_dim=4, num_layers=2, seed=3, **options)
        parts = {"words": decoder.words, **{str(i): affine for i, affine in enumerate(decoder.hidden.layers)}}
        return {f"{name}/{weight.name}": weight.numpy() for name, part in parts.items() for weight in part.weights}

    first = weights(z_dim=2, z_to_inputs="all", z_to_output=True)
    for other in (weights(z_dim=2), weights(z_dim=2, z_to_inputs="none"), weights(z_dim=0)):
        assert set(other) < set(first)
        for name, value in other.items():
            np.testing.assert_array_equal(value, first[name], err_msg=name)


def test_the_smallest_vocabulary_has_an_example():
    decoder = BagOfWordsDecoder(5, z_dim=2, hidden_dim=3)
    np.testing.assert_array_equal(decoder.example()["tokens"], [[4, 3]])
    np.testing.assert_array_equal(decoder.example()["length"], [2])
    np.testing.assert_array_equal(decoder.num_observations(decoder.example()), [1])
    np.testing.assert_allclose(decoder.log_prob(decoder.example(), tf.ones([2, 1, 2])), [[0], [0]], atol=1e-6)


def test_dropout_has_its_rate_over_the_logits():
    decoder, z, seed = with_biases(dropout=0.3), z_of(50, 40), tf.constant([1, 2])
    logits, dropped = decoder.word_logits(z).numpy(), decoder.word_logits(z, seed).numpy()
    gone = dropped == 0
    assert abs(gone.mean() - 0.3) < 5 * np.sqrt(0.21 / gone.size)
    np.testing.assert_allclose(dropped[~gone], logits[~gone] / 0.7, rtol=1e-6)
    expected = np.sum(COUNTS * log_softmax(decoder.word_logits(z[:2, :3], seed).numpy()), -1)
    np.testing.assert_allclose(decoder.log_prob(DOCUMENTS, z[:2, :3], seed=seed), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("settings", [{"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.9}])
def test_settings_of_sampling_change_the_probabilities(settings):
    decoder, z = with_biases(), z_of(1, 1)[0]
    ids = decoder.write(tf.repeat(z, 5000, axis=0), tf.constant([1, 2]), Decoding(max_length=4, **settings)).numpy()
    probability = np.exp(log_softmax(decoder.word_logits(z).numpy()[0] / settings.get("temperature", 1)))
    falling = np.argsort(-probability)
    kept = falling[: settings.get("top_k", WORDS)]
    if "top_p" in settings:
        kept = falling[: 1 + np.sum(np.cumsum(probability[falling]) < settings["top_p"])]
    assert len(kept) == WORDS if "temperature" in settings else 1 < len(kept) < WORDS
    expected = np.zeros(WORDS)
    expected[kept] = probability[kept] / probability[kept].sum()
    for column in ids.T:
        share = np.bincount(column - 4, minlength=WORDS) / 5000
        assert np.all(np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / 5000))


@pytest.mark.parametrize("method", ["greedy", "sample"])
def test_writing_is_a_graph_of_any_batch(tmp_path, method):
    module, decoding = tf.Module(), Decoding(method, max_length=4)
    module.decoder = make(dtype="float32")
    signature = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2], tf.int32)]
    module.write = tf.function(lambda z, seed: module.decoder.write(z, seed, decoding), input_signature=signature)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for count in (1, 4):
        z, seeds = tf.cast(z_of(1, count)[0], tf.float32), tf.stack([tf.range(count), tf.zeros(count, tf.int32)], axis=1)
        np.testing.assert_array_equal(loaded.write(z, seeds), module.decoder.write(z, seeds, decoding))


def test_float32_is_float64_to_its_digits():
    single, double, z = with_biases(dtype="float32"), make(), z_of(2, 3)
    double.set_weights(single.get_weights())
    scores = single.log_prob(DOCUMENTS, tf.cast(z, tf.float32))
    assert (scores.dtype, double.log_prob(DOCUMENTS, z).dtype) == (tf.float32, tf.float64)
    np.testing.assert_allclose(scores, double.log_prob(DOCUMENTS, z), rtol=1e-5)


def test_bfloat16_sums_are_of_float32():
    half, full = (with_biases(dtype=dtype) for dtype in ("mixed_bfloat16", "float32"))
    many = {"tokens": tf.repeat(DOCUMENTS["tokens"], 301, axis=1)}  # counts that half precision would round
    z = tf.cast(z_of(2, 3), tf.float32)
    scores, logits = half.log_prob(many, z), tf.cast(half.word_logits(z), tf.float64).numpy()
    assert scores.dtype == tf.float32 and {weight.dtype for weight in half.weights} == {"float32"}
    np.testing.assert_allclose(scores, np.sum(301 * COUNTS * log_softmax(logits), -1), rtol=1e-5)
    assert not np.array_equal(scores, full.log_prob(many, z))
    np.testing.assert_allclose(scores, full.log_prob(many, z), rtol=3e-2)


def test_mistaken_arguments_are_errors():
    with pytest.raises(ValueError, match="z_to_inputs = 'last'"):
        make(z_to_inputs="last")
    with pytest.raises(ValueError, match="method = 'beam': must be one of greedy, sample"):
        make().write(z_of(1, 1)[0], tf.constant([1, 2]), Decoding("beam"))
