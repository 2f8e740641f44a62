import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def benchmark(*flags):
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *flags]
    return subprocess.run(command, capture_output=True, text=True, cwd="/")


def test_smoke_prints_one_line_of_figures():
    done = benchmark("--smoke", "--samples=2", "--precision=float32")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    ours = result["tfvae"]
    assert (result["task"], result["samples"], result["precision"]) == ("train_step", 2, "float32")
    assert result["tokens_a_batch"] <= result["padded_a_batch"]
    assert ours["share_of_ceiling"] == pytest.approx(ours["gflops"] / ours["ceiling_gflops"], rel=0.1)
    assert min(ours.values()) > 0


def test_a_peer_without_its_environment_is_one_line():
    done = benchmark("--smoke", "--peer=plain")
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: --peer needs --peer_python")


def test_operations_are_those_of_the_products():
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.main import step_operations
    finally:
        sys.path.remove(str(ROOT))
    sizes = {"hidden": 2, "embedding": 3, "batch": 5, "variables": 2, "dim": 2, "components": 3, "mlp": 7, "vocabulary": 11}
    tokens, samples = 13, 4
    products = [
        *[(tokens, 3, 6), (tokens, 2, 6)] * 2,  # encoder, both directions: inputs and states
        (tokens, 3, 6),  # decoder: words, shared by the samples
        (samples * tokens, 2, 6),
        (samples * 5, 4, 6),  # z into the gates
        (samples * 5, 4, 2),  # z into the state
        (samples * tokens, 2, 11),
        (5, 4, 8),  # mean and log-variance
        (5, 4, 7),
        (5, 7, 6),
    ]
    assert step_operations(sizes, tokens, samples) == 3 * sum(2 * m * k * n for m, k, n in products)
