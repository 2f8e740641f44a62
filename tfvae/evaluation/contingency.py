"""Measures of two partitions of the same examples, into classes and into clusters, by how many examples each pair of parts shares.

References:
  Vinh, Epps, Bailey. Information Theoretic Measures for Clusterings Comparison. JMLR 11, 2010 (adjusted mutual information).
  Rosenberg, Hirschberg. V-Measure. EMNLP-CoNLL 2007 (homogeneity, completeness).
  Hubert, Arabie. Comparing Partitions. Journal of Classification 2, 1985 (adjusted Rand index).
  Kuhn. The Hungarian Method for the Assignment Problem. Naval Research Logistics Quarterly 2, 1955 (the matching of clusters and classes).
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln
from sklearn.metrics import mutual_info_score

_DEVIATIONS = 12  # from the mean, beyond which a distribution has less mass than rounding loses


def contingency(truth: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Returns how many of N examples have each class and each cluster, int64 [classes, clusters], of numbers from 0 on, [N] each."""
    clusters = int(codes.max()) + 1
    counts = np.bincount(truth * clusters + codes, minlength=(int(truth.max()) + 1) * clusters).reshape(-1, clusters)
    return counts[counts.any(axis=1)][:, counts.any(axis=0)]


def homogeneity_completeness(table: np.ndarray) -> tuple[float, float]:
    """Returns 1 - H(class|cluster) / H(class) and 1 - H(cluster|class) / H(cluster); 1 where there is but one class, or cluster."""
    shared = mutual_info_score(None, None, contingency=table)
    of_class, of_cluster = (_entropy(table.sum(axis=axis)) for axis in (1, 0))
    return shared / of_class if of_class else 1.0, shared / of_cluster if of_cluster else 1.0


def v_measure(homogeneity: float, completeness: float) -> float:
    """Returns their harmonic mean; mutual information divided by the mean of the two entropies is the same."""
    return 2 * homogeneity * completeness / (homogeneity + completeness) if homogeneity + completeness else 0.0


def adjusted_mutual_information(table: np.ndarray) -> float:
    """Returns mutual information beyond that of random clusters, as a share of the most there could be: the mean of the two entropies."""
    if 1 in table.shape:
        return float(table.shape == (1, 1))
    of_class, of_cluster = table.sum(axis=1), table.sum(axis=0)
    expected = expected_mutual_information(of_class, of_cluster)
    most = (_entropy(of_class) + _entropy(of_cluster)) / 2
    beyond = mutual_info_score(None, None, contingency=table) - expected
    # where each example is a part of its own, both are 0 but for rounding, and the partitions are equal
    return float(_away_from_0(beyond) / _away_from_0(most - expected))


def expected_mutual_information(of_class: np.ndarray, of_cluster: np.ndarray) -> float:
    """Returns the mutual information, nats, of random partitions with parts of these sizes, [classes] and [clusters].

    What a class and a cluster share has a hypergeometric distribution. Pairs of the same sizes are computed once, and only where the
    distribution has mass: with hundreds of clusters both matter.
    """
    count = int(of_class.sum())
    log_factorial = gammaln(np.arange(count + 1) + 1.0)
    classes, clusters = (np.unique(sizes, return_counts=True) for sizes in (of_class, of_cluster))
    b, times_b = clusters
    total = 0.0
    for a, times_a in zip(*classes, strict=True):
        mean = a * b / count
        reach = _DEVIATIONS * (1 + np.sqrt(mean * (1 - a / count)))
        first = np.maximum(np.maximum(1, a + b - count), np.floor(mean - reach)).astype(np.int64)
        last = np.minimum(np.minimum(a, b), np.ceil(mean + reach)).astype(np.int64)
        each = np.maximum(last - first + 1, 0)
        which = np.repeat(np.arange(len(b)), each)
        shared = np.arange(len(which)) - np.repeat(np.cumsum(each) - each - first, each)
        own = b[which]
        possible = log_factorial[a] + log_factorial[count - a] + log_factorial[own] + log_factorial[count - own] - log_factorial[count]
        apart = log_factorial[a - shared] + log_factorial[own - shared] + log_factorial[count - a - own + shared]
        chance = np.exp(possible - log_factorial[shared] - apart)
        total += times_a * float(np.sum(times_b[which] * chance * shared / count * np.log(count * shared / (a * own))))
    return total


def adjusted_rand_index(table: np.ndarray) -> float:
    """Returns the pairs that both put together beyond those of random clusters, as a share of the most there could be."""
    count = table.sum()
    both, of_class, of_cluster, all_pairs = (
        float(np.sum(sizes * (sizes - 1))) for sizes in (table, table.sum(axis=1), table.sum(axis=0), count)
    )
    if both == of_class == of_cluster:
        return 1.0
    expected = of_class * of_cluster / all_pairs
    return (both - expected) / ((of_class + of_cluster) / 2 - expected)


def clustering_accuracy(table: np.ndarray) -> float:
    """Returns the share of examples in the cluster that is matched with their class, by the best matching of one with one."""
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def _entropy(sizes: np.ndarray) -> float:
    """The entropy, nats, of parts of these sizes, none of them 0."""
    return float(-np.sum(sizes / sizes.sum() * (np.log(sizes) - np.log(sizes.sum())))) if len(sizes) > 1 else 0.0


def _away_from_0(value: float) -> float:
    least = float(np.finfo(np.float64).eps)
    return min(value, -least) if value < 0 else max(value, least)
