import numpy as np
import pytest
import tensorflow as tf

from tfvae import stateless
from tfvae.generation.sampling import ancestral_sample
from tfvae.layers.decoder import RecurrentDecoder
from tfvae.tokens import BOS, EOS, PAD, UNK

SEED = tf.constant([1, 2])


@pytest.fixture
def decoder():
    return RecurrentDecoder(9, z_dim=3, embedding_dim=6, hidden_dim=6, z_to_output=True, seed=1)


def z(num, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(num, 3)) * 5, tf.float32)


def test_sentences_end_are_padded_after_and_have_no_barred_word(decoder):
    ids = ancestral_sample(decoder, z(200), SEED, max_length=12).numpy()
    assert ids.shape[1] <= 12
    for row in ids:
        words = row[: list(row).index(EOS)] if EOS in row else row
        assert not set(words) & {PAD, UNK, BOS, EOS}
        assert EOS not in row or np.all(row[list(row).index(EOS) + 1 :] == PAD)
    assert any(EOS in row for row in ids)


def test_the_unknown_word_comes_only_if_asked_for(decoder):
    ids = ancestral_sample(decoder, z(200), SEED, max_length=12, unknown=True).numpy()
    assert UNK in ids and BOS not in ids


def test_sampling_stops_when_all_sentences_have_ended(decoder):
    decoder.softmax.bias.assign(tf.one_hot(EOS, 9) * 100)
    assert ancestral_sample(decoder, z(5), SEED, max_length=40).shape == (5, 1)


def test_first_words_follow_the_decoder_s_probabilities(decoder):
    count = 5000
    same = tf.repeat(z(1), count, axis=0)
    first = ancestral_sample(decoder, same, SEED, max_length=1).numpy()[:, 0]
    logits, _ = decoder.step(decoder.init(same[:1]), tf.constant([BOS]), same[:1])
    expected = logits.numpy()[0]
    expected[[PAD, UNK, BOS]] = -np.inf
    expected = np.exp(expected - expected.max())
    expected /= expected.sum()
    share = np.bincount(first, minlength=9) / count
    assert np.all(np.abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / count))


def test_temperature_zero_takes_the_most_probable_words(decoder):
    greedy = ancestral_sample(decoder, z(4), SEED, temperature=0.0, max_length=8)
    np.testing.assert_array_equal(greedy, ancestral_sample(decoder, z(4), SEED + 1, temperature=0.0, max_length=8))
    logits, _ = decoder.step(decoder.init(z(4)), tf.fill([4], BOS), z(4))
    best = np.argmax(np.where(np.isin(np.arange(9), [PAD, UNK, BOS]), -np.inf, logits), axis=1)
    np.testing.assert_array_equal(greedy[:, 0], best)


def test_a_sentence_does_not_depend_on_its_neighbours_under_a_seed_a_row(decoder):
    seeds = stateless.rows(SEED, tf.range(6))
    whole = ancestral_sample(decoder, z(6), seeds, max_length=10).numpy()
    alone = ancestral_sample(decoder, z(6)[2:3], seeds[2:3], max_length=10).numpy()
    np.testing.assert_array_equal(alone[0], whole[2, : alone.shape[1]])
    assert np.all(whole[2, alone.shape[1] :] == PAD)


def test_eager_and_graph_draw_the_same(decoder):
    draw = lambda: ancestral_sample(decoder, z(6), SEED, max_length=10)  # noqa: E731
    np.testing.assert_array_equal(tf.function(draw)(), draw())
