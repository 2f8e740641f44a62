import types

import numpy as np
import pytest

from tfvae.evaluation import material as material_module
from tfvae.evaluation import probes as module
from tfvae.evaluation.probes import Probes, votes


@pytest.fixture
def probed(material):
    """Makes probes of "posteriors" that are the items themselves, vectors [N, 2], with their signs for codes."""

    def make(train, items, truth, *, unit="word", has_codes=True):
        made = material(train, items, truth=truth, unit=unit)
        made.subject.model.encode = lambda items: {"mean": items, "codes": (items > 0).astype(int)}
        made.subject.model.vae = types.SimpleNamespace(latent=types.SimpleNamespace(has_codes=has_codes))
        made.subject.posteriors = types.SimpleNamespace(mean=items, codes=(items > 0).astype(int))
        return {figure.name: figure for figure in Probes(made).figures("act")}

    return make


@pytest.fixture(scope="module")
def points():
    x = np.random.default_rng(0).normal(size=[300, 2])
    return x, (x.prod(axis=1) > 0).astype(int).tolist()


def test_classes_that_no_line_parts_are_told_by_codes_and_by_hidden_units(probed, points):
    x, y = points
    found = probed(x[:200], x[200:], (y[:200], y[200:]))
    assert set(found) == {"accuracy_majority", "accuracy_vote", "accuracy_linear", "accuracy_mlp"}
    assert found["accuracy_vote"].value == 1 and found["accuracy_linear"].value < 0.7
    assert found["accuracy_majority"].value == np.mean(np.array(y[200:]) == np.bincount(y[:200]).argmax())
    assert found["accuracy_vote"].settings == {"label": "act", "fitted_to": 200}


def test_means_are_standardized(probed, points):
    x, _ = points
    y = (x[:, 0] > 0).astype(int).tolist()
    stretched = x * [1e-4, 1e4] + [3, 0]
    assert probed(stretched[:200], stretched[200:], (y[:200], y[200:]))["accuracy_linear"].value > 0.95


def test_images_have_a_perceptron_that_is_fitted_to_all_of_training(probed, points, monkeypatch):
    seen = []

    class Classifier:
        def __init__(self, seed):
            self.seed = seed

        def fit(self, x, y):
            seen.append((len(x), len(y), self.seed))
            return self

        def predict(self, x):
            return np.zeros(len(x), int)

    monkeypatch.setattr(module, "PerceptronClassifier", Classifier)
    monkeypatch.setattr(material_module, "FITTED", 50)
    x, y = points
    found = probed(x[:200], x[200:], (y[:200], y[200:]), unit="pixel")
    assert seen == [(200, 200, 0)]
    assert found["accuracy_perceptron"].value == pytest.approx(1 - np.mean(y[200:]))
    assert (found["accuracy_perceptron"].settings["fitted_to"], found["accuracy_mlp"].settings["fitted_to"]) == (200, 50)


def test_without_codes_there_is_no_vote(probed, points):
    x, y = points
    found = probed(x[:50], x[50:], (y[:50], y[50:]), has_codes=False)
    assert found["accuracy_vote"].value is None and "no codes to vote by" in found["accuracy_vote"].estimator


def test_of_one_class_there_is_nothing_to_learn(probed, points):
    x, y = points
    found = probed(x[:50], x[50:], ([1] * 50, y[50:]), unit="pixel")
    assert {name for name, figure in found.items() if figure.value is None} == {"accuracy_linear", "accuracy_mlp", "accuracy_perceptron"}
    assert found["accuracy_vote"].value == found["accuracy_majority"].value == pytest.approx(np.mean(y[50:]))


def test_votes_come_from_training_codes_and_an_unknown_code_is_the_majority_s():
    train_codes = np.array([[0, 1], [0, 1], [0, 1], [2, 0], [2, 0]])
    train_truth = np.array([3, 3, 1, 0, 0])
    codes = np.array([[2, 0], [0, 1], [1, 1]])
    np.testing.assert_array_equal(votes(train_codes, train_truth, codes, majority=7), [0, 3, 7])
