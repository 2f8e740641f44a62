import math
import time

import numpy as np
import pytest

from tfvae.evaluation.agreement import MEASURES, agreement, jackknife


def values(codes, truth):
    return {figure.name: figure.value for figure in agreement("act", "joint", codes, truth, seed=0)}


def test_codes_that_rename_the_classes_agree_entirely():
    truth = np.random.default_rng(0).integers(0, 4, 500)
    agreed = values((truth + 2) % 4 * 10, truth)
    for name in MEASURES:
        assert agreed[name] == pytest.approx(1)
    assert agreed["homogeneity_shuffled"] < 0.05


def test_random_codes_agree_by_chance_alone_and_the_adjusted_figure_does_not():
    rng = np.random.default_rng(0)
    truth, codes = rng.integers(0, 4, 1000), rng.integers(0, 125, 1000)
    agreed = values(codes, truth)
    assert agreed["homogeneity"] > 0.1 and abs(agreed["homogeneity"] - agreed["homogeneity_shuffled"]) < 0.03
    assert abs(agreed["adjusted_mutual_information"]) < 0.02


def test_homogeneity_is_the_share_of_the_label_s_entropy_that_codes_explain():
    truth, codes = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])
    label_entropy = np.log(2)
    within = 0.75 * -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert values(codes, truth)["homogeneity"] == pytest.approx(1 - within / label_entropy)


def test_errors_of_agreement_are_those_of_drawing_other_examples():
    """A jackknife of one sample against the spread over many samples of the same population."""
    rng = np.random.default_rng(0)

    def draw():
        truth = rng.integers(0, 3, 600)
        return truth, np.where(rng.random(600) < 0.5, truth, rng.integers(0, 5, 600))

    found = [{figure.name: figure for figure in agreement("act", "joint", codes, truth, 0)} for truth, codes in (draw() for _ in range(60))]
    for name in MEASURES:
        spread = np.std([figures[name].value for figures in found], ddof=1)
        assert np.mean([figures[name].error for figures in found]) == pytest.approx(spread, rel=0.3)
    assert found[0]["homogeneity_shuffled"].error is None


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(0).normal(size=200)
    error = jackknife(lambda truth, codes: truth.mean(keepdims=True), values, values, np.arange(200))
    assert error[0] == pytest.approx(values.std(ddof=1) / math.sqrt(200), rel=0.4)
    one_each = jackknife(lambda truth, codes: truth.mean(keepdims=True), values[:20], values[:20], np.arange(20))
    assert one_each[0] == pytest.approx(values[:20].std(ddof=1) / math.sqrt(20))
    assert math.isnan(jackknife(lambda truth, codes: truth.mean(keepdims=True), values[:1], values[:1], np.arange(1))[0])


def test_every_measure_has_a_figure_and_its_settings():
    truth = np.array([0, 0, 1, 2])
    found = [*agreement("act", "EM of 2", np.array([7, 7, 7, 2]), truth, 0, fitted_to=5)]
    assert [figure.name for figure in found] == [*list(MEASURES)[:2], "homogeneity_shuffled", *list(MEASURES)[2:]]
    assert all(figure.settings == {"label": "act", "codes": "EM of 2", "clusters": 2, "fitted_to": 5} for figure in found)
    named = {figure.name: figure.value for figure in found}
    assert named["clustering_accuracy"] == 0.75  # 7 stands for 0, 2 for 2
    assert named["normalized_mutual_information"] == named["v_measure"]


@pytest.mark.parametrize(("truth", "codes"), [([1], [3]), ([1, 1, 1], [0, 0, 0]), ([1, 1, 1], [0, 1, 2]), ([0, 1, 2], [5, 5, 5])])
def test_one_class_one_cluster_and_one_example_have_figures(truth, codes):
    found = values(np.array(codes), np.array(truth))
    assert all(0 <= value <= 1 for value in found.values())
    assert found["adjusted_mutual_information"] == float(len(set(truth)) == len(set(codes)) == 1)


def test_hundreds_of_clusters_of_tens_of_thousands_of_examples_take_a_moment():
    rng = np.random.default_rng(0)
    truth, codes = rng.integers(0, 77, 60_000), rng.integers(0, 500, 60_000)
    start = time.process_time()
    found = values(codes, truth)
    assert time.process_time() - start < 5  # a tenth of it, where a processor has nothing else to do
    assert abs(found["adjusted_mutual_information"]) < 0.01 and abs(found["adjusted_rand_index"]) < 0.01
