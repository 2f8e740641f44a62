import dataclasses
import json
import math
import shutil

import numpy as np
import pytest

from tfvae.cli.model import SMOKE
from tfvae.errors import UserError
from tfvae.evaluation import evaluate as module
from tfvae.evaluation.compare import COLUMNS
from tfvae.evaluation.evaluate import METRICS, USUAL, evaluate, figures_of, read_evaluation
from tfvae.registry import resolve
from tfvae.registry.models import OF_ANY
from tfvae.training.fit import fit, load
from tfvae.training.run import Run

QUICK = ("rnn_lm", "ae", "vmf_vae", "dem_vae", "semi_vae")  # the others have the same latents
SMALL = {"samples": 6, "sentences": 40, "generated": 60}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, untrained):
    """A run of one epoch of dem_vae, and untrained ones of other models; the test of every model makes the rest."""
    directory = tmp_path_factory.mktemp("runs")
    for name in {*QUICK, "vae", "skip_vae", "gm_vae"}:
        if name == "dem_vae":
            config = resolve(name, "demo", base={**SMOKE, "data.limit": 100, "training.epochs": 1})
            fit(config, str(directory / name), say=lambda _: None)
        else:
            untrained(directory / name, name)
    return directory


def replaced(name, function):
    """A group of figures that another function makes."""
    return dataclasses.replace(METRICS[name], function=function)


def values(answer):
    return {figure.name: figure.value for figure in figures_of(answer) if figure.value is not None}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in OF_ANY])
def test_every_model_is_evaluated_and_what_does_not_apply_is_said(runs, untrained, name):
    if not (runs / name).exists():
        untrained(runs / name, name)
    answer = evaluate(str(runs / name), metrics=USUAL if name in ("ae", "dem_vae", "rnn_lm") else ["likelihood", "latent"], **SMALL)
    json.dumps(answer, allow_nan=False)
    latent = load(str(runs / name)).vae.latent
    absent = {metric for metric, group in answer["metrics"].items() if "absent" in group}
    assert absent == (set() if latent.size else {"latent", "labels", "reconstruction"})
    figures = values(answer)
    assert {"nll_bound", "nll_iw", "perplexity_bound", "perplexity_iw"} & figures.keys() == (
        {"nll_bound", "nll_iw", "perplexity_bound", "perplexity_iw"} if latent.has_density else set()
    )
    for kind in ("bound", "iw") if latent.has_density else ():
        expected = math.exp(figures[f"nll_{kind}"] * figures["sentences"] / figures["tokens"])
        assert figures[f"perplexity_{kind}"] == pytest.approx(expected)
    assert latent.size or figures["nll_iw"] == figures["nll_bound"]
    assert ("mutual_information_c" in figures) == latent.has_codes
    reasons = {figure.name: figure.estimator for figure in figures_of(answer) if figure.value is None}
    assert ("without a density" in reasons.get("nll_iw", "")) == (not latent.has_density)
    assert ("no codes" in reasons.get("mutual_information_c", "")) == bool(latent.size and not latent.has_codes)
    if "nll_iw_gain" in figures:
        gain = next(figure for figure in figures_of(answer) if figure.name == "nll_iw_gain")
        assert gain.value > -3 * gain.error  # the estimate is no worse than the bound, but for noise


def test_tables_have_columns_that_evaluations_have(runs):
    figures = values(evaluate(str(runs / "dem_vae"), **SMALL))
    named = {name for name in COLUMNS if not name.startswith("reverse_perplexity")}
    assert named <= figures.keys()


@pytest.mark.slow
def test_few_sentences_stand_for_the_split_by_their_gain_over_the_bound(runs):
    some = values(evaluate(str(runs / "dem_vae"), "valid", ["likelihood"], **SMALL))
    every = values(evaluate(str(runs / "dem_vae"), "valid", ["likelihood"], **{**SMALL, "sentences": 0}))
    assert some["nll_iw"] == pytest.approx(some["nll_bound"] - some["nll_iw_gain"])
    assert every["nll_iw"] == pytest.approx(every["nll_bound"] - every["nll_iw_gain"])
    # the gain varies little from sentence to sentence, lengths much
    assert abs(some["nll_iw"] - every["nll_iw"]) < abs(some["nll_iw_sample"] - every["nll_iw"])


