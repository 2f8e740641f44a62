import itertools

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics.cluster import expected_mutual_information as expected_by_sklearn

from tfvae.evaluation.contingency import (
    adjusted_mutual_information,
    adjusted_rand_index,
    clustering_accuracy,
    contingency,
    expected_mutual_information,
    homogeneity_completeness,
    v_measure,
)


def partitions(count, classes, clusters, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=count)
    return truth, np.where(rng.random(count) < 0.5, truth % clusters, rng.integers(clusters, size=count))


MANY = [
    partitions(500, 4, 4),
    partitions(300, 3, 60),
    partitions(300, 40, 5),
    partitions(2000, 2, 2, seed=1),
    (np.arange(30), np.arange(30)),  # each example by itself
    (np.zeros(20, int), np.arange(20) % 3),
    (np.arange(20) % 3, np.zeros(20, int)),
    (np.zeros(5, int), np.zeros(5, int)),
    (np.zeros(1, int), np.zeros(1, int)),
    (np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])),
]


@pytest.mark.parametrize(("truth", "codes"), MANY)
def test_measures_are_scikit_learn_s(truth, codes):
    table = contingency(truth, codes)
    homogeneity, completeness = homogeneity_completeness(table)
    v = v_measure(homogeneity, completeness)
    np.testing.assert_allclose([homogeneity, completeness, v], metrics.homogeneity_completeness_v_measure(truth, codes), atol=1e-12)
    if table.shape != (1, 1):
        assert v == pytest.approx(metrics.normalized_mutual_info_score(truth, codes), abs=1e-12)
    assert adjusted_mutual_information(table) == pytest.approx(metrics.adjusted_mutual_info_score(truth, codes), abs=1e-9)
    assert adjusted_rand_index(table) == pytest.approx(metrics.adjusted_rand_score(truth, codes), abs=1e-12)


def test_pairs_of_many_examples_do_not_overflow():
    truth, codes = np.repeat(np.arange(2), 60_000), np.tile(np.arange(2), 60_000)
    codes[:30_000] = 0
    assert adjusted_rand_index(contingency(truth, codes)) == pytest.approx(metrics.adjusted_rand_score(truth, codes), rel=1e-9)


@pytest.mark.parametrize(
    "sizes",
    [([3000, 2000, 5000], [9000, 999, 1]), ([5, 5], [1] * 10), ([60, 30, 10], [50, 25, 25]), ([3] * 7, [3] * 7), ([10_000], [4000, 6000])],
)
def test_what_random_clusters_share_is_computed_from_sizes_alone(sizes):
    of_class, of_cluster = map(np.array, sizes)
    truth, codes = np.repeat(np.arange(len(of_class)), of_class), np.repeat(np.arange(len(of_cluster)), of_cluster)
    table = contingency(truth, codes)
    assert expected_mutual_information(of_class, of_cluster) == pytest.approx(expected_by_sklearn(table, of_class.sum()), abs=1e-11)


def test_the_expectation_is_the_mean_over_all_orders():
    truth, codes = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 2])
    orders = [metrics.mutual_info_score(truth, order) for order in itertools.permutations(codes)]
    assert expected_mutual_information(np.bincount(truth), np.bincount(codes)) == pytest.approx(np.mean(orders))


def test_the_matching_of_clusters_and_classes_is_the_best_of_all():
    for seed in range(5):
        truth, codes = partitions(40, 4, 5, seed)
        names = list(itertools.permutations(range(5), 5))  # class 4 is nobody's
        best = max(np.mean(np.array(name)[codes] == truth) for name in names)
        assert clustering_accuracy(contingency(truth, codes)) == pytest.approx(best)


def test_a_cluster_stands_for_one_class_and_a_class_for_one_cluster():
    truth = np.repeat(np.arange(2), 50)
    assert clustering_accuracy(contingency(truth, np.arange(100) // 25)) == 0.5
    assert clustering_accuracy(contingency(truth, np.zeros(100, int))) == 0.5
    assert clustering_accuracy(contingency(truth, 1 - truth)) == 1


def test_numbers_that_no_example_has_are_no_part_of_the_table():
    np.testing.assert_array_equal(contingency(np.array([0, 0, 5]), np.array([3, 3, 1])), [[0, 2], [1, 0]])
