import numpy as np
import pytest
import tensorflow as tf

from tfvae import stateless
from tfvae.generation.sampling import inverse_cdf, keep_probable, sample
from tfvae.tokens import BOS, EOS, PAD, UNK

SEED = tf.constant([1, 2])


def z(num, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(num, 3)) * 5, tf.float32)


def first_word_probabilities(decoder, z):
    logits = decoder.step_function()(decoder.init(z), tf.fill([len(z)], BOS), z)[0].numpy()
    logits[:, [PAD, UNK, BOS]] = -np.inf
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def test_sentences_end_are_padded_after_and_have_no_barred_word(decoder):
    ids = sample(decoder, z(200), SEED, max_length=12).numpy()
    assert ids.shape[1] <= 12
    for row in ids:
        words = row[: list(row).index(EOS)] if EOS in row else row
        assert not set(words) & {PAD, UNK, BOS, EOS}
        assert EOS not in row or np.all(row[list(row).index(EOS) + 1 :] == PAD)
    assert any(EOS in row for row in ids)


def test_the_unknown_word_comes_only_if_asked_for(decoder):
    ids = sample(decoder, z(200), SEED, max_length=12, unknown=True).numpy()
    assert UNK in ids and BOS not in ids


def test_sampling_stops_when_all_sentences_have_ended(decoder):
    decoder.softmax.bias.assign(tf.one_hot(EOS, 9) * 100)
    assert sample(decoder, z(5), SEED, max_length=40).shape == (5, 1)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_first_words_follow_the_decoder_s_probabilities(decoder, temperature):
    count = 5000
    first = sample(decoder, tf.repeat(z(1), count, axis=0), SEED, max_length=1, temperature=temperature).numpy()[:, 0]
    expected = first_word_probabilities(decoder, z(1))[0] ** (1 / temperature)
    expected /= expected.sum()
    share = np.bincount(first, minlength=9) / count
    assert np.all(np.abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / count))


def test_one_probable_word_is_greedy_decoding_whatever_the_seed(decoder):
    greedy = sample(decoder, z(4), SEED, top_k=1, max_length=8)
    np.testing.assert_array_equal(greedy, sample(decoder, z(4), SEED + 1, top_k=1, max_length=8))
    np.testing.assert_array_equal(greedy[:, 0], np.argmax(first_word_probabilities(decoder, z(4)), axis=1))


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, [0, 1, 2, 3]),
        ({"top_k": 2}, [1, 3]),
        ({"top_k": 9}, [0, 1, 2, 3]),
        ({"top_p": 0.39}, [3]),
        ({"top_p": 0.41}, [1, 3]),
        ({"top_p": 0.71}, [1, 2, 3]),
        ({"top_p": 1.0}, [0, 1, 2, 3]),
        ({"top_k": 2, "top_p": 0.5}, [3]),
    ],
)
def test_only_probable_words_are_kept(settings, kept):
    logits = tf.math.log([[0.1, 0.3, 0.2, 0.4]])
    np.testing.assert_array_equal(np.flatnonzero(keep_probable(logits, **settings)[0] > -1e8), kept)


def test_a_sentence_does_not_depend_on_its_neighbours_under_a_seed_a_row(decoder):
    seeds = stateless.rows(SEED, tf.range(6))
    whole = sample(decoder, z(6), seeds, max_length=10).numpy()
    alone = sample(decoder, z(6)[2:3], seeds[2:3], max_length=10).numpy()
    np.testing.assert_array_equal(alone[0], whole[2, : alone.shape[1]])
    assert np.all(whole[2, alone.shape[1] :] == PAD)


def test_eager_and_graph_draw_the_same(decoder):
    draw = lambda: sample(decoder, z(6), SEED, max_length=10, top_k=5, top_p=0.9)  # noqa: E731
    np.testing.assert_array_equal(tf.function(draw)(), draw())


def test_inverse_cdf_is_the_first_index_above():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(300, 0.05), 2000)
    uniform = rng.uniform(size=2000)
    expected = np.argmax(np.cumsum(probabilities, 1) > uniform[:, None], 1)
    drawn = inverse_cdf(tf.constant(probabilities), tf.constant(uniform)).numpy()
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2.0**-24, 1.0])
def test_inverse_cdf_never_returns_what_cannot_be(uniform):
    rng = np.random.default_rng(0)
    odds = rng.uniform(size=[500, 700]) * (rng.uniform(size=[500, 700]) < 0.01)
    odds[:, 350] += 1e-9
    probabilities = tf.constant(odds / odds.sum(1, keepdims=True), tf.float32)
    drawn = inverse_cdf(probabilities, tf.fill([500], uniform)).numpy()
    assert np.all(odds[np.arange(500), drawn] > 0)
    if uniform == 0:
        np.testing.assert_array_equal(drawn, np.argmax(odds > 0, 1))
