import math

import pytest

from tfvae.errors import UserError
from tfvae.models.build import build_vae
from tfvae.registry.models import OF_ANY
from tuning.measured import Measured
from tuning.objective import BALANCE, METRICS, capabilities, read_objective

ALL = {"codes": True, "density": True, "posterior": True, "prior": True, "size": True}
LABELS = {"act": None}


@pytest.mark.parametrize("model", OF_ANY)
def test_the_usual_objective_trades_likelihood_against_use_where_there_are_codes(config, model):
    objective = read_objective("", capabilities(build_vae(config(model), {"vocabulary_size": 5})), {})
    without_codes = {
        "ae": "reconstruction",
        **dict.fromkeys(("rnn_lm", "vae", "skip_vae", "vmf_vae", "sa_vae", "skip_sa_vae"), "log_perplexity"),
    }
    expected = without_codes.get(model, BALANCE)
    assert (objective.text, objective.direction) == (expected, "min")


@pytest.mark.parametrize(
    ("text", "value", "direction"),
    [
        ("use", 0.5, "max"),
        ("nll_iw", 20.0, "min"),
        ("ami.act", 0.25, "max"),
        ("log_perplexity - use", 1.5, "min"),
        ("2 * nll_iw - (use + 1) / 3", 39.5, "min"),
        ("-ami.act", -0.25, "min"),
    ],
)
def test_a_formula_is_computed_and_minimised(text, value, direction):
    objective = read_objective(text, ALL, LABELS)
    figures = {"use": 0.5, "nll_iw": 20.0, "ami.act": 0.25, "log_perplexity": 2.0}
    assert objective(figures) == pytest.approx(value)
    assert objective.direction == direction
    assert objective.better(1.0, 2.0) == (direction == "min")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nll_wi", "nll_wi is not a metric, did you mean 'nll_iw'"),
        ("ami.topic", r"ami\.topic: no such label: labels are ami\.act"),
        ("ami", r"labels are ami\.act"),
        ("use.act", r"use\.act is not a metric"),
        ("nll_iw +", "is no formula"),
        ("__import__('os')", "only metrics, numbers"),
        ("a\0b", "is no formula"),
        ("-" * 100_000 + "use", r"--objective=-+…: a formula has at most 400 characters, not 100,003"),
        ("use ** 2", "only metrics, numbers"),
        ("3", "names no metric"),
        ("homogeneity", "homogeneity always answers the largest K"),
    ],
)
def test_what_is_no_objective_is_an_error(text, message):
    with pytest.raises(UserError, match=message):
        read_objective(text, ALL, LABELS)


def test_a_metric_that_the_model_has_not_is_an_error():
    with pytest.raises(UserError, match="use means nothing for this model, which has no codes"):
        read_objective("log_perplexity - use", {**ALL, "codes": False}, {})
    with pytest.raises(UserError, match="the corpus has none"):
        read_objective("ami.act", ALL, {})


def test_every_metric_is_measured_of_a_model_that_has_all(config):
    from tfvae.data import corpora
    from tfvae.evaluation.subject import Subject
    from tfvae.modalities.words import Words
    from tfvae.models.model import Model
    from tuning import objective as module

    settings = config(data__limit=60)
    corpus = corpora.read(settings.data)
    words = Words.learn(corpus, settings.data)
    model = Model(words, build_vae(settings, words.shape))
    measured = Measured(Subject(model, settings, corpus, "valid", samples=3, sentences=10))
    proxy = dict(module.PROXY)
    module.PROXY.update(sentences=40, held_out=5, units=4, epochs=1)
    try:
        values = {name: measured[f"{name}.act" if name == "ami" else name] for name in METRICS}
    finally:
        module.PROXY.update(proxy)
    assert values["nll_iw"] < values["nll_bound"] < 200
    assert 0 < values["log_perplexity"] < 10 and values["reverse_perplexity"] > 10
    assert 0 <= values["mutual_information_z"] <= math.log(60) + 1e-6
    assert values["use"] == pytest.approx(values["mutual_information"] / 1.3863, rel=1e-3)
