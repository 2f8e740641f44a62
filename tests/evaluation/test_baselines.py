import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.evaluation import baselines as module
from tfvae.evaluation.baselines import BASELINES, Baseline, baselines


def texts(count, seed):
    """Texts of two topics, whose words all differ, in words that both have."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=count)
    both, own = (["the", "a", "is", "."], [["cat", "dog", "fur", "paw"], ["bus", "car", "road", "taxi"]])
    return [" ".join([*rng.permutation(own[topic])[:3], *rng.permutation(both)[:2]]) for topic in truth], truth


@pytest.fixture(scope="module")
def of_texts(material):
    (train, _), (data, truth) = texts(300, 0), texts(200, 1)
    return material(train, data), truth


@pytest.mark.parametrize("name", ["k-means", "LDA", "EM"])
def test_topics_of_words_are_found_in_texts_that_were_not_fitted_to(of_texts, name):
    made, truth = of_texts
    assert adjusted_mutual_info_score(truth, BASELINES["word"][name].find(made, 2)) > 0.8


def test_images_that_are_alike_are_together(material):
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=90)
    images = np.clip(rng.normal(40, 20, [90, 6, 6]) + 180 * (np.arange(6) // 2 == truth[:, np.newaxis])[:, np.newaxis], 0, 255)
    made = material(images[:60].astype(np.uint8), images[60:].astype(np.uint8), unit="pixel")
    assert adjusted_mutual_info_score(truth[60:], BASELINES["pixel"]["k-means"].find(made, 3)) > 0.9


def test_every_baseline_of_every_size_is_named_but_for_those_that_would_take_minutes(material, monkeypatch):
    quick = Baseline(lambda material, size: np.full(1, size))
    monkeypatch.setitem(module.BASELINES, "word", {"quick": quick, "slow": Baseline(quick.find, 5)})
    found = {name: codes.tolist() for name, _, codes in baselines(material(["a"], ["a"]), [4, 5, 6])}
    assert found == {"quick of 4": [4], "slow of 4": [4], "quick of 5": [5], "slow of 5": [5], "quick of 6": [6]}
    assert [*baselines(material(["a"], ["a"], unit="letter"), [4])] == []


@pytest.mark.parametrize("train", [["", ""], ["a"], ["", "a"], ["a b"] * 3])
def test_few_empty_and_equal_texts_have_clusters(material, train):
    for name, how, codes in baselines(material(train, ["a", "", "new"]), [3]):
        assert codes.shape == (3,) and np.all((codes >= 0) & (codes < 3)), name
        assert how
