"""Replicas that share a batch: the figures are those of one."""

import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
import yaml

from benchmarks.large.replicas import free_ports
from tfvae.cli.model import SMOKE
from tfvae.config import DataConfig
from tfvae.data import demo
from tfvae.data.batching import evaluation_batches, tokenize_split, training_batches
from tfvae.data.corpus import Split
from tfvae.data.sharding import write_shards
from tfvae.data.shares import Shares
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.registry import resolve
from tfvae.training.fit import fit
from tfvae.training.workers import strategy_of

ROOT = pathlib.Path(__file__).parents[2]
# Settings of small runs with noise of every kind.
SMALL = {**SMOKE, "data.limit": 500, "training.epochs": 3, "decoder.dropout": 0.2, "training.noise": "example"}
# A program that trains such a run of each model that is named, and prints the sum of its weights' bits.
TRAIN = """
import hashlib, json, sys
strategy, replicas, resume, *models = sys.argv[1:]
from tfvae.training.workers import strategy_of
strategy = strategy_of(strategy, int(replicas))
from tfvae.registry import resolve
from tfvae.training.fit import fit
for model in models:
    name, path = model.split("=")
    settings = json.loads(sys.stdin.readline())
    config = resolve(name, settings.pop("corpus", "demo"), base=settings)
    trained, _ = fit(config, path, strategy=strategy, resume=resume == "resume", say=lambda message: None)
    print(hashlib.sha256(b"".join(weight.tobytes() for weight in trained.vae.get_weights())).hexdigest())
"""


