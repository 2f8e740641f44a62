"""A mixture of multinomials over the words that a text has, fitted by expectation maximization (EM).

A text of cluster k is as likely as the product of its words' probabilities p(word | k), each to the power of the word's weight; how often a
text has a word does not matter. EM starts hot: its posteriors over clusters are flattened by a temperature that falls to 1, so that what
sets clusters apart most decides first.

References:
  Nigam, McCallum, Thrun, Mitchell. Text Classification from Labeled and Unlabeled Documents using EM. Machine Learning 39, 2000.
  Ueda, Nakano. Deterministic Annealing EM Algorithm. Neural Networks 11, 1998.
"""

from typing import Self

import numpy as np
import scipy.sparse
from scipy.special import logsumexp

HOTTEST, COOLING = 3.0, 15
"""The temperature at the first iteration, and how many it would take from there to 0."""


def temperature(iteration: int) -> float:
    """Returns what log-joints are divided by at an iteration, counted from 0: 3 at first, 1 from the tenth on."""
    return max(1.0, HOTTEST * (1 - iteration / COOLING))


class MultinomialMixture:
    """Clusters of texts, each a distribution over words.

    The most probable parameters are sought under Dirichlet priors: of 1 + smoothing for each cluster's words, and of 2 for the mixing
    weights. From the tenth iteration on no iteration makes them less probable.

    Args:
      clusters: how many, K.
      smoothing: added to the weight of each word in each cluster, above 0.
      iterations: of EM.
      restarts: from other random responsibilities; that of the best likelihood is kept.
      seed: of the responsibilities.
      weighted: whether words have inverse document frequencies, log((1 + N) / (1 + df)) + 1, for weights, and not all 1.

    Attributes:
      log_weights: logarithms of the mixing weights, [K].
      log_words: logarithms of words' probabilities in each cluster, [V, K].
      trace: the objective per iteration at temperature 1 of the restart that was kept, nats: log-likelihood plus log prior.

    Raises:
      ValueError: clusters, iterations or restarts below 1, or no smoothing.
    """

    def __init__(
        self, clusters: int, smoothing: float = 0.1, iterations: int = 40, restarts: int = 6, seed: int = 0, *, weighted: bool = True
    ) -> None:
        if min(clusters, iterations, restarts) < 1 or smoothing <= 0:
            raise ValueError("clusters, iterations and restarts must be at least 1, and smoothing above 0")
        self.clusters, self.smoothing, self.iterations, self.restarts = clusters, smoothing, iterations, restarts
        self.seed, self.weighted = seed, weighted
        self.trace: list[float] = []

    def fit(self, matrix: scipy.sparse.csr_matrix) -> Self:
        """Finds clusters of texts, by the counts or the presence of their words, [N, V].

        Raises:
          ValueError: there is no text.
        """
        count = matrix.shape[0]
        if not count:
            raise ValueError("there is no text")
        frequency = np.bincount(_presence(matrix).indices, minlength=matrix.shape[1])
        weights = np.log((1 + count) / (1 + frequency)) + 1 if self.weighted else np.ones(matrix.shape[1])
        # a word that no text has would be held against large clusters
        self.word_weights = np.where(frequency > 0, weights, 0).astype(np.float32)
        words = self._weigh(matrix)
        by_word = words.T.tocsr()
        best = -np.inf
        for draw in np.random.default_rng(self.seed).spawn(self.restarts):
            log_weights, log_words, trace, likelihood = self._restart(words, by_word, draw)
            if likelihood > best:
                best = likelihood
                self.log_weights, self.log_words, self.trace = log_weights, log_words, trace
        return self

    def probabilities(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Returns the posterior over clusters of each text, float32 [N, K], of counts or presence [N, V]."""
        return _posterior(log_joint(self._weigh(matrix), self.log_weights, self.log_words), 1.0)[0]

    def predict(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Returns the most probable cluster of each text, int64 [N], of counts or presence [N, V]."""
        return self.probabilities(matrix).argmax(axis=1)

    def log_likelihood(self, matrix: scipy.sparse.csr_matrix) -> np.ndarray:
        """Returns log p(text), nats, float64 [N], of counts or presence [N, V], without the number of orders that words could be in."""
        return logsumexp(log_joint(self._weigh(matrix), self.log_weights, self.log_words).astype(np.float64), axis=1)

    def _weigh(self, matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
        """The weights of the words that texts have, [N, V]."""
        words = _presence(matrix)
        words.data = self.word_weights[words.indices]
        return words

    def _restart(
        self, words: scipy.sparse.csr_matrix, by_word: scipy.sparse.csr_matrix, draw: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, list[float], float]:
        """Runs EM: mixing weights, words' probabilities, objective and log-likelihood."""
        posterior = draw.standard_exponential([words.shape[0], self.clusters], np.float32)  # uniform over the simplex once normalized
        posterior /= posterior.sum(axis=1, keepdims=True)
        trace = []
        for iteration in range(self.iterations):
            log_weights, log_words = maximize(posterior, by_word, self.smoothing)
            posterior, evidence = _posterior(log_joint(words, log_weights, log_words), temperature(iteration))
            if temperature(iteration) == 1:
                prior = self.smoothing * float(log_words.sum(dtype=np.float64)) + float(log_weights.sum())
                trace.append(float(evidence.sum(dtype=np.float64)) + prior)
        joint = log_joint(words, log_weights, log_words)
        return log_weights, log_words, trace, float(_posterior(joint, 1.0)[1].sum(dtype=np.float64))


def maximize(posterior: np.ndarray, by_word: scipy.sparse.csr_matrix, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """The M step.

    Args:
      posterior: over clusters of each text, [N, K].
      by_word: the weights of the words that texts have, a row a word, [V, N].
      smoothing: added to the weight of each word in each cluster.

    Returns:
      Logarithms of mixing weights, [K], and of words' probabilities in each cluster, [V, K], float32.
    """
    count, clusters = posterior.shape
    log_weights = np.log((posterior.sum(axis=0, dtype=np.float64) + 1) / (count + clusters))
    weight = np.asarray(by_word @ posterior, np.float64) + smoothing
    return log_weights, np.log(weight / weight.sum(axis=0)).astype(np.float32)


def log_joint(words: scipy.sparse.csr_matrix, log_weights: np.ndarray, log_words: np.ndarray) -> np.ndarray:
    """Returns log p(text, cluster), nats, float32 [N, K], of the weights of texts' words [N, V]."""
    return np.asarray(words @ log_words) + log_weights.astype(np.float32)


def _posterior(joint: np.ndarray, heat: float) -> tuple[np.ndarray, np.ndarray]:
    """The posterior at a temperature, [N, K], and the logarithms of what it was divided by, [N]; `joint` is written over."""
    if heat != 1:
        joint /= np.float32(heat)
    greatest = joint.max(axis=1, keepdims=True)
    joint -= greatest
    np.exp(joint, out=joint)
    total = joint.sum(axis=1, keepdims=True)
    joint /= total
    return joint, (greatest + np.log(total))[:, 0]


def _presence(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """1 where a text has a word, float32 [N, V], each word once."""
    words = scipy.sparse.csr_matrix(matrix, dtype=np.float32, copy=True)
    words.sum_duplicates()
    words.eliminate_zeros()
    words.data[:] = 1
    return words
