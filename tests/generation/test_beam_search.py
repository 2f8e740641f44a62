import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfvae.generation.beam_search import beam_search
from tfvae.generation.sampling import sample
from tfvae.tokens import BOS, EOS, PAD, UNK


def z(num, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(num, 3)) * 5, tf.float32)


def log_prob(decoder, ids, z):
    """log p of sentences as they stand, by the decoder's own scoring; those without an end have none."""
    length = tf.reduce_sum(tf.cast(tf.not_equal(ids, PAD), tf.int32), axis=1)
    return decoder.log_prob({"tokens": ids, "length": length}, z[tf.newaxis])[0].numpy()


def test_a_beam_of_one_is_greedy(decoder):
    ids, _ = beam_search(decoder, z(50), width=1, max_length=12)
    greedy = sample(decoder, z(50), tf.constant([0, 0]), top_k=1, max_length=12)
    np.testing.assert_array_equal(ids, greedy)


def test_the_score_is_the_decoder_s_own(decoder):
    ids, score = beam_search(decoder, z(30), width=4, max_length=12)
    np.testing.assert_allclose(score, log_prob(decoder, ids, z(30)), rtol=1e-4)


def test_a_beam_as_wide_as_there_are_hypotheses_finds_the_best_sentence(decoder):
    """All sentences of at most three words, scored one by one."""
    decoder.softmax.bias.assign_add(tf.one_hot(EOS, 9) * 3)
    words = [word for word in range(9) if word not in (PAD, BOS, UNK)]
    sentences = [[*body, EOS] for length in range(3) for body in itertools.product(set(words) - {EOS}, repeat=length)]
    sentences += [list(body) for body in itertools.product(set(words) - {EOS}, repeat=3)]
    ids = tf.ragged.constant(sentences, dtype=tf.int32).to_tensor(PAD)
    best, score = beam_search(decoder, z(1), width=200, max_length=3)
    scores = log_prob(decoder, ids, tf.repeat(z(1), len(sentences), axis=0))
    assert float(score[0]) == pytest.approx(scores.max(), rel=1e-5)
    np.testing.assert_array_equal(best[0], ids[scores.argmax(), : best.shape[1]])


@pytest.mark.parametrize("length_penalty", [0.0, 0.8])
def test_a_wider_beam_never_scores_worse(decoder, length_penalty):
    def best(width):
        ids, log_prob = beam_search(decoder, z(300), width=width, max_length=12, length_penalty=length_penalty)
        length = np.sum(ids != PAD, axis=1)
        return log_prob.numpy() / ((5 + length) / 6) ** length_penalty

    scores = [best(width) for width in (1, 2, 4, 8)]
    for narrow, wide in itertools.pairwise(scores):
        assert np.all(wide >= narrow - 1e-4)
    assert np.mean(scores[-1] > scores[0] + 1e-4) > 0.1


def test_a_penalty_on_length_favours_longer_sentences(decoder):
    length = lambda penalty: np.sum(beam_search(decoder, z(100), width=5, max_length=12, length_penalty=penalty)[0] != PAD)  # noqa: E731
    assert length(3.0) > length(0.0)


def test_the_unknown_word_comes_only_if_asked_for(decoder):
    decoder.softmax.bias.assign_add(tf.one_hot(UNK, 9) * 5)
    assert UNK not in beam_search(decoder, z(50), width=3, max_length=6)[0].numpy()
    assert UNK in beam_search(decoder, z(50), width=3, max_length=6, unknown=True)[0].numpy()


def test_a_sentence_does_not_depend_on_its_neighbours_and_graph_equals_eager(decoder):
    whole = tf.function(lambda z: beam_search(decoder, z, width=4, max_length=12)[0])(z(6)).numpy()
    alone = beam_search(decoder, z(6)[2:3], width=4, max_length=12)[0].numpy()
    np.testing.assert_array_equal(alone[0], whole[2, : alone.shape[1]])


def test_a_beam_wider_than_the_vocabulary_works(decoder):
    assert beam_search(decoder, z(2), width=50, max_length=4)[0].shape[0] == 2
