import numpy as np
import pytest
import scipy.sparse
from scipy.special import logsumexp
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.clustering.multinomial_mixture import MultinomialMixture, log_joint, maximize, temperature

COLDEST = 10
"""The first iteration that is at temperature 1."""


def planted(count=400, clusters=4, words=40, length=8, seed=0):
    """Texts, most of whose words are of their cluster's own share of the words, as counts [N, words]."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(clusters, size=count)
    own = rng.integers(words // clusters, size=[count, length]) + truth[:, np.newaxis] * (words // clusters)
    drawn = np.where(rng.random([count, length]) < 0.8, own, rng.integers(words, size=[count, length]))
    counts = np.zeros([count, words])
    np.add.at(counts, (np.arange(count)[:, np.newaxis], drawn), 1)
    return truth, scipy.sparse.csr_matrix(counts)


def test_planted_clusters_are_found_and_those_of_other_texts_told():
    truth, counts = planted(600)
    mixture = MultinomialMixture(4).fit(counts[:400])
    assert adjusted_mutual_info_score(truth[:400], mixture.predict(counts[:400])) > 0.9
    assert adjusted_mutual_info_score(truth[400:], mixture.predict(counts[400:])) > 0.9


def test_it_is_cold_from_the_tenth_iteration_on():
    heat = [temperature(iteration) for iteration in range(40)]
    assert heat[0] == 3 and np.all(np.diff(heat[: COLDEST + 1]) < 0) and min(heat[:COLDEST]) > 1 and set(heat[COLDEST:]) == {1}


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("seed", [0, 1])
def test_once_cold_the_objective_never_falls(weighted, seed):
    _, counts = planted(200, seed=seed)
    trace = MultinomialMixture(6, iterations=50, restarts=2, seed=seed, weighted=weighted).fit(counts).trace
    assert len(trace) == 50 - COLDEST
    assert np.diff(trace).min() > -1e-6 * abs(trace[0]) and trace[-1] > trace[0] + 1


def test_the_objective_is_the_log_likelihood_and_the_log_prior():
    _, counts = planted(100)
    mixture = MultinomialMixture(3, smoothing=0.2, restarts=1).fit(counts)
    prior = 0.2 * mixture.log_words.sum(dtype=np.float64) + mixture.log_weights.sum()
    assert mixture.trace[-1] == pytest.approx(mixture.log_likelihood(counts).sum() + prior, rel=1e-6)


def test_the_restart_of_the_best_likelihood_is_kept():
    _, counts = planted(60, clusters=8, seed=3)
    one, many = (MultinomialMixture(8, restarts=restarts, iterations=15).fit(counts) for restarts in (1, 8))
    assert many.log_likelihood(counts).sum() > one.log_likelihood(counts).sum() + 1  # the first of eight is the one


def test_the_likelihood_is_that_of_the_weights_of_words_that_a_text_has():
    _, counts = planted(50)
    mixture = MultinomialMixture(3, restarts=1, iterations=12).fit(counts)
    present = counts.toarray() > 0
    weights = np.log((1 + 50) / (1 + present.sum(axis=0))) + 1
    np.testing.assert_allclose(mixture.word_weights, np.where(present.any(axis=0), weights, 0), rtol=1e-6)
    joint = (present * mixture.word_weights) @ mixture.log_words.astype(np.float64) + mixture.log_weights
    np.testing.assert_allclose(mixture.log_likelihood(counts), logsumexp(joint, axis=1), rtol=1e-5)
    np.testing.assert_allclose(mixture.probabilities(counts), np.exp(joint - logsumexp(joint, axis=1, keepdims=True)), atol=1e-4)
    np.testing.assert_array_equal(mixture.predict(counts), joint.argmax(axis=1))


def test_parameters_are_distributions_and_those_of_the_m_step():
    posterior = np.array([[1, 0], [0.5, 0.5], [0, 1]], np.float32)
    words = scipy.sparse.csr_matrix(np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 4]], np.float32))
    log_weights, log_words = maximize(posterior, words.T.tocsr(), 0.5)
    np.testing.assert_allclose(np.exp(log_weights), [2.5 / 5, 2.5 / 5])
    np.testing.assert_allclose(np.exp(log_words), np.array([[2.5, 0.5], [1.5, 1.5], [0.5, 4.5]]) / [4.5, 6.5], rtol=1e-6)
    np.testing.assert_allclose(log_joint(words, log_weights, log_words)[0], 2 * log_words[0] + log_weights, rtol=1e-6)


def test_how_often_a_text_has_a_word_does_not_matter_and_zeros_that_are_stored_are_none():
    _, counts = planted(80)
    stored = counts.copy()
    stored.data[::7] = 0
    cleaned = stored.copy()
    cleaned.eliminate_zeros()
    first, second = (MultinomialMixture(3, restarts=2).fit(matrix) for matrix in (stored, 5 * cleaned))
    np.testing.assert_array_equal(first.probabilities(stored), second.probabilities(cleaned.astype(bool)))
    assert stored.nnz > cleaned.nnz


def test_the_same_seed_finds_the_same_and_another_begins_elsewhere():
    _, counts = planted(80, clusters=8)
    same, again, other = (MultinomialMixture(5, restarts=1, iterations=3, seed=seed).fit(counts).log_words for seed in (0, 0, 1))
    np.testing.assert_array_equal(same, again)
    assert not np.allclose(same, other)


def test_a_word_that_no_training_text_has_says_nothing():
    _, counts = planted(60)
    wide = scipy.sparse.hstack([counts, scipy.sparse.csr_matrix((60, 1))]).tocsr()
    mixture = MultinomialMixture(3, restarts=1).fit(wide)
    unseen = wide.copy().tolil()
    unseen[:, 40] = 1
    np.testing.assert_array_equal(mixture.probabilities(unseen.tocsr()), mixture.probabilities(wide))


@pytest.mark.parametrize("texts", [[[1, 0, 2]], [[0, 0, 0]], [[0, 1, 0], [0, 1, 0], [0, 1, 0]], [[0, 0, 0], [1, 1, 1]]])
def test_few_empty_and_equal_texts_have_clusters(texts):
    counts = scipy.sparse.csr_matrix(np.array(texts))
    mixture = MultinomialMixture(4).fit(counts)
    np.testing.assert_allclose(mixture.probabilities(counts).sum(axis=1), 1, rtol=1e-5)
    assert mixture.predict(counts).shape == (len(texts),) and mixture.predict(counts[:0]).shape == (0,)
    assert len(set(mixture.predict(counts)[[i for i, text in enumerate(texts) if text == texts[0]]])) == 1


def test_texts_without_words_are_all_alike():
    counts = scipy.sparse.csr_matrix((3, 0))
    assert len(set(MultinomialMixture(2).fit(counts).predict(counts))) == 1


@pytest.mark.parametrize("wrong", [{"clusters": 0}, {"iterations": 0}, {"restarts": 0}, {"smoothing": 0.0}])
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        MultinomialMixture(**{"clusters": 2, **wrong})
    with pytest.raises(ValueError, match="there is no text"):
        MultinomialMixture(2).fit(scipy.sparse.csr_matrix((0, 3)))
