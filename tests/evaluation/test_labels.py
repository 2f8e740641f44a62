import math

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.data import corpora
from tfvae.data.corpus import Corpus, Split
from tfvae.evaluation.baselines import BASELINES
from tfvae.evaluation.labels import labels
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.verdict import verdicts
from tfvae.training.fit import load


@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_baselines_and_probes_of_a_handful_of_texts_give_figures(count, untrained, tmp_path):
    """Classes of one example, fewer texts than clusters, words that all texts have."""
    run = untrained(tmp_path / "run", "dem_vae")
    texts = Split([f"is this soup {i} ?" for i in range(count)], {"act": np.arange(count) % 5}, "here", np.arange(1, count + 1))
    subject = Subject(load(str(run.path)), run.config(), Corpus("few", texts, texts, texts))
    figures = list(labels(subject))
    assert {"LDA of 4", "k-means of 4", "EM of 4", "rule: last token"} <= {figure.settings.get("codes") for figure in figures}
    assert ("supervised TF-IDF" in {figure.settings.get("codes") for figure in figures}) == (count > 1)
    assert any(figure.name == "accuracy_majority" for figure in figures)
    assert all(math.isfinite(figure.value) for figure in figures if figure.value is not None)
    told = {figure.name for figure in figures if figure.value is None}
    assert told == ({"accuracy_linear", "accuracy_mlp", "accuracy_tfidf"} if count == 1 else set())


BAGS = {"encoder__kind": "bag_of_words", "decoder__kind": "bag_of_words"}  # networks that take no time to build


@pytest.fixture
def without_lda(monkeypatch):
    """Of the baselines, those that take no time."""
    monkeypatch.setitem(BASELINES, "word", {name: BASELINES["word"][name] for name in ("k-means", "EM")})


def test_codes_are_held_against_what_needs_no_model(untrained, tmp_path, without_lda):
    run = untrained(tmp_path / "run", "dem_vae", **BAGS)
    subject = Subject(load(str(run.path)), run.config(), corpora.read(run.config().data))
    figures = list(labels(subject))
    tables = {label: [f for f in figures if f.settings.get("label") == label and "codes" in f.settings] for label in subject.data.labels}
    codes = subject.posteriors.codes
    used = len(np.unique(codes, axis=0))
    classes = {len(np.unique(truth)) for truth in subject.corpus.train.labels.values()}
    sizes = {4, used, *classes} - {1}
    expected = {"joint", "variable 0", "variable 1", *(f"{kind} of {size}" for kind in ("k-means", "EM") for size in sizes)}
    expected |= {"rule: question mark", "rule: last token", "rule: first token", "rule: length", "supervised TF-IDF"}
    for label, found in tables.items():
        assert {figure.settings["codes"] for figure in found} == expected
        by_name = {(figure.name, figure.settings["codes"]): figure for figure in found}
        truth = subject.data.labels[label]
        ami = by_name["adjusted_mutual_information", "variable 1"].value
        assert ami == pytest.approx(adjusted_mutual_info_score(truth, codes[:, 1]), abs=1e-9)
        question = by_name["adjusted_mutual_information", "rule: question mark"]
        assert question.value == pytest.approx(adjusted_mutual_info_score(truth, ["?" in text for text in subject.data.items]), abs=1e-9)
        assert question.settings["fitted_to"] == 100 and "question mark" in question.settings["method"]
    assert {verdict.label for verdict in verdicts(figures)} == set(subject.data.labels)


def test_without_codes_baselines_are_there_and_no_verdict(untrained, tmp_path, without_lda):
    run = untrained(tmp_path / "run", "vae", **BAGS)
    subject = Subject(load(str(run.path)), run.config(), corpora.read(run.config().data))
    figures = list(labels(subject))
    assert figures[0].name == "codes" and figures[0].value is None
    clusters = {figure.settings["codes"]: figure.settings["clusters"] for figure in figures if "codes" in figure.settings}
    assert not {"joint", "variable 0"} & clusters.keys() and 4 < clusters["rule: length"] <= 10
    assert {figure.name for figure in figures if figure.value is None} == {"codes", "accuracy_vote"}
    assert not list(verdicts(figures))
