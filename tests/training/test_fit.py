import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfvae
from tfvae.data import corpora, demo
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.errors import UserError
from tfvae.models.precision import resolve_precision
from tfvae.models.vae import VAE
from tfvae.registry import PRESETS, resolve
from tfvae.training.fit import fit, load
from tfvae.training.run import Run

from .conftest import TINY

TIMES = ("seconds",)


def figures(run):
    """The lines of metrics.jsonl without their times."""
    return [{name: value for name, value in line.items() if name not in TIMES} for line in Run(run).read_metrics()]


def test_a_run_directory_has_all_that_a_run_leaves(tiny, tmp_path):
    model, run = fit(tiny(), str(tmp_path / "run"))
    names = {path.name for path in run.path.iterdir()}
    assert names == {"config.json", "vocabulary.txt", "checkpoint", "model.weights.h5", "metrics.jsonl", "snapshots", "tensorboard"}
    lines = run.read_metrics()
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    for name in (
        "loss",
        "elbo",
        "kl_z",
        "kl_c",
        "dispersion",
        "mutual_information",
        "natural_variance",
        "perplexity",
        "gradient_norm",
        "w",
    ):
        assert np.isfinite(lines[-1][name]), name
    assert np.shape(lines[-1]["val_component_use"]) == (2, 4)
    assert json.loads(run.config_file.read_text())["versions"]["tensorflow"] == tf.__version__
    with np.load(run.snapshot_dir / "epoch-00003.npz") as snapshot:
        assert snapshot["mean"].shape == (10, 4)
        assert snapshot["components"].shape == (2, 4, 2, 2)
    texts, codes = model.generate(5)
    assert len(texts) == len(codes) == 5


def test_texts_from_memory_are_kept_in_the_run_and_read_again_wherever_it_is(tmp_path):
    corpus = demo.read()
    texts, acts = [*corpus.train.items[:60], "  "], [corpus.label_names["act"][c] for c in corpus.train.labels["act"][:60]] + [None]
    config = resolve("dem_vae", "text", base={**TINY, "training.epochs": 1})
    model, run = fit(config, str(tmp_path / "run"), texts=np.array(texts, object), labels={"act": acts}, say=lambda line: None)
    assert config.data.name == "text"  # the caller's is as it was
    moved = run.path.rename(tmp_path / "moved")
    again = corpora.read(Run(moved).config().data)
    assert sorted(text for name in SPLITS for text in again.split(name).items) == sorted(texts[:60])
    assert len(again.train) == 48 and set(again.label_names) == {"act"}
    assert load(str(moved)).encode(texts[:3])["codes"].tolist() == model.encode(texts[:3])["codes"].tolist()
    with pytest.raises(UserError, match="the run was trained on other texts"):
        fit(config, str(moved), texts=texts[1:], labels={"act": acts[1:]}, resume=True, say=lambda line: None)
    with pytest.raises(UserError, match=r"names the corpus demo: take tfvae.resolve\('dem_vae', 'text'\)"):
        fit(resolve("dem_vae", "demo"), texts=texts)
    with pytest.raises(UserError, match="two things to train on"):
        fit(config, texts=texts, corpus=corpus)


def test_a_corpus_from_memory_is_kept_in_the_run_where_the_configuration_names_none(tmp_path):
    whole = demo.read().head(60)
    texts = lambda split: Split([f"{text} indeed" for text in split.items], split.labels, "mine", split.lines)  # noqa: E731
    corpus = Corpus("mine", texts(whole.train), texts(whole.valid), texts(whole.test), whole.label_names)
    config = resolve("dem_vae", "text", base={**TINY, "training.epochs": 1})
    _, run = fit(config, str(tmp_path / "run"), corpus=corpus, say=lambda line: None)
    again = corpora.read(Run(run.path.rename(tmp_path / "moved")).config().data)
    for name in SPLITS:
        assert again.split(name).items == corpus.split(name).items
        for label, classes in again.label_names.items():
            expected = [corpus.label_names[label][number] for number in corpus.split(name).labels[label]]
            assert [classes[number] for number in again.split(name).labels[label]] == expected
    fit(config, str(tmp_path / "moved"), corpus=corpus, resume=True, say=lambda line: None)


