"""Predictions of labels, held against what needs no model."""

import types

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tfvae.config import Config
from tfvae.data.corpus import Corpus, Split
from tfvae.data.labelled_texts import NO_LABEL
from tfvae.evaluation.predictions import predictions
from tfvae.evaluation.table import figure_lines
from tfvae.models.labels import Supervised


def split(items, classes):
    return Split(items, {"act": np.array(classes, np.int32)}, "here", np.arange(1, len(items) + 1))


@pytest.fixture
def figures():
    """Makes figures of given predictions: 40 training texts whose first word says the class, three of four with a label."""

    def make(predicted, truth, share=1.0):
        classes = np.arange(40) % 4
        train = split([f"word{kind} thing{i % 7}" for i, kind in enumerate(classes)], classes)
        data = split([f"word{kind} other" for kind in truth], truth)
        config = Config()
        config.objective.labels, config.data.labelled_share, config.latent.components = "act:1", share, 5
        probabilities = np.full([len(truth), 2, 5], 0.1)
        probabilities[np.arange(len(truth)), 1, predicted] = 0.4
        probabilities[:, 1, 4] = 0.5  # of no class
        subject = types.SimpleNamespace(
            corpus=Corpus("few", train, data, data, {"act": [NO_LABEL, "no", "so", "yes"]}),
            data=data,
            seed=0,
            config=config,
            model=types.SimpleNamespace(modality=types.SimpleNamespace(unit="word"), labels={"act": Supervised(1, ("no", "so", "yes"))}),
            posteriors=types.SimpleNamespace(probabilities=probabilities),
        )
        return {figure.name: figure for figure in predictions(subject)}

    return make


def test_they_are_counted_where_a_label_is_known(figures):
    truth, predicted = [1, 1, 2, 3, 0, 2], [0, 1, 1, 2, 0, 1]  # of classes, of which the first is none, and of components
    found = figures(predicted, truth)
    assert found["prediction_accuracy"].value == pytest.approx(4 / 5)
    assert found["prediction_macro_f1"].value == pytest.approx(f1_score([0, 0, 1, 2, 1], [0, 1, 1, 2, 1], average="macro"))
    assert found["prediction_confusion"].value.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 1]]
    assert found["prediction_accuracy_majority"].value == pytest.approx(2 / 5)
    assert found["prediction_accuracy_tfidf"].value == found["prediction_accuracy_tfidf_words"].value == 1
    assert found["prediction_accuracy_tfidf"].settings == {"label": "act", "fitted_to": 30}
    lines = figure_lines(list(found.values()))
    assert lines[-3].split() == ["no", "1", "1", "0"] and lines[-1].split() == ["yes", "0", "0", "1"]


def test_the_classifier_beside_is_taught_the_same_share_of_labels(figures):
    found = figures([0, 1], [1, 2], share=0.5)
    assert found["prediction_accuracy_tfidf"].settings["fitted_to"] == found["prediction_accuracy"].settings["fitted_to"] < 20


def test_a_plain_sentence_says_where_the_model_loses(figures):
    lost = figures([2] * 30 + [1] * 30, [1] * 30 + [2] * 30)["prediction_accuracy"].remark
    assert "loses to logistic regression on TF-IDF" in lost and "(1.000)" in lost
    level = figures([0] * 30 + [1] * 30, [1] * 30 + [2] * 30)["prediction_accuracy"].remark
    assert "is level with logistic regression" in level and "wins against the most frequent class" in level
    assert figures([0], [0])["prediction_accuracy"].value is None
