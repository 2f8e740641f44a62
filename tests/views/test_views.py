import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from tfvae.tokens import EOS, PAD, UNK
from tfvae.views.features import FeaturesView
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


def test_features_start_from_where_they_point_and_have_their_neighbours():
    draw = np.random.default_rng(0)
    kind = draw.integers(2, size=60)
    rows = scipy.sparse.csr_matrix(np.eye(4)[kind] + 0.1 * draw.normal(size=(60, 4)))
    clusters, near = FeaturesView(4).start(rows, 2, 0, lambda: iter(()))
    assert near.shape == (60, 3) and np.all(near[:, 0] == np.arange(60))
    assert np.all(kind[near] == kind[:, np.newaxis]) and len(np.unique(clusters + 2 * kind)) == 2


def test_features_that_say_nothing_start_from_words():
    draw = np.random.default_rng(0)
    kind = draw.integers(2, size=80)
    tokens = batch(*([[A, B], [WHAT, IS]][one] for one in kind))
    rows = scipy.sparse.csr_matrix(0.01 * draw.normal(size=(80, 4)))
    alone, _ = FeaturesView(4).start(rows, 2, 0, lambda: iter([tokens]))
    clusters, near = FeaturesView(4, V).start(rows, 2, 0, lambda: iter([tokens]))
    assert len(np.unique(clusters + 2 * kind)) == 2 and np.all(kind[near] == kind[:, np.newaxis])
    assert len(np.unique(alone + 2 * kind)) == 4


def test_texts_without_words_that_count_start_from_features():
    rows = scipy.sparse.csr_matrix(np.eye(2).repeat(5, axis=0))
    empty = batch(*[[UNK]] * 10)
    np.testing.assert_array_equal(
        FeaturesView(2, V).start(rows, 2, 0, lambda: iter([empty]))[0], FeaturesView(2).start(rows, 2, 0, lambda: iter([empty]))[0]
    )
