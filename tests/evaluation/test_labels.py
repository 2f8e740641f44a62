import math

import numpy as np
import pytest

from tfvae.data.corpus import Corpus, Split
from tfvae.evaluation.labels import _votes, agreement, jackknife, labels
from tfvae.evaluation.subject import Subject
from tfvae.training.fit import load


def values(codes, truth):
    return {figure.name: figure.value for figure in agreement("act", "joint", codes, truth, seed=0)}


def test_codes_that_rename_the_classes_agree_entirely():
    truth = np.random.default_rng(0).integers(0, 4, 500)
    agreed = values((truth + 2) % 4 * 10, truth)
    for name in ("adjusted_mutual_information", "homogeneity", "completeness", "v_measure"):
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
    for name in ("adjusted_mutual_information", "homogeneity", "completeness", "v_measure"):
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


def test_votes_come_from_training_codes_and_an_unknown_code_is_the_majority_s():
    train_codes = np.array([[0, 1], [0, 1], [0, 1], [2, 0], [2, 0]])
    train_truth = np.array([3, 3, 1, 0, 0])
    codes = np.array([[2, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(_votes(train_codes, train_truth, codes, majority=7), [0, 3, 7])


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_baselines_and_probes_of_a_handful_of_texts_give_figures(count, untrained, tmp_path):
    """Classes of one example, fewer texts than clusters, words that all texts have."""
    run = untrained(tmp_path / "run", "dem_vae")
    texts = Split([f"is this soup {i} ?" for i in range(count)], {"act": np.arange(count) % 5}, "here", np.arange(1, count + 1))
    subject = Subject(load(str(run.path)), run.config(), Corpus("few", texts, texts, texts))
    figures = list(labels(subject))
    assert {"LDA of 4", "k-means of 4"} <= {figure.settings.get("codes") for figure in figures}
    assert any(figure.name == "accuracy_majority" for figure in figures)
    assert all(math.isfinite(figure.value) for figure in figures if figure.value is not None)
    told = {figure.name for figure in figures if figure.value is None}
    assert told == ({"accuracy_linear", "accuracy_mlp"} if count == 1 else set())
