import numpy as np

from tfvae.evaluation import material as module


def test_words_are_counted_that_training_texts_have(material):
    train, data = material(["b a b", "c"], ["a a x", ""]).counts
    np.testing.assert_array_equal(train.toarray(), [[1, 2, 0], [0, 0, 1]])
    np.testing.assert_array_equal(data.toarray(), [[2, 0, 0], [0, 0, 0]])


def test_neighbours_are_counted_beside_words(material):
    train, data = material(["a b a", "b"], ["b a b a"]).count(2)
    np.testing.assert_array_equal(train.toarray(), [[2, 1, 1, 1], [0, 0, 1, 0]])  # a, a b, b, b a
    np.testing.assert_array_equal(data.toarray(), [[2, 1, 2, 2]])


def test_of_many_training_texts_words_that_one_has_are_left_out(material, monkeypatch):
    monkeypatch.setattr(module, "_LARGE", 3)
    assert material(["a b", "a c", "a c"], ["b"]).counts[0].shape == (3, 2)
    assert material(["a b", "a c"], ["b"]).counts[0].shape == (2, 3)


def test_texts_without_words_have_no_columns(material):
    train, data = material(["", ""], ["a"]).counts
    assert train.shape == (2, 0) and data.shape == (1, 0)


def test_no_more_training_examples_are_taken_than_are_quick_to_fit_to_and_they_are_spread(material, monkeypatch):
    monkeypatch.setattr(module, "FITTED", 3)
    assert material(list("abcde"), ["a"]).train.items == ["a", "c", "e"]


def test_pixels_are_shares_of_white(material):
    images = np.array([[[0, 255], [51, 0]]], np.uint8)
    train, data = material(images, images, unit="pixel").pixels
    np.testing.assert_allclose(train, [[0, 1, 0.2, 0]])
    np.testing.assert_array_equal(train, data)