def start(*arguments, settings, environment=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}, **more):
    process = subprocess.Popen(
        [sys.executable, "-c", TRAIN, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3", **more},
    )
    process.stdin.write((json.dumps(settings) + "\n") * len(arguments))
    process.stdin.flush()
    return process


def of_cluster(ports, *arguments, settings=SMALL, own=({}, {})):
    """Starts a process for each port, of one cluster, with settings of its own."""
    workers = [f"localhost:{port}" for port in ports]
    cluster = [{"cluster": {"worker": workers}, "task": {"type": "worker", "index": i}} for i in range(len(ports))]
    return [
        start("multi_worker", 0, *arguments, settings=settings | more, TF_CONFIG=json.dumps(place))
        for place, more in zip(cluster, own, strict=True)
    ]


def ended(processes):
    """The lines that each printed."""
    answers = [process.communicate(timeout=500) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), answers
    return [out.split() for out, _ in answers]


def figures(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def assert_alike(found, expected):
    assert len(found) == len(expected) > 0
    for own, other in zip(found, expected, strict=True):
        assert own.keys() == other.keys()
        for name in own.keys() - {"seconds"}:
            np.testing.assert_allclose(own[name], other[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The figures of one replica, by model."""
    folder = tmp_path_factory.mktemp("alone")

    @functools.cache
    def train(model, epochs=SMALL["training.epochs"]):
        path = folder / f"{model}-{epochs}"
        fit(resolve(model, "demo", base={**settings_of(model), "training.epochs": epochs}), str(path), say=lambda message: None)
        return figures(path)

    return train


def settings_of(model):
    return {name: value for name, value in SMALL.items() if model != "rnn_lm" or not name.startswith(("encoder", "latent"))}


def test_shares_are_dealt_out_and_filled_up_with_a_weight_of_0():
    dealt = [list(Shares(3, r).cut(tf.range(7), 5).as_numpy_iterator()) for r in range(3)]
    assert [[*map(list, own[0][:2]), own[0][2]] for own in dealt] == [
        [[0, 3, 6], [1, 1, 1], 5],
        [[1, 4, 0], [1, 1, 0], 5],
        [[2, 5, 0], [1, 1, 0], 5],
    ]
    both = list(Shares(3, 1, 2).cut(tf.range(7)).as_numpy_iterator())
    assert [list(index) for index, _ in both] == [[1, 4, 0], [2, 5, 0]]
    [(index, there)] = Shares(4, 3).cut(tf.constant([8, 9])).as_numpy_iterator()
    assert (list(index), list(there)) == ([8], [0])  # an example that is not there is one all the same


@pytest.mark.parametrize("count", [2, 3])
def test_shares_of_all_replicas_are_the_batches(count):
    words = [f"w{i}" for i in range(9)]
    texts = [" ".join(words[: 1 + i % 9]) for i in range(50)]
    examples = tokenize_split(Split(texts, {}, "made", np.arange(50) + 1), Vocabulary(words), 0)
    for make in (lambda **own: training_batches(examples, 8, 3, epochs=2, **own), lambda **own: evaluation_batches(examples, 8, **own)):
        whole = [sorted(batch["index"].numpy()) for batch in make()]
        shares = [list(make(shares=Shares(count, r))) for r in range(count)]
        for batch, own in zip(whole, zip(*shares, strict=True), strict=True):
            there = np.concatenate([share["index"].numpy()[share["weight"].numpy() == 1] for share in own])
            assert sorted(there) == batch
            assert len({len(share["index"]) for share in own}) == 1


@pytest.mark.parametrize(
    ("name", "replicas", "tf_config", "message"),
    [
        ("miror", 0, None, "must be one of none, mirrored, multi_worker"),
        ("none", 2, None, "--replicas=2 is for --strategy=mirrored"),
        ("multi_worker", 2, None, "--replicas=2 is for --strategy=mirrored"),
        ("mirrored", 0, None, "has no accelerator; --replicas=2"),
        ("multi_worker", 0, None, "nothing names the processes: set TF_CONFIG"),
        ("multi_worker", 0, "{", "it must be like"),
        ("multi_worker", 0, "[]", "it must be like"),
        ("multi_worker", 0, '{"cluster": {"worker": "host:1"}, "task": {"type": "worker", "index": 0}}', "it must be like"),
        ("multi_worker", 0, '{"cluster": {"ps": ["host:1"]}, "task": {"type": "ps", "index": 0}}', "it must be like"),
        ("multi_worker", 0, '{"cluster": {"worker": ["host:1"]}, "task": {"type": "worker", "index": 1}}', "is none of the 1 members"),
        ("multi_worker", 0, '{"cluster": {"worker": ["host:1"]}, "task": {"type": "worker", "index": true}}', "is none of the 1 members"),
    ],
)
def test_a_strategy_that_cannot_be_is_one_line(monkeypatch, name, replicas, tf_config, message):
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    if tf_config is not None:
        monkeypatch.setenv("TF_CONFIG", tf_config)
    with pytest.raises(UserError, match=message) as refused:
        strategy_of(name, replicas)
    assert "\n" not in str(refused.value)


def test_aggressive_training_is_for_one_replica(tmp_path):
    config = resolve("vae", "demo", base={**SMOKE, "training.aggressive": 3})
    with pytest.raises(UserError, match="is for one replica"):
        fit(config, str(tmp_path / "run"), strategy=tf.distribute.get_strategy(), say=lambda message: None)


@pytest.mark.parametrize("models", [["dem_vae"], pytest.param(["vmf_vae", "rnn_lm", "code_vae"], marks=pytest.mark.slow)])
def test_two_replicas_of_one_process_have_the_figures_of_one(models, tmp_path, alone):
    named = [f"{model}={tmp_path / model}" for model in models]
    for name in named:
        model = name.split("=")[0]
        ended([start("mirrored", 2, "new", name, settings=settings_of(model))])
        assert_alike(figures(tmp_path / model), alone(model))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["dem_vae", "vmf_vae", "rnn_lm"])
def test_two_processes_have_the_figures_of_one_and_equal_weights(model, tmp_path, alone):
    first, second = ended(of_cluster(free_ports(2), "new", f"{model}={tmp_path / 'run'}", settings=settings_of(model)))
    assert first == second
    assert_alike(figures(tmp_path / "run"), alone(model))


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_run_that_lost_a_process_goes_on_to_the_same_figures(lost, tmp_path, alone):
    path = tmp_path / "run"
    processes = of_cluster(free_ports(2), "new", f"dem_vae={path}", settings={**SMALL, "training.epochs": 40})
    give_up = time.monotonic() + 300
    while not path.exists() or not (path / "metrics.jsonl").exists() or len(figures(path)) < 2:
        assert time.monotonic() < give_up and processes[lost].poll() is None
        time.sleep(0.05)
    processes[lost].send_signal(signal.SIGKILL)
    _, error = processes[1 - lost].communicate(timeout=300)
    processes[lost].communicate()
    assert processes[1 - lost].returncode != 0 and (lost == 0 or "was lost: start all of them again, with --resume" in error)
    done = len(figures(path))
    assert done < 40
    again = {**SMALL, "training.epochs": done + 2}
    first, second = ended(of_cluster(free_ports(2), "resume", f"dem_vae={path}", settings=again))
    assert first == second
    assert_alike(figures(path), alone("dem_vae", done + 2))


@pytest.mark.slow
def test_the_variables_of_slurm_name_the_processes(tmp_path, alone):
    path, own = tmp_path / "run", settings_of("rnn_lm")
    shared = {"SLURM_JOB_ID": "7", "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_TASKS_PER_NODE": "2"}
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    each = [{**shared, "SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)} for i in range(2)]
    processes = [start("multi_worker", 0, "new", f"rnn_lm={path}", settings=own, environment=environment, **one) for one in each]
    first, second = ended(processes)
    assert first == second
    assert_alike(figures(path), alone("rnn_lm"))


def test_the_command_of_the_train_job_names_the_processes():
    job = list(yaml.safe_load_all((ROOT / "docs" / "recipes" / "trainjob.yaml").read_text()))[1]
    trainer = job["spec"]["trainer"]
    given = {one["name"]: one["value"] for one in trainer["env"]}
    [script] = trainer["args"]
    script = script.replace("exec tfvae-train", 'echo "$TF_CONFIG" #')
    done = subprocess.run(
        [*trainer["command"], script], env={**os.environ, **given, "JOB_COMPLETION_INDEX": "1"}, capture_output=True, text=True
    )
    assert (given["NODES"], given["JOB"]) == (str(trainer["numNodes"]), job["metadata"]["name"])
    assert json.loads(done.stdout) == {
        "cluster": {"worker": ["tfvae-ptb-node-0-0.tfvae-ptb:2222", "tfvae-ptb-node-0-1.tfvae-ptb:2222"]},
        "task": {"type": "worker", "index": 1},
    }


def test_the_batch_script_is_a_script():
    path = ROOT / "docs" / "recipes" / "train.sbatch"
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert "#SBATCH --requeue" in path.read_text() and "--strategy=multi_worker --resume" in path.read_text()


@pytest.mark.slow
def test_two_processes_with_their_own_shards_have_the_figures_of_one_with_all(tmp_path):
    whole, texts = tmp_path / "whole", demo.read().train.items[:600]
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in texts))
    write_shards([str(tmp_path / "a.txt")], str(whole), DataConfig(name="text", split_punctuation=True), held_out=0.1, piece_bytes=4000)
    settings = {name: value for name, value in SMALL.items() if name != "data.limit"} | {"data.groups": 2, "data.batch_size": 16}
    own = [{"data.dir": str(tmp_path / f"own-{group}")} for group in range(2)]
    for group, place in enumerate(own):
        shutil.copytree(whole, place["data.dir"])
        shards = [name for name, *_ in json.loads((whole / "shards.json").read_text())["splits"]["train"]]
        assert len(shards) > 4
        for name in shards[1 - group :: 2]:
            pathlib.Path(place["data.dir"], f"{name}.tokens.npy").unlink()
    fit(resolve("dem_vae", "shards", base=settings | {"data.dir": str(whole)}), str(tmp_path / "one"), say=lambda message: None)
    run = f"dem_vae={tmp_path / 'two'}"
    first, second = ended(of_cluster(free_ports(2), "new", run, settings=settings | {"corpus": "shards"}, own=own))
    assert first == second
    assert_alike(figures(tmp_path / "two"), figures(tmp_path / "one"))
