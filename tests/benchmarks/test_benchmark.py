import collections
import itertools
import json
import pathlib
import subprocess
import sys

import pytest
import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[2]
TASKS = ("train_step", "score", "generate", "gru", "softmax")
sys.path.insert(0, str(ROOT))
try:
    from benchmarks import page, scaling, shortcuts, tfvae_worker
    from benchmarks.operations import count_operations
finally:
    sys.path.remove(str(ROOT))


def benchmark(*flags):
    command = [sys.executable, str(ROOT / "scripts" / "benchmark.py"), *flags]
    return subprocess.run(command, capture_output=True, text=True, cwd="/")


TIMED = [pytest.param(task, marks=[] if task == "train_step" else [pytest.mark.slow]) for task in TASKS if task != "serve"]


@pytest.mark.parametrize("task", TIMED)
def test_smoke_prints_one_line_of_figures(task):
    done = benchmark("--smoke", "--samples=2", "--precision=float32", f"--task={task}", "--sentences=5", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    ours = result["tfvae"]
    assert (result["task"], result["samples"], result["precision"]) == (task, 2, "float32")
    assert 0 < result["tokens_a_batch"] <= (5 * 40 if task == "generate" else result["padded_a_batch"])
    rounded = 0.0005 + 0.05 * (1 + ours["share_of_ceiling"]) / ours["ceiling_gflops"]
    assert ours["share_of_ceiling"] == pytest.approx(ours["gflops"] / ours["ceiling_gflops"], rel=0.01, abs=rounded)
    assert min(ours.values()) > 0


@pytest.mark.slow
def test_figures_are_a_table_unless_json_is_asked_for():
    done = benchmark("--smoke", "--task=softmax")
    assert done.returncode == 0, done.stderr
    settings, _, head, _, row = done.stdout.splitlines()
    assert settings.startswith("task softmax, samples 1, ")
    assert head.startswith("| program | step_seconds | tokens_per_second |") and row.startswith("| tfvae | ")


@pytest.mark.slow
def test_shortcuts_are_measured_by_leaving_each_out():
    done = benchmark("--smoke", "--shortcuts", "--samples=2", "--precision=bfloat16")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result["without"]) == set(page.SHORTCUTS) and min(result["seconds"], *result["without"].values()) > 0


@pytest.mark.slow
def test_refinement_is_measured_in_steps_without_it():
    done = benchmark("--smoke", "--refinement=2")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["steps"], result["precision"]) == (2, "float32")
    assert set(result["refined"]) == set(result["vae_steps"]) == {"none", "divergence", "difference"}
    assert min(result["seconds"], *result["refined"].values(), *result["vae_steps"].values()) > 0


@pytest.mark.slow
def test_a_step_without_a_shortcut_is_another_graph(tmp_path):
    sizes = {f"{part}.{name}_dim": 16 for part in ("encoder", "decoder") for name in ("embedding", "hidden")}
    worker = tfvae_worker.Worker()
    overrides = {**sizes, "latent.hidden_dim": 16, "data.limit": 300, "training.precision": "bfloat16"}
    worker.prepare(str(tmp_path), "dgm_vae", "", "", overrides, 1, False, threads=tf.config.threading.get_intra_op_parallelism_threads())
    worker.model.num_samples = 2

    def operations(name):
        graph = shortcuts._compiled(worker, 2, name).graph.as_graph_def()
        nodes = itertools.chain(graph.node, *(function.node_def for function in graph.library.function))
        return collections.Counter((node.op, node.attr["T"].type) for node in nodes)

    graphs = {name: operations(name) for name in ("", *shortcuts.LABELS)}
    for name in shortcuts.LABELS:
        assert graphs[name] != graphs[""], name
    assert graphs["in_place"][("ScatterNdNonAliasingAdd", 0)] == 0


def test_serving_needs_a_run():
    done = benchmark("--task=serve")
    assert done.returncode == 2 and "--task=serve: name the run that is exported and served in --run" in done.stderr


def test_a_peer_without_its_environment_is_one_line():
    done = benchmark("--smoke", "--peer=plain")
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: --peer needs --peer_python")


SIZES = {"hidden": 2, "embedding": 3, "batch": 5, "variables": 2, "dim": 2, "components": 3, "mlp": 7, "vocabulary": 11}