def test_another_seed_draws_other_noise(runs):
    first, second = (values(evaluate(str(runs / "dem_vae"), "valid", ["likelihood"], seed=seed, **SMALL)) for seed in (0, 1))
    assert first["nll_bound"] != second["nll_bound"] and first["nll_iw"] != second["nll_iw"]


def test_other_texts_are_evaluated_anew(runs, monkeypatch):
    run, told = str(runs / "gm_vae"), []
    evaluate(run, "valid", ["latent"], **SMALL)
    evaluate(run, "valid", ["latent"], **SMALL, say=told.append)
    read = module.corpora.read
    monkeypatch.setattr(module.corpora, "read", lambda data: read(data).head(50))
    evaluate(run, "valid", ["latent"], **SMALL, say=told.append)
    assert told[0] == "latent: is there" and told[1] != told[0]


def test_the_bound_and_its_parts_are_those_of_training(runs):
    """Against what Keras's own evaluation of the same split says."""
    answer = evaluate(str(runs / "dem_vae"), "valid", ["likelihood", "latent"], **SMALL)
    figures, kept = values(answer), Run(runs / "dem_vae").read_metrics()[-1]
    for name in ("loss", "reconstruction", "kl_z", "kl_c", "dispersion", "natural_variance"):
        assert figures[name] == pytest.approx(kept[f"val_{name}"], rel=1e-5), name
    assert figures["nll_bound"] == pytest.approx(-kept["val_elbo"], rel=1e-5)
    assert np.sum(figures["mutual_information_c"]) == pytest.approx(kept["val_mutual_information"], rel=1e-3, abs=1e-6)
    np.testing.assert_allclose(figures["component_use"], kept["val_component_use"], rtol=1e-4)


def test_what_is_there_is_not_computed_again_unless_something_changed(runs, monkeypatch):
    run, calls = str(runs / "vae"), []
    counted = {name: replaced(name, lambda subject, name=name: calls.append(name) or iter(())) for name in METRICS}
    monkeypatch.setattr(module, "METRICS", counted)
    evaluate(run, "train", ["latent"], **SMALL)
    evaluate(run, "train", **SMALL)
    assert calls == ["latent", "likelihood", "labels", "reconstruction", "samples"]
    calls.clear()
    evaluate(run, "train", **SMALL)
    assert calls == []
    evaluate(run, "train", **{**SMALL, "samples": 7})
    assert calls == ["likelihood"]
    calls.clear()
    evaluate(run, "train", seed=1, **SMALL)
    assert calls == ["likelihood", "latent", "labels", "samples"]
    calls.clear()
    evaluate(run, "train", ["labels"], overwrite=True, seed=1, **SMALL)
    assert calls == ["labels"]
    assert set(read_evaluation(Run(run))["train"]["metrics"]) == set(USUAL)


def test_other_weights_are_evaluated_anew(runs, monkeypatch):
    calls = []
    monkeypatch.setattr(module, "METRICS", {"latent": replaced("latent", lambda subject: calls.append("latent") or iter(()))})
    run = Run(runs / "skip_vae")
    evaluate(str(run.path), "valid", ["latent"], **SMALL)
    model = load(str(run.path))
    model.vae.latent.set_weights([weight + 1 for weight in model.vae.latent.get_weights()])
    model.vae.save_weights(run.weights_file)
    evaluate(str(run.path), "valid", ["latent"], **SMALL)
    assert calls == ["latent"] * 2


def test_reverse_perplexity_is_that_of_a_language_model_of_the_same_words(runs):
    answer = evaluate(str(runs / "rnn_lm"), metrics=["reverse_perplexity", "reverse_perplexity_real"], **SMALL)
    figures = values(answer)
    words = len(load(str(runs / "rnn_lm")).modality.vocabulary.words)
    # an untrained model's words are noise: it teaches less of real text than real text does, and about as much as knowing nothing
    assert 1 < figures["reverse_perplexity_real"] < figures["reverse_perplexity"] < 1.5 * words


