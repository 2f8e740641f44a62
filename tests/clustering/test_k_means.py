import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from tfvae.clustering.k_means import KMeans


def planted(count=300, clusters=3, words=30, seed=0):
    """Counts [N, words] of texts, most of whose words are of their cluster's own share of the words."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(clusters, size=count)
    rate = np.where(np.arange(words) * clusters // words == truth[:, np.newaxis], 0.8, 0.1)
    return truth, scipy.sparse.csr_matrix(rng.poisson(rate))


def test_planted_clusters_are_found_and_those_of_other_texts_told():
    truth, counts = planted(600)
    found = KMeans(3).fit(counts[:300])
    assert adjusted_mutual_info_score(truth[:300], found.predict(counts[:300])) > 0.85
    assert adjusted_mutual_info_score(truth[300:], found.predict(counts[300:])) > 0.85


def test_it_is_what_scikit_learn_s_steps_make_of_texts():
    _, counts = planted(200, words=150)
    texts = [[f"w{word:03}" for word in np.repeat(np.arange(150), row)] for row in counts.toarray()]
    steps = make_pipeline(
        TfidfVectorizer(analyzer=list, sublinear_tf=True),
        TruncatedSVD(100, random_state=5),
        Normalizer(),
        MiniBatchKMeans(4, n_init=10, random_state=5),
    ).fit(texts)
    assert counts.getnnz(axis=0).min() > 0  # so that the columns are the same
    np.testing.assert_array_equal(KMeans(4, 5).fit(counts).predict(counts), steps.predict(texts))


def test_zeros_that_are_stored_and_the_type_of_counts_change_nothing():
    _, counts = planted()
    stored = counts.copy()
    stored.data[::7] = 0
    cleaned = stored.copy()
    cleaned.eliminate_zeros()
    first = KMeans(3).fit(stored).predict(stored)
    np.testing.assert_array_equal(first, KMeans(3).fit(cleaned.astype(np.float32)).predict(cleaned))
    assert stored.nnz > cleaned.nnz and first.dtype == np.int64


@pytest.mark.parametrize("texts", [[[1, 0, 2]], [[0, 0, 0], [0, 0, 0]]])
def test_what_cannot_be_told_apart_is_one_cluster(texts):
    counts = scipy.sparse.csr_matrix(np.array(texts))
    found = KMeans(4).fit(counts)
    assert set(found.predict(counts)) == set(found.predict(scipy.sparse.csr_matrix([[5, 5, 5]]))) == {0}


def test_there_are_no_more_clusters_than_texts_and_no_texts_have_none():
    counts = scipy.sparse.csr_matrix(np.eye(3, 5))
    found = KMeans(10).fit(counts)
    assert set(found.predict(counts)) <= {0, 1, 2}
    assert found.predict(counts[:0]).shape == (0,)


def test_of_one_word_there_are_texts_with_it_and_texts_without():
    counts = scipy.sparse.csr_matrix(np.array([[0], [1], [1], [0]]))
    first, second, *others = KMeans(2).fit(counts).predict(counts)
    assert first != second and others == [second, first]


def test_equal_texts_are_together():
    counts = scipy.sparse.csr_matrix(np.array([[1, 2, 0]] * 5))
    assert len(set(KMeans(2).fit(counts).predict(counts))) == 1


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="there must be at least one"):
        KMeans(0)
    with pytest.raises(ValueError, match="there is nothing"):
        KMeans(2).fit(scipy.sparse.csr_matrix((0, 3)))