def test_operations_are_those_of_the_products():
    tokens, samples = 13, 4
    encoder = [*[(tokens, 3, 6), (tokens, 2, 6)] * 2, (5, 4, 8), (5, 4, 7), (5, 7, 6)]  # both directions; mean and log-variance; codes
    gru = [(tokens, 3, 6), (samples * tokens, 2, 6), (samples * 5, 4, 6)]  # words, shared by the samples; states; z into the gates
    state, softmax = [(samples * 5, 4, 2)], [(samples * tokens, 2, 11)]
    products = {
        "train_step": 3 * (encoder + gru + state + softmax),
        "score": encoder + gru + state + softmax,
        "generate": [(tokens, 3 + 4 + 2, 6), (tokens, 2, 11)],
        "gru": 3 * gru,
        "softmax": 3 * softmax,
    }
    assert set(products) == set(TASKS)
    for task, shapes in products.items():
        assert count_operations(task, SIZES, tokens, samples) == sum(2 * m * k * n for m, k, n in shapes), task


class LinearWorker:
    """Takes a second, and a second a sample; four times as long for each doubling of the batch."""

    def ask(self, command, *, samples, batch, repeats, **sizes):
        return {"seconds": [1.0 + samples if batch == 30 else (batch / 30) ** 2 * 2.0] * repeats}


def test_scaling_finds_the_exponents_and_draws_them(tmp_path, capsys):
    answer = scaling.measure_scaling(LinearWorker(), "dgm_vae", {}, 2, repeats=3)
    assert set(answer) == {"samples", "time", "vocabulary", "batch"}
    assert answer["samples"]["seconds"][:3] == [2.0, 3.0, 5.0] and 0.6 < answer["samples"]["exponent"] < 1
    assert answer["vocabulary"]["exponent"] == 0 and answer["batch"]["exponent"] == 2
    assert "batch 240: 128.0000 s" in capsys.readouterr().err
    pytest.importorskip("matplotlib")
    scaling.draw_scaling(answer, str(tmp_path / "scaling.svg"))
    picture = (tmp_path / "scaling.svg").read_text()
    assert picture.startswith("<?xml") and len(picture) > 5000


OURS = {
    "tokens_per_second": 1234.4,
    "step_seconds": 0.1,
    "peak_memory_mb": 2000,
    "gflops": 150.2,
    "ceiling_gflops": 300.0,
    "share_of_ceiling": 0.5,
}
TIMED_ONCE = {"task": "train_step", "samples": 20, "precision": "bfloat16", "implementation": "fast", "bucketed": False, "tfvae": OURS}
PEER = {**OURS, "tokens_per_second": 1000.0}
EMPTY = "".join(f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("peers", "shortcuts", "refinement", "growth"))


def rows(text, name):
    """Cells of a page's table, without its head."""
    table = text.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_a_page_has_what_was_measured():
    more, few = ({"samples": n, "seconds": n / 100, "without": {"adam": n / 50, **other}} for n, other in ((20, {"shared": 0.5}), (1, {})))
    growth = {"samples": {"values": [1, 2000], "seconds": [0.1, 0.25], "exponent": 0.5}}
    refined = {"none": 0.5, "divergence": 0.6, "difference": 1.25}
    refined = {"steps": 10, "seconds": 0.1, "refined": refined, "vae_steps": {name: 10 * value for name, value in refined.items()}}
    text = page.render(EMPTY, [growth, more, few, refined, {**TIMED_ONCE, "plain": PEER, "tfvae/plain": 1.23}])
    ours, peer = rows(text, "peers")
    assert ours == ["`train_step`", "20", "any", "tfvae, bfloat16", "1,234", "100", "2,000", "150", "300", "50%", ""]
    assert peer[3:5] == ["plain, float32", "1,000"] and peer[-1] == "1.23"
    none, *without = rows(text, "shortcuts")
    assert none == ["nothing: all shortcuts", "10", "", "200", ""]
    assert ["Adam's fused kernel", "20", "2.00", "400", "2.00"] in without and without[-1][1:] == ["", "", "500", "2.50"]
    cost = rows(text, "refinement")
    assert [row[1:] for row in cost] == [["100", "1.0"], ["500", "5.0"], ["600", "6.0"], ["1,250", "12.5"]]
    assert rows(text, "growth") == [["posterior samples S", "1, 2,000", "0.100, 0.250", "0.5"]]
    assert page.render(text, [growth]) == page.render(EMPTY, [growth])


@pytest.mark.parametrize("content", [None, "{", '{"task": "train_step"}'])
def test_a_page_of_something_else_is_one_line(tmp_path, content):
    (tmp_path / "page.md").write_text(EMPTY)
    (tmp_path / "benchmarks").mkdir()
    if content:
        (tmp_path / "benchmarks" / "x.json").write_text(content)
    message = "is not the benchmark's" if content else "holds no .json files"
    done = benchmark(f"--page={tmp_path / 'page.md'}")
    assert done.returncode == 2 and message in done.stderr.splitlines()[-1] and (tmp_path / "page.md").read_text() == EMPTY


def test_the_page_of_performance_is_made_of_the_measurements_that_are_kept():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    kept = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))
    assert kept and page.render(text, [json.loads(file.read_text(encoding="utf-8")) for file in kept]) == text
