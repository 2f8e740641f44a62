import numpy as np
import pytest

from tfvae.evaluation.supervised import Supervised


def by_name(made):
    return {(figure.name, figure.settings.get("codes")): figure for figure in Supervised(made).figures("act")}


def test_the_order_of_two_words_is_read_where_texts_have_one(material):
    train, truth = ["a b", "b a"] * 20, [0, 1] * 20
    for ordered, expected in ((True, 1.0), (False, 0.5)):
        found = by_name(material(train, ["a b", "b a"], truth=(truth, [0, 1]), ordered=ordered))
        accuracy = found["accuracy_tfidf", None]
        assert accuracy.value == expected and accuracy.settings == {"label": "act", "fitted_to": 40}


def test_predictions_are_clusters_that_agree_with_the_label(material):
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=200).tolist()
    items = [f"{'xyz'[kind]} {'abcdef'[rng.integers(6)]}" for kind in truth]
    found = by_name(material(items[:100], items[100:], truth=(truth[:100], truth[100:])))
    assert found["accuracy_tfidf", None].value == 1
    agreed = found["adjusted_mutual_information", "supervised TF-IDF"]
    assert agreed.value == pytest.approx(1) and agreed.settings["clusters"] == 3
    assert "logistic regression" in agreed.settings["method"]


def test_pixels_tell_which_half_is_white(material):
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=80)
    images = rng.integers(0, 100, [80, 4, 4]).astype(np.uint8)
    images[truth == 1, :2] += 120
    images[truth == 0, 2:] += 120
    found = by_name(material(images[:60], images[60:], truth=(truth[:60].tolist(), truth[60:].tolist()), unit="pixel"))
    assert found["accuracy_pixels", None].value == 1 and ("adjusted_rand_index", "supervised pixels") in found


@pytest.mark.parametrize(
    ("truth", "why"), [(([2, 2], [0, 1]), "one class, so there is nothing to learn"), (([1, 2], [0, 3]), "no class of the split")]
)
def test_what_cannot_be_learned_is_said(material, truth, why):
    [figure] = Supervised(material(["a", "b"], ["a", "b"], truth=truth)).figures("act")
    assert figure.name == "accuracy_tfidf" and figure.value is None and why in figure.estimator


def test_texts_without_words_are_of_the_most_frequent_class(material):
    found = by_name(material(["", "", ""], ["", "x"], truth=([1, 2, 2], [2, 1])))
    assert found["accuracy_tfidf", None].value == 0.5


def test_examples_of_another_kind_are_not_classified(material):
    assert [*Supervised(material(["a"], ["a"], unit="letter")).figures("act")] == []
