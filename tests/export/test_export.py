import contextlib
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tfvae.cli.model import SMOKE
from tfvae.errors import UserError
from tfvae.export import saved_model as module
from tfvae.export.examples import examples
from tfvae.export.saved_model import check, export, versions_of
from tfvae.export.settings import Settings
from tfvae.export.signatures import make_signatures
from tfvae.registry import resolve
from tfvae.registry.models import OF_ANY
from tfvae.training.fit import fit, load
from tfvae.training.run import Run

TEXTS = ["the train was slow .", "is this soup really fresh ?", "", "unheard-of wörds 東京 \U0001f600", "a " * 60]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of dem_vae."""
    path = tmp_path_factory.mktemp("runs") / "dem_vae"
    fit(resolve("dem_vae", "demo", base={**SMOKE, "data.limit": 100, "training.epochs": 1}), str(path), say=lambda line: None)
    return str(path)


@pytest.fixture(scope="module")
def model(run):
    return load(run, precision="float32")


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """A folder named as the command's default does, from where one is."""
    root = tmp_path_factory.mktemp("exported")
    with contextlib.chdir(root):
        return export(run, "saved_models", settings=Settings(samples=7, steps=3, max_length=12)).resolve()


@pytest.fixture(scope="module")
def served(exported):
    """The exported signatures, as a Python program without this project loads them."""
    loaded = tf.saved_model.load(str(exported))

    def call(signature, **inputs):
        function = loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        answer = function(**{name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in answer.items()}

    call.loaded = loaded
    return call


def texts_of(array):
    return np.vectorize(bytes.decode, otypes=[object])(array).tolist()


SIGNATURES = {
    "rnn_lm": {"generate", "score"},
    "ae": {"encode", "reconstruct", "interpolate", "decode", "generate"},
}


SAME = ("dae", "dvae", "mop_vae", "cm_vae", "dcm_vae", "skip_sa_vae")  # codes and z as the others have them


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] if name in SAME else []) for name in OF_ANY])
def test_every_model_has_the_signatures_of_its_verbs(untrained, tmp_path, name):
    signatures = make_signatures(load(str(untrained(tmp_path / name, name).path)), Settings())
    every = {"encode", "reconstruct", "interpolate", "decode", "generate", "score"}
    assert set(signatures) == SIGNATURES.get(name, every)
    inputs = {spec.name for spec in signatures["generate"].inputs}
    assert ("components" in inputs) == load(str(tmp_path / name)).vae.latent.has_codes


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OF_ANY if name != "dem_vae"])
def test_every_model_exports_and_passes_the_check(untrained, tmp_path, name):
    path = export(str(untrained(tmp_path / name, name).path), str(tmp_path / "saved_models"), settings=Settings(samples=3, max_length=8))
    default = {"rnn_lm": "score"}.get(name, "encode")
    assert path.name == "1" and f"`serving_default` is `{default}`" in (path / "README.md").read_text()


