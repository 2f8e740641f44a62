import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from tfvae.clustering.word_vectors import WordVectorClusters
from tfvae.tokens import EOS, PAD, UNK
from tfvae.views.features import FeaturesView
from tfvae.views.features_and_words import FeaturesAndWordsView
from tfvae.views.form import EDGE, FEATURES, OTHER, SYMBOLS, FormView
from tfvae.views.pixels import PixelsView
from tfvae.views.words import WordsView

V = 12
WHAT, IS, A, B, C = 4, 5, 6, 7, 8


def batch(*texts):
    longest = max(map(len, texts)) + 1
    rows = [[*text, EOS, *[PAD] * (longest - len(text) - 1)] for text in texts]
    return {"tokens": tf.constant(rows), "length": tf.constant([len(text) + 1 for text in texts])}


TEXTS = [batch([WHAT, IS, A, UNK], [WHAT, IS, B]), batch([A, IS, A], [C, IS, WHAT])]


def learned(view):
    view.learn(lambda: iter(TEXTS))
    return view


def test_words_are_those_of_neither_too_few_nor_too_many_examples():
    view = learned(WordsView(V, most=0.8))
    column = view.column.numpy()
    assert {word for word in range(V) if column[word] < view.output_dim} == {WHAT, A}  # IS is in all, B and C are in one
    np.testing.assert_array_equal(view(batch([A, A, WHAT], [B, IS])).numpy().sum(axis=1), [2, 0])


def test_nothing_is_seen_before_anything_is_learned_and_padding_never():
    for view in (WordsView(V), FormView(V)):
        assert not np.any(view(TEXTS[0]))
        padded = {"tokens": tf.pad(TEXTS[0]["tokens"], [[0, 0], [0, 3]])}
        np.testing.assert_array_equal(learned(view)(padded), view(TEXTS[0]))
        assert np.any(view(TEXTS[0]))


def test_the_form_is_common_words_and_their_neighbours():
    view = learned(FormView(V, common=0.6))  # WHAT and IS are common
    assert {word for word in range(V) if view.symbol[word] > EDGE} == {WHAT, IS}
    assert int(view.symbol[A]) == int(view.symbol[B]) == int(view.symbol[UNK]) == OTHER
    np.testing.assert_array_equal(view(batch([WHAT, IS, A])), view(batch([WHAT, IS, B])))
    assert np.any(view(batch([WHAT, IS, A])) != view(batch([A, IS, WHAT])))


def test_the_form_keeps_the_most_common_of_very_many_words():
    many = {"tokens": tf.reshape(tf.random.stateless_uniform([200, 400], [1, 2], EOS + 1, 1000, tf.int32), [200, 400])}
    view = FormView(1000, common=0.001)
    view.learn(lambda: iter([many]))
    assert view(many).shape == (200, FEATURES)
    assert int(tf.reduce_max(view.symbol)) == SYMBOLS - 1


@pytest.mark.parametrize("kind", [WordsView, FormView])
def test_a_view_is_made_again_from_its_settings_and_weights(kind):
    view = learned(kind(V))
    other = kind.from_config(view.get_config())
    other.set_weights(view.get_weights())
    np.testing.assert_array_equal(other(TEXTS[0]), view(TEXTS[0]))


def test_pixels_are_seen_in_rows():
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4) / 12
    np.testing.assert_array_equal(PixelsView(3, 4)({"image": image}), image.reshape(1, 12))


def with_features(tokens, features):
    return {**tokens, "features": tf.constant(features, tf.float32)}


FEATURED = [with_features(TEXTS[0], [[2.0, 0, 1], [2, 1, 1]]), with_features(TEXTS[1], [[-2.0, 0, 3], [-2, 1, 3]])]


def test_words_lie_beside_features_as_long_as_their_weight_says():
    view = FeaturesAndWordsView(3, V, words_weight=0.7)
    view.learn(lambda: iter(FEATURED))
    points = np.concatenate([view(batch).numpy() for batch in FEATURED])
    np.testing.assert_array_equal(points[:, :3], np.concatenate([FeaturesView.call(view, batch).numpy() for batch in FEATURED]))
    np.testing.assert_allclose(np.linalg.norm(points[:, 3:], axis=1), 0.7 * 3**0.5, rtol=1e-5)
    present = scipy.sparse.csr_matrix(np.concatenate([view.words(batch).numpy() for batch in FEATURED]), dtype=float)
    start = WordVectorClusters(2)
    start.fit(present)
    np.testing.assert_allclose(points[:, 3:] / (0.7 * 3**0.5), start._points(present), atol=1e-5)


def test_words_that_are_unknown_leave_the_features():
    view = FeaturesAndWordsView(3, V)
    view.learn(lambda: iter([with_features(batch([UNK], [UNK, UNK]), [[1.0, 2, 3], [3, 2, 1]])]))
    points = view(with_features(batch([UNK], [WHAT]), [[1.0, 2, 3], [3, 2, 1]])).numpy()
    assert np.all(points[:, 3:] == 0) and np.any(points[:, :3] != 0)


def test_features_and_words_are_made_again_from_settings_and_weights():
    view = FeaturesAndWordsView(3, V)
    view.learn(lambda: iter(FEATURED))
    other = FeaturesAndWordsView.from_config(view.get_config())
    other.set_weights(view.get_weights())
    np.testing.assert_array_equal(other(FEATURED[0]), view(FEATURED[0]))


def test_features_start_from_where_they_point_and_have_their_neighbours():
    draw = np.random.default_rng(0)
    kind = draw.integers(2, size=60)
    rows = scipy.sparse.csr_matrix(np.eye(4)[kind] + 0.1 * draw.normal(size=(60, 4)))
    clusters, near = FeaturesView(4).start(rows, 2, 0)
    assert near.shape == (60, 3) and np.all(near[:, 0] == np.arange(60))
    assert np.all(kind[near] == kind[:, np.newaxis]) and len(np.unique(clusters + 2 * kind)) == 2