def test_an_interrupted_evaluation_keeps_the_groups_it_has(runs, monkeypatch):
    def fails(subject):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "METRICS", {"latent": replaced("latent", lambda subject: iter(())), "samples": replaced("samples", fails)})
    with pytest.raises(KeyboardInterrupt):
        evaluate(str(runs / "ae"), "valid", ["latent", "samples"], **SMALL)
    assert set(read_evaluation(Run(runs / "ae"))["valid"]["metrics"]) == {"latent"}


def test_figures_do_not_depend_on_batches(runs, tmp_path):
    answers = []
    for size in (7, 50):
        path = tmp_path / str(size)
        shutil.copytree(runs / "dem_vae", path)
        config = json.loads((path / "config.json").read_text())
        config["data"]["eval_batch_size"] = size
        (path / "config.json").write_text(json.dumps(config))
        answers.append(values(evaluate(str(path), metrics=["likelihood", "latent"], overwrite=True, **SMALL)))
    for name, value in answers[0].items():
        np.testing.assert_allclose(answers[1][name], value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "dev"}, "--split=dev: no such split"),
        ({"metrics": ["likelyhood"]}, "--metrics=likelyhood: no such group of figures, did you mean 'likelihood'"),
        ({"samples": 0}, "--samples=0: must be at least 1"),
        ({"generated": 0}, "--generated=0"),
        ({"sentences": -1}, "--sentences=-1"),
    ],
)
def test_settings_that_mean_nothing_are_errors(runs, arguments, message):
    with pytest.raises(UserError, match=message):
        evaluate(str(runs / "vae"), **{**SMALL, **arguments})


def test_fewer_sentences_than_asked_for_are_said(runs):
    told = []
    evaluate(str(runs / "gm_vae"), "valid", ["likelihood"], **{**SMALL, "sentences": 5000}, say=told.append)
    assert any("--sentences=5,000: the split has 100, all of which are taken" in line for line in told)


def test_a_damaged_evaluation_is_an_error(runs):
    (runs / "vmf_vae" / "evaluation.json").write_text('{"test": ')
    with pytest.raises(UserError, match=r"evaluation\.json is damaged: delete it"):
        evaluate(str(runs / "vmf_vae"), **SMALL)


def test_a_run_without_a_trained_model_is_an_error(tmp_path, untrained):
    with pytest.raises(UserError, match="no run is there"):
        evaluate(str(tmp_path), **SMALL)
    run = untrained(tmp_path / "begun", "vae")
    run.weights_file.unlink()
    with pytest.raises(UserError, match="no epoch was completed there; train it further with --resume"):
        evaluate(str(run.path), **SMALL)


def test_a_corpus_without_labels_is_said_to_have_none(runs, monkeypatch):
    read, told = module.corpora.read, []

    def unlabelled(data):
        corpus = read(data).head(50)
        splits = {name: dataclasses.replace(corpus.split(name), labels={}) for name in ("train", "valid", "test")}
        return dataclasses.replace(corpus, **splits)

    monkeypatch.setattr(module.corpora, "read", unlabelled)
    answer = evaluate(str(runs / "dem_vae"), "valid", ["labels"], **SMALL, say=told.append)
    assert told == ["labels: the corpus demo has no labels"]
    assert answer["metrics"]["labels"]["absent"] == "the corpus demo has no labels"


def test_texts_that_probes_were_fitted_to_are_said_to_flatter_them(runs, monkeypatch):
    monkeypatch.setattr(module, "METRICS", {"labels": replaced("labels", lambda subject: iter(()))})
    told = []
    evaluate(str(runs / "gm_vae"), "train", ["labels"], **SMALL, say=told.append)
    assert told[0] == "--split=train: probes, votes and baselines are fitted to these texts, and flattered by them"
    evaluate(str(runs / "gm_vae"), "test", ["labels"], **SMALL, say=told.append)
    assert len([line for line in told if "flattered" in line]) == 1


def test_more_generated_sentences_than_training_has_are_said(runs, monkeypatch):
    monkeypatch.setattr(module, "METRICS", {"reverse_perplexity": replaced("reverse_perplexity", lambda subject: iter(()))})
    told = []
    evaluate(str(runs / "vae"), metrics=["reverse_perplexity"], **{**SMALL, "generated": 5000}, say=told.append)
    assert "--generated=5,000: training has 100 sentences; reverse perplexity takes as many generated ones" in told