def test_encode_answers_as_the_model_does(served, model):
    answer, expected = served("encode", texts=TEXTS), model.encode(TEXTS)
    np.testing.assert_allclose(answer["mean"], expected["mean"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(answer["probabilities"], expected["probabilities"], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(answer["codes"], expected["codes"])
    assert [bool(remark) for remark in texts_of(answer["status"])] == [text in TEXTS[2:4] for text in TEXTS]


def test_predict_answers_as_the_model_does(untrained, tmp_path):
    model = load(str(untrained(tmp_path / "run", "dem_vae", objective__labels="topic:0,act:1", latent__components=6).path))
    model.vae.latent.logits.bias.assign(np.random.default_rng(0).normal(size=model.vae.latent.logits.bias.shape))
    signature = make_signatures(model, Settings())["predict"]
    assert set(signature.outputs) == {"class_topic", "probabilities_topic", "class_act", "probabilities_act", "status"}
    answer = signature.function(texts=tf.constant(TEXTS))
    for label in ("topic", "act"):
        expected = model.predict(TEXTS, label)
        np.testing.assert_allclose(answer[f"probabilities_{label}"], expected["probabilities"], rtol=1e-4, atol=1e-5)
        assert texts_of(answer[f"class_{label}"].numpy()) == expected["predicted"].tolist()


def test_sentences_are_those_of_the_model(served, model):
    settings = {"max_length": 12}
    assert texts_of(served("reconstruct", texts=TEXTS)["reconstructions"]) == model.reconstruct(TEXTS, **settings)
    assert texts_of(served("interpolate", start=TEXTS[:1], end=TEXTS[1:2])["sentences"]) == [
        model.interpolate(*TEXTS[:2], num=3, **settings)
    ]
    z = np.random.default_rng(0).normal(size=(4, model.vae.latent.size)).astype(np.float32)
    assert texts_of(served("decode", z=z)["sentences"]) == model.decode(z, method="greedy", **settings)


def test_generated_sentences_are_those_of_the_model_for_a_seed(served, model):
    rows = [(seed, [-1, 2] if seed % 2 else [1, -1]) for seed in range(6)]
    answer = served(
        "generate",
        components=[held for _, held in rows],
        temperature=[0.8] * 6,
        top_k=[0, 5, 0, 5, 10_000, 1],
        seed=[seed for seed, _ in rows],
    )
    for i, (seed, held) in enumerate(rows):
        top_k = [0, 5, 0, 5, 10_000, 1][i]
        [text], [codes] = model.generate(1, component=held, seed=seed, temperature=0.8, top_k=top_k, max_length=12)
        assert (texts_of(answer["sentences"])[i], answer["codes"][i].tolist()) == (text, codes.tolist())


def test_a_row_of_generate_does_not_depend_on_its_neighbours(served):
    def ask(rows):
        return texts_of(
            served(
                "generate",
                components=[[-1, -1]] * len(rows),
                temperature=[1.0 + 0.1 * row for row in rows],
                top_k=[row % 3 * 4 for row in rows],
                seed=rows,
            )["sentences"]
        )

    together = ask(list(range(8)))
    assert together == [ask([row])[0] for row in range(8)] and len(set(together)) > 4


def test_score_answers_as_the_model_does_of_each_text_alone(served, model):
    answer = served("score", texts=TEXTS)
    for i, text in enumerate(TEXTS):
        expected = model.score([text], samples=7)
        assert answer["elbo"][i] == pytest.approx(expected["elbo"][0], rel=1e-4)
        assert answer["log_likelihood"][i] == pytest.approx(expected["log_likelihood"][0], rel=1e-4)
        assert answer["tokens"][i] == expected["length"][0]


def test_texts_of_unknown_words_alone_are_remarked_on(served):
    for name in ("encode", "reconstruct", "score"):
        status = texts_of(served(name, texts=["zzz qqq", TEXTS[0], ""])["status"])
        assert [bool(remark) for remark in status] == [True, False, True] and "no word is in" in status[0]
    status = texts_of(served("interpolate", start=[TEXTS[0], TEXTS[0], "zzz"], end=[TEXTS[1], "zzz", TEXTS[1]])["status"])
    assert [remark.partition(":")[0] for remark in status] == ["", "end", "start"]


def test_rows_that_cannot_be_answered_leave_their_neighbours_alone(served):
    fine = served("generate", components=[[0, 0]], temperature=[1.0], top_k=[0], seed=[5])
    answer = served(
        "generate",
        components=[[9, 0], [0, 0], [0, 0], [0, 0], [0, 0], [-2, 0]],
        temperature=[1.0, -1.0, float("nan"), 1.0, 1.0, 1.0],
        top_k=[0, 0, 0, -1, 0, 0],
        seed=[0, 0, 0, 0, 5, 0],
    )
    status = texts_of(answer["status"])
    assert [message.partition(":")[0] for message in status] == ["components", "temperature", "temperature", "top_k", "", "components"]
    assert "from 0 to 3, or -1 for a free one" in status[0]
    assert texts_of(answer["sentences"])[4] == texts_of(fine["sentences"])[0]
    assert [text for i, text in enumerate(texts_of(answer["sentences"])) if i != 4] == [""] * 5
    assert answer["codes"][0].tolist() == [-1, -1]
    size = served.loaded.signatures["decode"].structured_input_signature[1]["z"].shape[1]
    answer = served("decode", z=[[float("inf")] * size, [0.0] * size])
    assert texts_of(answer["status"]) == ["z: must be numbers of at most 10000", ""] and texts_of(answer["sentences"])[0] == ""


def test_texts_that_are_no_utf8_and_no_rows_at_all_are_answered(served):
    assert texts_of(served("encode", texts=[b"the caf\xe9 \xff", "the train"])["status"]) == ["", ""]
    assert served("encode", texts=np.zeros([0], dtype=object))["mean"].shape[0] == 0
    assert served("score", texts=np.zeros([0], dtype=object))["elbo"].shape == (0,)


def test_many_long_texts_are_answered_a_few_at_a_time(served, model, monkeypatch):
    """40 texts of 60 tokens are 2,400: two rounds of `score`."""
    long = [f"{text} " * 12 for text in ("the train was slow .", "is this soup really fresh ?") * 20]
    answer = served("score", texts=[*long, "short"])
    assert answer["elbo"].shape == (41,)
    for i in (0, 1, 39, 40):
        assert answer["elbo"][i] == pytest.approx(served("score", texts=[[*long, "short"][i]])["elbo"][0], rel=1e-4)


def test_the_command_line_tool_of_tensorflow_shows_it(exported):
    tool = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    shown = subprocess.run([*tool, "show", "--dir", exported, "--all"], capture_output=True, text=True, env=environment, check=True).stdout
    for name in ("encode", "reconstruct", "interpolate", "decode", "generate", "score", "serving_default"):
        assert f"signature_def['{name}']" in shown
    assert "inputs['texts'] tensor_info:\n        dtype: DT_STRING\n        shape: (-1)" in shown
    assert "outputs['codes'] tensor_info:\n        dtype: DT_INT32\n        shape: (-1, 2)" in shown


def test_what_lies_beside_the_model(exported, run):
    card = (exported / "README.md").read_text()
    for heading in ("## Data", "## Figures", "## Limits", "### generate"):
        assert heading in card
    bodies = [json.loads(body.replace("'\\''", "'")) for body in re.findall(r"-d '(.*)'$", card, re.MULTILINE)]
    assert {body["signature_name"] for body in bodies} == {"encode", "reconstruct", "interpolate", "decode", "generate", "score"}
    assert json.loads((exported / "config.json").read_text())["config"]["model"] == "dem_vae"
    records = tf.data.TFRecordDataset(str(exported / "assets.extra" / "tf_serving_warmup_requests")).as_numpy_iterator()
    requests = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    assert {request.model_spec.signature_name for request in requests} == {body["signature_name"] for body in bodies}
    assert {request.model_spec.name for request in requests} == {"dem_vae"}


def test_nothing_of_the_training_is_in_the_export(exported):
    """Float32 throughout, and no optimiser."""
    reader = tf.train.load_checkpoint(str(exported / "variables" / "variables"))
    dtypes = {reader.get_tensor(name).dtype.name for name in reader.get_variable_to_shape_map() if "_CHECKPOINTABLE" not in name}
    assert dtypes <= {"float32", "int64"}
    assert not [name for name in reader.get_variable_to_shape_map() if "optimizer" in name.lower()]


def test_versions_count_up_and_a_failed_export_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "write", lambda model, signatures, path, progress: (path / "saved_model.pb").touch())
    monkeypatch.setattr(module, "check", lambda *arguments: "")
    first, second = (export(run, str(tmp_path), name="model") for _ in range(2))
    assert (first.name, second.name) == ("1", "2")
    assert export(run, str(tmp_path), name="model", version=9).name == "9"
    assert versions_of(tmp_path / "model") == [1, 2, 9]
    with pytest.raises(UserError, match="is there already; leave out --version"):
        export(run, str(tmp_path), name="model", version=2)
    monkeypatch.setattr(module, "check", lambda *arguments: "it does not load")
    with pytest.raises(UserError, match="the export is not usable and was not kept: it does not load"):
        export(run, str(tmp_path), name="model")
    assert sorted(path.name for path in (tmp_path / "model").glob("[!.]*")) == ["1", "2", "9"]
    for name in ("../x", "a/b", ".hidden", "x y", "a\n"):
        with pytest.raises(UserError, match=r"--name='.*': must be letters, digits"):
            export(run, str(tmp_path), name=name)


@pytest.mark.slow
def test_the_check_finds_other_answers_and_models_that_do_not_load(exported, model, tmp_path):
    settings = Settings(samples=7, steps=3, max_length=12)
    signatures = {name: value for name, value in make_signatures(model, settings).items() if name == "encode"}
    requests = examples(signatures, TEXTS[:2])
    assert check(exported, signatures, requests) == ""
    model.vae.latent.set_weights([weight * 1.5 + 0.1 for weight in model.vae.latent.get_weights()])
    try:
        assert check(exported, signatures, requests).startswith("encode answers ")
    finally:
        model.vae.latent.set_weights([(weight - 0.1) / 1.5 for weight in model.vae.latent.get_weights()])
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    assert check(tmp_path, signatures, requests).startswith("it does not load: ")


def test_a_run_without_a_model_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no run is there"):
        export(str(tmp_path))


@pytest.mark.slow
def test_sub_words_are_exported_with_tensorflow_texts_operations(tmp_path):
    overrides = {"data.tokenizer": "wordpiece", "data.vocabulary_size": 300}
    config = resolve("vae", "demo", overrides=overrides, base={**SMOKE, "data.limit": 100, "training.epochs": 1})
    fit(config, str(tmp_path / "run"), say=lambda line: None)
    path = export(str(tmp_path / "run"), str(tmp_path / "saved_models"))
    assert "TensorFlow Text's operations" in (path / "README.md").read_text()
    signatures = make_signatures(load(str(tmp_path / "run")), Settings())
    assert "Op type not registered" in check(path, signatures, examples(signatures, TEXTS[:1]), "")
    assert Run(tmp_path / "run").config().data.tokenizer == "wordpiece"