def test_tensorboard_has_every_term_and_the_gradient_norm(tiny, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, run = fit(tiny(), str(tmp_path / "run"))
    events = EventAccumulator(str(run.tensorboard_dir))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    samples = events.Tensors("samples")[-1].tensor_proto.string_val[0].decode()
    assert "| codes | sentence |" in samples and samples.count("\n") == 17
    histogram = tf.make_ndarray(events.Tensors("component_use/variable_1")[-1].tensor_proto)
    assert histogram[:, 2].sum() == 120 and len(histogram) == 4
    assert {
        "train/gradient_norm",
        "train/loss",
        "valid/elbo",
        "valid/kl_z",
        "valid/kl_c",
        "valid/dispersion",
        "valid/mutual_information",
    } <= tags


def test_a_loaded_run_is_the_selected_epoch(tiny, tmp_path):
    model, run = fit(tiny(), str(tmp_path / "run"))
    loaded = tfvae.load(str(run.path))
    texts = ["the weather is nice today .", ""]
    for name, value in model.encode(texts).items():
        np.testing.assert_array_equal(loaded.encode(texts)[name], value)
    assert loaded.generate(4, seed=3)[0] == model.generate(4, seed=3)[0]


def test_a_sentence_s_sample_does_not_depend_on_how_many_are_drawn(tiny, tmp_path):
    model, _ = fit(tiny(training__epochs=1), str(tmp_path / "run"))
    assert model.generate(6, seed=3)[0][:2] == model.generate(2, seed=3)[0]


def test_the_same_configuration_twice_gives_the_same_figures(tiny, tmp_path):
    for name in "ab":
        fit(tiny(), str(tmp_path / name))
    assert figures(tmp_path / "a") == figures(tmp_path / "b")


class Killed(Exception):
    pass


MOMENTS = [
    ("train_step", 2),
    *(pytest.param(*moment, marks=pytest.mark.slow) for moment in (("save", 1), ("save", 2), ("append_metrics", 2))),
]


@pytest.mark.parametrize(("method", "moment"), MOMENTS)
def test_a_run_cut_short_anywhere_resumes_to_the_figures_of_a_whole_one(tiny, tmp_path, monkeypatch, method, moment):
    """Early stopping and learning-rate decay included: their patience must survive."""
    impatient = {
        "objective__schedule__kind": "constant",
        "training__min_improvement": 0.4,
        "training__patience": 4,
        "training__lr_patience": 2,
    }
    config = tiny(**impatient, training__epochs=12)
    fit(config, str(tmp_path / "whole"))
    assert len(figures(tmp_path / "whole")) < 12
    assert figures(tmp_path / "whole")[-1]["learning_rate"] < 1e-3

    from tfvae.training.callbacks import StopOnNaN
    from tfvae.training.checkpoint import Checkpoint

    owner, name = {
        "train_step": (StopOnNaN, "on_train_batch_end"),
        "save": (Checkpoint, "save"),
        "append_metrics": (Run, "append_metrics"),
    }[method]
    original, calls = getattr(owner, name), []

    def cut_short(self, *args, **kwargs):
        calls.append(args)
        if len(calls) == moment * (5 if method == "train_step" else 1):
            raise Killed
        return original(self, *args, **kwargs)

    monkeypatch.setattr(owner, name, cut_short)
    with pytest.raises(Killed):
        fit(config, str(tmp_path / "cut"))
    monkeypatch.undo()
    fit(config, str(tmp_path / "cut"), resume=True)
    assert figures(tmp_path / "cut") == figures(tmp_path / "whole")
    for one, other in zip(load(tmp_path / "cut").vae.weights, load(tmp_path / "whole").vae.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_a_killed_process_resumes_to_the_figures_of_a_whole_one(tiny, tmp_path):
    """SIGKILL, as the operating system sends it, after one and after two epochs."""
    flags = [f"--config.{path}={value}" for path, value in tiny(training__epochs=4).flat().items() if path not in ("model", "data.name")]
    unused = ("schedule.s", "schedule.epochs", "cycles", "ramp", "value", "kappa", "_file", "norm_weight", "init_parts")
    flags = [flag for flag in flags if "slope" in flag or not any(part in flag for part in unused)]
    command = [sys.executable, "-m", "tfvae.cli.train", "--model=dem_vae", *flags]
    subprocess.run([*command, f"--run={tmp_path / 'whole'}"], check=True, capture_output=True)
    for epochs in (1, 2):
        run = tmp_path / f"killed-{epochs}"
        process = subprocess.Popen([*command, f"--run={run}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while len(figures(run)) < epochs and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        subprocess.run([*command, f"--run={run}", "--resume"], check=True, capture_output=True)
        assert figures(run) == figures(tmp_path / "whole")


def test_a_run_goes_on_in_the_middle_of_a_pass(tiny, tmp_path):
    shorter = {"training__epoch_steps": 3, "training__epochs": 4}
    fit(tiny(**shorter), str(tmp_path / "whole"))
    fit(tiny(**shorter | {"training__epochs": 1}), str(tmp_path / "run"))
    fit(tiny(**shorter), str(tmp_path / "run"), resume=True)
    assert figures(tmp_path / "run") == figures(tmp_path / "whole")
    passes = fit(tiny(training__epochs=1), str(tmp_path / "pass"))[0].vae.optimizer.iterations
    assert int(passes) > 3, "epochs here are shorter than a pass"


def test_resuming_a_finished_run_trains_no_further(tiny, tmp_path):
    fit(tiny(), str(tmp_path / "run"))
    before = figures(tmp_path / "run")
    heard = []
    fit(tiny(), str(tmp_path / "run"), resume=True, say=heard.append)
    assert figures(tmp_path / "run") == before
    assert any("training had ended" in message for message in heard)


@pytest.mark.slow
def test_more_epochs_may_be_asked_of_a_finished_run(tiny, tmp_path):
    fit(tiny(), str(tmp_path / "run"))
    fit(tiny(training__epochs=4), str(tmp_path / "run"), resume=True)
    fit(tiny(training__epochs=4), str(tmp_path / "whole"))
    assert figures(tmp_path / "run") == figures(tmp_path / "whole")
    assert Run(tmp_path / "run").config().training.epochs == 4


def test_selection_by_elbo_and_by_objective_differ_where_they_should(tiny, tmp_path):
    _, run = fit(tiny(training__select="elbo"), str(tmp_path / "run"))
    lines = run.read_metrics()
    best = int(np.argmin([-line["val_elbo"] for line in lines]))
    vae = load(str(run.path)).vae
    assert int(vae.step.numpy()) == lines[best]["step"]


def test_a_loss_that_is_no_number_stops_training_and_keeps_the_last_good_checkpoint(tiny, tmp_path, monkeypatch):
    original = VAE.evaluate_posterior

    def poisoned(self, batch, params, *, step=None, **kwargs):
        loss, terms = original(self, batch, params, step=step, **kwargs)
        return (loss if step is None else tf.where(step < 8, loss, np.nan)), terms

    monkeypatch.setattr(VAE, "evaluate_posterior", poisoned)
    with pytest.raises(UserError, match=r"the loss became nan at step 9: .*last good checkpoint is kept"):
        fit(tiny(), str(tmp_path / "run"))
    assert [line["epoch"] for line in figures(tmp_path / "run")] == [1]
    assert (tmp_path / "run" / "checkpoint" / "epoch-00001").is_dir()
    assert all(np.all(np.isfinite(weight)) for weight in load(tmp_path / "run").vae.weights)


def test_a_run_of_another_configuration_is_neither_overwritten_nor_resumed(tiny, tmp_path):
    path = str(tmp_path / "run")
    fit(tiny(training__epochs=1), path)
    with pytest.raises(UserError, match="a run is there already; add --resume"):
        fit(tiny(training__epochs=1), path)
    with pytest.raises(UserError, match=r"another configuration's: config.latent.components is 4 there and 3 here"):
        fit(tiny(training__epochs=1, latent__components=3), path, resume=True)
    fit(tiny(training__epochs=1, latent__components=3), path, overwrite=True)
    assert Run(path).config().latent.components == 3


@pytest.mark.parametrize("config", [None, '{"name": "my web application"}', "[1]", "{"])
def test_a_directory_of_something_else_is_never_deleted(tiny, tmp_path, config):
    (tmp_path / "precious.txt").write_text("x")
    if config:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(UserError, match="the directory holds something else, which stays as it is"):
        fit(tiny(), str(tmp_path), overwrite=True)
    assert (tmp_path / "precious.txt").exists()


def test_a_damaged_file_of_a_run_is_named(tiny, tmp_path):
    fit(tiny(training__epochs=1), str(tmp_path / "run"))
    for file in ("model.weights.h5", "checkpoint/epoch-00001/variables.npz", "checkpoint/epoch-00001/memory.json"):
        whole = (tmp_path / "run" / file).read_bytes()
        (tmp_path / "run" / file).write_bytes(b"garbage")
        with pytest.raises(UserError, match="damaged"):
            fit(tiny(training__epochs=1), str(tmp_path / "run"), resume=True)
        (tmp_path / "run" / file).write_bytes(whole)


def test_a_run_without_its_checkpoint_is_not_begun_anew_unasked(tiny, tmp_path):
    fit(tiny(), str(tmp_path / "run"))
    before = figures(tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoint")
    with pytest.raises(UserError, match="holds no checkpoint"):
        fit(tiny(), str(tmp_path / "run"), resume=True)
    assert figures(tmp_path / "run") == before


def test_texts_and_components_that_make_no_sense_are_refused(tiny, tmp_path):
    model, _ = fit(tiny(training__epochs=1), str(tmp_path / "run"))
    for texts in ([], "a bare string"):
        with pytest.raises(UserError, match="a list of one string or more"):
            model.encode(texts)
    with pytest.raises(UserError, match="components are numbered 0 to 3, and -1 leaves one free"):
        model.generate(2, component=[9, -1])


def test_a_gradient_that_is_no_number_at_an_epoch_s_last_step_spoils_no_checkpoint(tiny, tmp_path, monkeypatch):
    original = VAE.evaluate_posterior

    @tf.custom_gradient
    def spoil(loss, step):
        return tf.identity(loss), lambda upstream: (tf.where(tf.equal(step, 9), np.nan, upstream), None)

    def poisoned(self, batch, params, *, step=None, **kwargs):
        loss, terms = original(self, batch, params, step=step, **kwargs)
        return (loss if step is None else spoil(loss, step)), terms

    monkeypatch.setattr(VAE, "evaluate_posterior", poisoned)
    with pytest.raises(UserError, match="the gradient_norm became nan at step 10"):
        fit(tiny(data__limit=100), str(tmp_path / "run"))
    assert [line["epoch"] for line in figures(tmp_path / "run")] == [1]
    assert all(np.all(np.isfinite(weight)) for weight in load(tmp_path / "run").vae.weights)


def test_a_corpus_that_changed_is_not_resumed(tiny, tmp_path):
    fit(tiny(), str(tmp_path / "run"))
    words = (tmp_path / "run" / "vocabulary.txt").read_text().splitlines()
    (tmp_path / "run" / "vocabulary.txt").write_text("\n".join([*words[:-1], "other"]) + "\n")
    with pytest.raises(UserError, match="differs from the corpus's vocabulary"):
        fit(tiny(), str(tmp_path / "run"), resume=True)


def test_loading_what_is_no_run_says_so(tmp_path):
    with pytest.raises(UserError, match="no run is there"):
        tfvae.load(str(tmp_path))


@pytest.mark.slow
def test_the_learning_rate_falls_to_its_minimum_and_training_stops(tiny, tmp_path):
    decay = {"training__lr_patience": 1, "training__lr_decay": 0.01, "training__min_learning_rate": 1e-4, "training__min_improvement": 0.5}
    heard = []
    fit(tiny(**decay, objective__schedule__kind="constant", training__epochs=8), str(tmp_path / "run"), say=heard.append)
    assert any("the learning rate fell below its minimum" in message for message in heard)


@pytest.mark.parametrize(
    "overrides", [{"latent__components": 1}, {"latent__variables": 1}, {"latent__components": 1, "latent__variables": 1}]
)
def test_one_component_and_one_variable_work(tiny, tmp_path, overrides):
    model, run = fit(tiny(**overrides, training__epochs=1), str(tmp_path / "run"))
    assert np.isfinite(run.read_metrics()[-1]["val_loss"])
    assert model.encode(["a b"])["codes"].shape == (1, model.vae.latent.num_variables)


def test_a_run_keeps_the_precision_that_auto_was(tiny, tmp_path):
    config = tiny(training__precision="auto", training__epochs=1)
    _, run = fit(config, str(tmp_path / "r"), say=lambda line: None)
    assert run.config().training.precision == resolve_precision("auto") and config.training.precision == "auto"
    fit(config, str(tmp_path / "r"), resume=True, say=lambda line: None)


def test_keras_is_left_as_it_was(tiny, tmp_path):
    fit(tiny(training__epochs=1), str(tmp_path / "run"))
    assert keras.config.dtype_policy().name == "float32"


def test_training_begins_with_another_run_s_parts(tiny, tmp_path):
    source, _ = fit(tiny("ae", training__epochs=1), str(tmp_path / "ae"))
    config = tiny("vae", training__init_from=str(tmp_path / "ae"), training__learning_rate=1e-9, training__epochs=1)
    model, _ = fit(config, str(tmp_path / "vae"))
    texts = ["is this soup fresh ?"]
    np.testing.assert_allclose(model.encode(texts)["mean"], source.encode(texts)["mean"], atol=1e-5)
    plain, _ = fit(tiny("vae", training__learning_rate=1e-9, training__epochs=1), str(tmp_path / "plain"))
    for one, other in zip(model.vae.decoder.weights, plain.vae.decoder.weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_words_that_two_runs_share_keep_their_rows(tiny, tmp_path):
    source, _ = fit(tiny("vae", training__epochs=1), str(tmp_path / "a"))
    said = []
    config = tiny("vae", data__limit=60, training__init_from=str(tmp_path / "a"), training__init_parts="encoder,decoder")
    config.training.learning_rate, config.training.epochs = 1e-9, 1
    model, _ = fit(config, str(tmp_path / "b"), say=said.append)
    words, others = model.modality.vocabulary.words, source.modality.vocabulary.words
    shared = [word for word in words if word in others]
    assert 0 < len(shared) < len(others) and any(f"{len(shared) + 4:,} of {len(words) + 4:,} words are in both" in line for line in said)
    ids, theirs = ([4 + known.index(word) for word in shared] for known in (words, others))
    for part in ("encoder", "decoder"):
        own, other = (
            next(w.numpy() for w in getattr(m.vae, part).weights if w.shape[0] == m.modality.vocabulary.size) for m in (model, source)
        )
        np.testing.assert_allclose(own[ids], other[theirs], atol=1e-5)


def test_a_run_takes_another_s_words_and_heads(tiny, tmp_path):
    quick = {"inference__start_steps": 20, "inference__agreement_steps": 20, "training__epochs": 1}
    source, _ = fit(tiny("code_vae", **quick), str(tmp_path / "a"))
    texts = demo.read().test.items[:50]
    own = {"training__init_from": str(tmp_path / "a"), "training__init_parts": "encoder,latent,decoder,inference"}
    named = {**quick, **own, "data__vocabulary": str(tmp_path / "a"), "data__limit": 60}
    said = []
    model, _ = fit(tiny("code_vae", **named), str(tmp_path / "b"), say=said.append)
    assert model.modality.vocabulary.words == source.modality.vocabulary.words and not any("components have" in line for line in said)
    np.testing.assert_array_equal(model.encode(texts)["codes"], source.encode(texts)["codes"])
    with pytest.raises(UserError, match="--vocabulary=RUN takes that run's"):
        fit(tiny("code_vae", **{**named, "data__vocabulary": ""}), str(tmp_path / "c"))
    with pytest.raises(UserError, match="no such file"):
        fit(tiny("code_vae", **{**quick, "data__vocabulary": str(tmp_path / "missing.txt")}), str(tmp_path / "c"))


def test_a_run_that_begins_with_another_s_parts_resumes_without_it(tiny, tmp_path):
    fit(tiny("ae", training__epochs=1), str(tmp_path / "ae"))
    config = tiny("vae", training__init_from=str(tmp_path / "ae"), training__epochs=2)
    fit(config, str(tmp_path / "vae"))
    shutil.rmtree(tmp_path / "ae")
    fit(config, str(tmp_path / "vae"), resume=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"training__init_parts": "encoder,latnet"}, "'latnet' is not a part, did you mean 'latent'"),
        ({"encoder__hidden_dim": 6}, "the encoder does not fit"),
        ({"training__init_parts": "latent", "latent__dim": 3}, "the latent does not fit: 3 numbers in z here and 2 there"),
        ({"training__init_from": "/nowhere"}, "no run is there"),
    ],
)
def test_parts_that_do_not_fit_are_named(tiny, tmp_path, settings, message):
    fit(tiny("ae", training__epochs=1), str(tmp_path / "ae"))
    with pytest.raises(UserError, match=message):
        fit(tiny("vae", **{"training__init_from": str(tmp_path / "ae"), **settings}), str(tmp_path / "vae"))
    assert not (tmp_path / "vae").exists()


def test_a_run_does_not_begin_with_itself_and_is_kept(tiny, tmp_path):
    fit(tiny("ae", training__epochs=1), str(tmp_path / "ae"))
    with pytest.raises(UserError, match="is the run itself"):
        fit(tiny("ae", training__epochs=1, training__init_from=str(tmp_path / "ae")), str(tmp_path / "ae"), overwrite=True)
    assert load(tmp_path / "ae")


def test_a_model_without_an_encoder_begins_with_a_decoder_only(tiny, tmp_path):
    fit(tiny("rnn_lm", training__epochs=1), str(tmp_path / "a"))
    with pytest.raises(UserError, match="this model's encoder has no weights; leave it out"):
        fit(tiny("rnn_lm", training__init_from=str(tmp_path / "a")), str(tmp_path / "b"))
    fit(tiny("rnn_lm", training__init_from=str(tmp_path / "a"), training__init_parts="decoder"), str(tmp_path / "b"))


def test_an_auto_encoder_s_prior_is_fitted_to_its_training_sentences(tiny, tmp_path):
    model, run = fit(tiny("ae"), str(tmp_path / "run"))
    latent = model.vae.latent
    means = model.encode(list(demo.read().head(120).train.items))["mean"]
    np.testing.assert_allclose(latent.prior_mean, means.mean(0), atol=1e-4)
    covariance = latent.prior_scale.numpy() @ latent.prior_scale.numpy().T
    np.testing.assert_allclose(covariance, np.cov(means.T), atol=1e-4 * np.abs(covariance).max() + 1e-6)
    np.testing.assert_array_equal(load(run.path).vae.latent.prior_scale, latent.prior_scale)


def test_a_schedule_in_epochs_ends_after_them(tiny, tmp_path):
    schedule = {"objective__schedule__kind": "linear", "objective__schedule__epochs": 2}
    _, run = fit(tiny(**schedule), str(tmp_path / "run"))
    lines = run.read_metrics()
    assert 0.8 < lines[1]["w"] < 1 and lines[2]["w"] == 1


def test_the_learning_rate_waits_then_falls_every_epoch_once_it_has_fallen(tiny, tmp_path):
    decay = {"training__lr_wait": 2, "training__lr_patience": 1, "training__lr_keep_falling": True, "training__lr_decay": 0.5}
    config = tiny(
        **decay, training__min_improvement=0.5, training__epochs=6, training__optimizer="sgd", objective__schedule__kind="constant"
    )
    _, run = fit(config, str(tmp_path / "run"))
    rates = [line["learning_rate"] for line in run.read_metrics()]
    np.testing.assert_allclose(rates, [1e-3, 1e-3, 1e-3, 5e-4, 2.5e-4, 1.25e-4], rtol=1e-5)


OTHER_PRESETS = [pytest.param(name, marks=pytest.mark.slow) for name in PRESETS if name not in ("", "vmf_vae")]


@pytest.mark.parametrize("preset", ["vmf_vae", *OTHER_PRESETS])
def test_presets_train_and_name_the_run(tiny, tmp_path, monkeypatch, preset):
    monkeypatch.chdir(tmp_path)
    size = {path: value for path, value in tiny().flat().items() if path.startswith(("encoder.", "decoder.")) and path.endswith("_dim")}
    config = resolve("vae", "demo", overrides={"training.preset": preset, "data.limit": 60, "training.epochs": 1}, base=size)
    _, run = fit(config)
    assert f"preset={preset}" in str(run.path)
    assert np.isfinite(run.read_metrics()[-1]["val_loss"])


def test_word_pieces_train_and_load(tiny, tmp_path):
    model, run = fit(tiny(data__tokenizer="wordpiece", data__vocabulary_size=150, training__epochs=1), str(tmp_path / "run"))
    texts = ["is this soup fresh ?"]
    np.testing.assert_array_equal(load(run.path).encode(texts)["mean"], model.encode(texts)["mean"])
    assert not any("##" in text for text in model.generate(20)[0])
