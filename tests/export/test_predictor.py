"""An exported model as a function that engines send to workers."""

import importlib.util
import json
import multiprocessing
import pickle

import numpy as np
import pytest

from tfvae import predictor
from tfvae.errors import UserError
from tfvae.export.saved_model import write
from tfvae.export.settings import Settings
from tfvae.export.signatures import make_signatures
from tfvae.training.fit import load

TEXTS = ["the train was slow .", "a hotel", "the food was cold , the waiter was rude and the room was loud !", "hi", "nonsense zzz"] * 3


def needs(module):
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"no {module}")


@pytest.fixture(scope="module")
def model(untrained, tmp_path_factory):
    return load(str(untrained(tmp_path_factory.mktemp("runs") / "dem_vae", "dem_vae").path))


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "1"
    write(model, make_signatures(model, Settings()), folder)
    return str(folder)


def call(function, column):
    return function(column)


def assert_encoded(found, model, texts=TEXTS):
    expected = model.encode(texts)
    np.testing.assert_array_equal(found["codes"], expected["codes"])
    for name in ("probabilities", "mean"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=1e-6)


def test_it_answers_as_the_model_does_in_whatever_batches(model, path):
    for batch_size in (1, 4, 256):
        found = predictor(path, batch_size=batch_size)(TEXTS)
        assert_encoded(found, model)
        assert {text for text, status in zip(TEXTS, found["status"], strict=True) if status} == {
            "hi",
            "nonsense zzz",
        }
    reconstructed = predictor(path, "reconstruct", batch_size=2)(np.array(TEXTS))
    assert reconstructed["reconstructions"].tolist() == model.reconstruct(TEXTS)


@pytest.mark.slow
def test_it_goes_to_another_process_without_the_model(model, path):
    function = predictor(path)
    function(TEXTS[:1])
    assert len(pickle.dumps(function)) < 1000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert_encoded(pool.apply(call, (pickle.loads(pickle.dumps(function)), TEXTS)), model)


def test_numbers_go_in_and_nothing_gives_nothing(model, path):
    z = model.encode(TEXTS)["mean"]
    assert predictor(path, "decode")(z)["sentences"].tolist() == model.decode(z, method="greedy")
    nothing = predictor(path)([])
    assert {name: values.shape[0] for name, values in nothing.items()} == dict.fromkeys(nothing, 0)


def test_what_cannot_be_predicted_is_one_line(path, tmp_path):
    with pytest.raises(UserError, match=r"no signature 'encod'.*encode"):
        predictor(path, "encod")(TEXTS)
    with pytest.raises(UserError, match="takes end, start, and a column is one of them"):
        predictor(path, "interpolate")(TEXTS)
    with pytest.raises(UserError, match=r"saved_model\.pb"):
        predictor(str(tmp_path))(TEXTS)
    with pytest.raises(UserError, match="1"):
        predictor(path)(["a", None])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@needs("pyspark")
def test_spark_predicts_a_column_by_it(model, path, monkeypatch):
    import sys

    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql import SparkSession
    from pyspark.sql.types import ArrayType, IntegerType

    def make():
        function = predictor(path)
        return lambda texts: function(texts.tolist())["codes"]

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    codes = predict_batch_udf(make, return_type=ArrayType(IntegerType()), batch_size=4)
    rows = session.createDataFrame([(text,) for text in TEXTS], ["text"]).withColumn("codes", codes("text")).collect()
    session.stop()
    by_text = dict(zip(TEXTS, model.encode(TEXTS)["codes"].tolist(), strict=True))
    assert len(rows) == len(TEXTS)
    assert all(row.codes == by_text[row.text] for row in rows)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@needs("ray")
def test_ray_predicts_batches_by_it(model, path):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    function = predictor(path)
    data = ray.data.from_items([{"text": text} for text in TEXTS])
    rows = data.map_batches(lambda batch: {"text": batch["text"], "codes": function(batch["text"])["codes"]}, batch_size=4).take_all()
    ray.shutdown()
    by_text = dict(zip(TEXTS, model.encode(TEXTS)["codes"].tolist(), strict=True))
    assert len(rows) == len(TEXTS)
    assert all(row["codes"].tolist() == by_text[row["text"]] for row in rows)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@needs("apache_beam")
def test_beam_runs_inference_by_it(model, path, tmp_path):
    import apache_beam
    from apache_beam.ml.inference.base import ModelHandler, PredictionResult, RunInference

    class Handler(ModelHandler):
        def load_model(self):
            return predictor(path)

        def run_inference(self, batch, model, inference_args=None):
            return [PredictionResult(text, codes.tolist()) for text, codes in zip(batch, model(batch)["codes"], strict=True)]

    with apache_beam.Pipeline() as pipeline:
        found = pipeline | apache_beam.Create(TEXTS) | RunInference(Handler())
        lines = found | apache_beam.Map(lambda result: json.dumps([result.example, result.inference]))
        _ = lines | apache_beam.io.WriteToText(str(tmp_path / "codes"))
    rows = [json.loads(line) for file in tmp_path.glob("codes*") for line in file.read_text().splitlines()]
    by_text = dict(zip(TEXTS, model.encode(TEXTS)["codes"].tolist(), strict=True))
    assert len(rows) == len(TEXTS)
    assert all(codes == by_text[text] for text, codes in rows)
