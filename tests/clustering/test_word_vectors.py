import numpy as np
import pytest
import scipy.sparse

from tfvae.clustering.word_vectors import WordVectorClusters, positive_information


def texts(count, seed=0):
    """Five topics of 12 words each, of which a text has three: two texts of a topic often share none."""
    draw = np.random.default_rng(seed)
    topic = draw.integers(5, size=count)
    words = np.argsort(draw.random([count, 12]), axis=1)[:, :3] + 12 * topic[:, np.newaxis]
    return topic, scipy.sparse.csr_matrix((np.ones(3 * count), (np.repeat(np.arange(count), 3), words.ravel())), [count, 61])


def test_texts_that_share_no_word_are_found_to_be_of_one_topic():
    topic, matrix = texts(500)
    clusters = WordVectorClusters(5).fit(matrix)
    found = clusters.predict(matrix)
    assert all(np.bincount(found[topic == one]).max() > 0.95 * np.sum(topic == one) for one in range(5))
    assert len(np.unique(found)) == 5
    others, unseen = texts(100, seed=1)
    same = [np.bincount(found[topic == one]).argmax() for one in range(5)]
    assert np.mean(clusters.predict(unseen) == np.array(same)[others]) > 0.95


def test_information_is_of_words_that_share_texts_more_than_by_chance():
    matrix = scipy.sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1.0]]))
    found = positive_information(matrix).toarray()
    together = (matrix.T @ matrix).toarray()
    share = together / together.sum()
    expected = np.log(share[0, 1] / (share.sum(1)[0] * share.sum(1)[1]))
    assert found[0, 1] == found[1, 0] == pytest.approx(max(0, expected))
    assert found[1, 2] == 0
    assert np.all(found >= 0) and found[2, 2] == pytest.approx(np.log(share[2, 2] / share.sum(1)[2] ** 2))


def test_a_text_without_known_words_has_a_cluster_and_few_texts_do():
    _, matrix = texts(50)
    clusters = WordVectorClusters(3).fit(matrix)
    assert clusters.predict(scipy.sparse.csr_matrix((2, 61))).shape == (2,)
    for some in (matrix[:1], scipy.sparse.csr_matrix((5, 61)), scipy.sparse.csr_matrix(np.ones([5, 2]))):
        assert WordVectorClusters(3).fit(some).predict(some).shape == (some.shape[0],)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        WordVectorClusters(0)
    with pytest.raises(ValueError, match="no text"):
        WordVectorClusters(2).fit(scipy.sparse.csr_matrix((0, 4)))
