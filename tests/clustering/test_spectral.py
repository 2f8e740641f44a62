import numpy as np
import pytest
import scipy.sparse

from tfvae.clustering.spectral import SpectralClusters


def texts(count, seed=0):
    """Three topics of 20 words each, of which a text has three; and one word in five is of a set that all use."""
    draw = np.random.default_rng(seed)
    topic = draw.integers(3, size=count)
    words = np.where(
        draw.random([count, 4]) < 0.2, draw.integers(60, 70, size=[count, 4]), 20 * topic[:, None] + draw.integers(20, size=[count, 4])
    )
    row = np.repeat(np.arange(count), 4)
    return topic, scipy.sparse.csr_matrix((np.ones(4 * count), (row, words.ravel())), [count, 71])


def agreement(truth, found):
    return np.mean([np.bincount(found[truth == topic]).max() / np.sum(truth == topic) for topic in range(3)])


def test_it_finds_topics_by_words_that_go_together_and_tells_them_of_texts_not_seen():
    truth, matrix = texts(600)
    clusters = SpectralClusters(3).fit(matrix)
    found = clusters.predict(matrix)
    assert len(np.unique(found)) == 3
    assert agreement(truth, found) > 0.95
    others, unseen = texts(200, seed=1)
    assert agreement(others, clusters.predict(unseen)) > 0.95


def test_leading_vectors_are_singular_and_the_first_tells_nothing():
    _, matrix = texts(100)
    clusters = SpectralClusters(4).fit(matrix)
    scaled = clusters._scaled(matrix).toarray()
    values, vectors = np.linalg.svd(scaled)[1:]
    assert values[0] == pytest.approx(1)
    np.testing.assert_allclose(np.abs(np.sum(vectors[1:5].T * clusters._vectors, axis=0)), 1, atol=0.01)
    first = scaled @ vectors[0] / np.sqrt(np.asarray(matrix.sum(axis=1))[:, 0])
    np.testing.assert_allclose(first, first[0])


def test_a_text_without_known_words_has_a_cluster_and_few_texts_do():
    _, matrix = texts(100)
    clusters = SpectralClusters(3).fit(matrix)
    assert clusters.predict(scipy.sparse.csr_matrix((2, 71))).shape == (2,)
    assert clusters.predict(matrix[:0]).shape == (0,)
    for some in (matrix[:1], scipy.sparse.csr_matrix((5, 71)), scipy.sparse.csr_matrix(np.ones([5, 2]))):
        assert SpectralClusters(3).fit(some).predict(some).shape == (some.shape[0],)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        SpectralClusters(0)
    with pytest.raises(ValueError, match="no text"):
        SpectralClusters(2).fit(scipy.sparse.csr_matrix((0, 4)))
