import contextlib
import json
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

from benchmarks.serving import free_ports
from tfvae.cli.model import SMOKE
from tfvae.data.corpus import Split
from tfvae.registry import resolve
from tfvae.training.fit import fit
from tfvae.training.tensorboard import write_projector


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """TensorBoard on the runs that a training left; asks it for JSON or text."""
    runs = tmp_path_factory.mktemp("runs")
    fit(resolve("dem_vae", "demo", base={**SMOKE, "data.limit": 60}), str(runs / "dem_vae"), say=lambda line: None)
    [port] = free_ports(1)
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={runs}", "--host=127.0.0.1", f"--port={port}", "--load_fast=false"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(path, body=None, *, binary=False):
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", body and json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            content = answer.read()
        if binary:
            return content
        content = content.decode()
        with contextlib.suppress(ValueError):
            return json.loads(content)
        return content

    end = time.monotonic() + 120
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if ask("data/runs"):
                break
        time.sleep(0.5)
    yield ask
    process.terminate()
    process.wait()


def test_tensorboard_shows_scalars_texts_and_histograms(board):
    run = "dem_vae/tensorboard"
    scalars = board("data/plugin/scalars/tags")[run]
    for term in ("reconstruction", "kl_z", "kl_c", "dispersion", "mutual_information", "natural_variance", "elbo"):
        assert {f"train/{term}", f"valid/{term}"} <= scalars.keys()
    points = board(f"data/plugin/scalars/scalars?run={run}&tag=valid/kl_z")
    assert len(points) == 2 and all(value > 0 for _, _, value in points)
    texts = board("data/plugin/text/tags")[run]
    assert set(texts) == {"samples", "components/variable_0", "components/variable_1"}
    assert "sentence" in board(f"data/plugin/text/text?run={run}&tag=components/variable_0")[-1]["text"]
    assert set(board("data/plugin/histograms/tags")[run]) == {"component_use/variable_0", "component_use/variable_1"}
    *_, (_, _, buckets) = board(f"data/plugin/histograms/histograms?run={run}&tag=component_use/variable_0")
    assert sum(count for _, _, count in buckets) == pytest.approx(60, abs=2)  # the validation sentences


def test_tensorboard_shows_the_space_with_its_sentences(board):
    [run] = board("data/plugin/projector/runs")
    [embedding] = board(f"data/plugin/projector/info?run={run}")["embeddings"]
    name = urllib.request.quote(embedding["tensorName"])
    metadata = board(f"data/plugin/projector/metadata?run={run}&name={name}").splitlines()
    assert metadata[0].split("\t") == ["sentence", "topic", "act", "polarity", "code 0", "code 1"]
    assert len(metadata) == 61 and embedding["tensorShape"] == [60, 10]
    assert len(board(f"data/plugin/projector/tensor?run={run}&name={name}", binary=True)) == 60 * 10 * 4


def test_tensorboard_shows_hyper_parameters(board):
    experiment = board("data/plugin/hparams/experiment", {"experimentName": ""})
    assert {"model", "objective.beta", "latent.components"} <= {info["name"] for info in experiment["hparamInfos"]}
    [group] = board(
        "data/plugin/hparams/session_groups",
        {
            "experimentName": "",
            "allowedStatuses": ["STATUS_SUCCESS", "STATUS_UNKNOWN", "STATUS_RUNNING"],
            "colParams": [],
            "startIndex": 0,
            "sliceSize": 10,
        },
    )["sessionGroups"]
    assert group["hparams"]["model"] == "dem_vae"
    assert "latent.kappa" not in {info["name"] for info in experiment["hparamInfos"]}


def test_a_projector_without_codes_and_labels_has_sentences_alone(tmp_path):
    texts, captions = Split(["a\tb", "c"], {}, "", np.arange(2)), {"sentence": ["a b", "c"]}
    write_projector(tmp_path, np.zeros([2, 3]), None, captions, texts, {})
    assert (tmp_path / "sentences.tsv").read_text() == "a b\nc\n"
    labelled = Split(texts.items, {"act": np.array([1, 5])}, "", np.arange(2))
    write_projector(tmp_path, np.zeros([2, 3]), None, captions, labelled, {"act": ("x", "y")})
    assert (tmp_path / "sentences.tsv").read_text() == "sentence\tact\na b\ty\nc\t5\n"


def test_control_characters_of_captions_and_labels_break_no_row_of_the_projector(tmp_path):
    texts = Split(["a", "c"], {"act": np.array([0, 1])}, "", np.arange(2))
    captions = {"sentence": ["a\x1b[31m", "c\nd\r"]}
    write_projector(tmp_path, np.zeros([2, 3]), None, captions, texts, {"act": ("x\ty", "=z")})
    assert (tmp_path / "sentences.tsv").read_bytes() == b"sentence\tact\na\\u001b[31m\tx\\u0009y\nc\\u000ad\\u000d\t=z\n"
