"""The benchmark: tfvae and its peers take turns at the same batches, and their ratios are printed."""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from absl import flags

from benchmarks.operations import count_operations
from benchmarks.page import programs, write_page
from benchmarks.scaling import draw_scaling, measure_scaling
from benchmarks.serving import measure_serving
from tfvae.cli.command import run_command
from tfvae.errors import UserError
from tfvae.models.precision import resolve_precision

SUMMARY = "Measures tfvae, and PyTorch peers in the same run, in target tokens per second and GFLOP/s."
ROOT = pathlib.Path(__file__).parents[1]
TASKS = {
    "train_step": "an update, Adam and clipping included",
    "score": "importance-weighted log-likelihood of --samples samples",
    "generate": "sentences sampled from the prior",
    "gru": "the decoder's GRU, forward and backward",
    "softmax": "the vocabulary softmax, forward and backward",
    "serve": "an exported --run against the model itself, and behind tfvae-serve under load",
}
CEILING_SHAPES = [[2048, 512, 10_000], [4096, 4096, 4096]]
AGREEMENT = 1e-4
_WARM_UP = 2  # turns before those that count


class Process:
    """A worker in a process of its own."""

    def __init__(self, name: str, command: list[str]) -> None:
        """Starts it."""
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and waits for the answer.

        Raises:
          UserError: the worker ended instead.
        """
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise UserError(f"the {self.name} worker ended with status {self.process.wait()} at {command!r}; its error is above")
        return json.loads(answer)


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _benchmark)


def _define_flags(values: flags.FlagValues) -> None:
    tasks = "; ".join(f"{name}: {what}" for name, what in TASKS.items())
    flags.DEFINE_enum("task", "train_step", list(TASKS), f"What is measured. {tasks}.", flag_values=values)
    flags.DEFINE_string("model", "dgm_vae", "Model, a Gaussian mixture whose z enters states and first inputs.", flag_values=values)
    flags.DEFINE_string(
        "run", "", "Run directory of such a model, whose weights are taken; without it, untrained ones.", flag_values=values
    )
    flags.DEFINE_string("data_dir", "", "Folder of PTB; without it, sentences of the demo corpus at the same sizes.", flag_values=values)
    flags.DEFINE_integer("samples", 1, "Posterior samples a sentence.", lower_bound=1, flag_values=values)
    flags.DEFINE_enum("precision", "auto", ["auto", "float32", "bfloat16"], "tfvae's; the fast peer has the same.", flag_values=values)
    implementation = "tfvae's layers: fast, or the plain twins that they are tested against."
    flags.DEFINE_enum("implementation", "fast", ["fast", "plain"], implementation, flag_values=values)
    flags.DEFINE_multi_enum("peer", [], ["torch", "plain", "fast"], "PyTorch peers; torch: both of them.", flag_values=values)
    python = "Python of an environment with benchmarks/requirements-torch.txt installed."
    flags.DEFINE_string("peer_python", "", python, flag_values=values)
    flags.DEFINE_bool("bucketed", False, "Batches of sentences of similar lengths, instead of any, for all.", flag_values=values)
    flags.DEFINE_integer("batches", 20, "Batches that are measured.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("sentences", 256, "generate: sentences at a time.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("requests", 10_000, "serve: requests to the server.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("connections", 16, "serve: connections that send them.", lower_bound=1, flag_values=values)
    device = "Where all programs compute; gpu: the first one, with float32 as it is, not TensorFloat-32."
    flags.DEFINE_enum("device", "cpu", ["cpu", "gpu"], device, flag_values=values)
    flags.DEFINE_integer("threads", os.cpu_count() or 1, "Threads of each program.", lower_bound=1, flag_values=values)
    scaling = "Measure a training step against samples, words, vocabulary and batch instead, and draw it to this file (.svg, .png)."
    flags.DEFINE_string("scaling", "", scaling, flag_values=values)
    shortcuts = "Measure a training step of --samples with all shortcuts and without each, instead."
    flags.DEFINE_bool("shortcuts", False, shortcuts, flag_values=values)
    refinement = "Measure a training step of --samples without refinement and with this many steps of it, in float32, instead."
    flags.DEFINE_integer("refinement", 0, refinement, lower_bound=0, flag_values=values)
    page = "Page whose tables are made anew of the folder `benchmarks` beside it, of files with what --json printed; nothing is measured."
    flags.DEFINE_string("page", "", page, flag_values=values)
    flags.DEFINE_bool("smoke", False, "Small sizes and two batches.", flag_values=values)
    flags.DEFINE_bool("json", False, "Print one line of JSON instead of a table.", flag_values=values)


def _benchmark(values: flags.FlagValues) -> None:
    if values.page:
        print(f"{write_page(values.page)} measurements in {values.page}")
        return
    if values.peer and not values.peer_python:
        raise UserError("--peer needs --peer_python, the Python of an environment with benchmarks/requirements-torch.txt installed")
    if values.task == "serve":
        if not values.run:
            raise UserError("--task=serve: name the run that is exported and served in --run")
        print(json.dumps(measure_serving(values.run, values.requests, values.connections, values.batches)))
        return
    if values.scaling:
        with _processes(values) as processes:
            result = measure_scaling(processes[0], values.model, _overrides(values), values.threads)
        draw_scaling(result, values.scaling)
        print(json.dumps(result))
        return
    if values.shortcuts:
        print(json.dumps(_measure_variants(values, "shortcuts", samples=values.samples)))
        return
    if values.refinement:
        values.precision = "float32"
        made = _measure_variants(values, "refinement", samples=values.samples, count=values.refinement)
        print(json.dumps({"steps": values.refinement, **made}))
        return
    result = measure(values)
    print(json.dumps(result) if values.json else _table(result))


def measure(values: flags.FlagValues) -> dict[str, Any]:
    """Runs tfvae and the peers in turns.

    Returns:
      for each program the medians of a step's seconds and of target tokens per second (ends of sentences are targets, padding is not, and
      a token counts once whatever the samples); peak memory; the median of GFLOP/s, counted from the shapes of real tokens, the matmul
      ceiling measured in the same run, before and after, and their ratio; and tfvae's tokens per second over each peer's.

    Raises:
      UserError: a peer computes another loss or other gradients, or a process ended.
    """
    batches = _batches(values)
    with tempfile.TemporaryDirectory(prefix="tfvae-benchmark-") as folder, _processes(values) as processes:
        ours, *peers = processes
        made = _prepare(ours, values, folder)
        # With few samples, so that what is checked does not set the peak of memory.
        reference = ours.ask("check", folder=folder, samples=min(values.samples, 2))
        for peer in peers:
            peer.ask("prepare", folder=folder, threads=values.threads, device=values.device)
            _check(peer, folder, peer.ask("check", folder=folder), reference)
        task = {"task": values.task, "samples": values.samples, "sentences": values.sentences}
        shapes = [[64, 32, 100]] if values.smoke else CEILING_SHAPES
        before = [process.ask("ceiling", shapes=shapes)["gflops"] for process in processes]
        timed = _take_turns(processes, batches, task)
        results = {}
        for process, ceiling in zip(processes, before, strict=True):
            answers = timed[process.name]
            operations = [count_operations(values.task, made["sizes"], answer["tokens"], values.samples) for answer in answers]
            results[process.name] = _figures(answers, operations, max(ceiling, process.ask("ceiling", shapes=shapes)["gflops"]))
    speed = {name: result["tokens_per_second"] for name, result in results.items()}
    return {
        "task": values.task,
        "samples": values.samples,
        "precision": made["precision"],
        "implementation": values.implementation,
        "bucketed": values.bucketed,
        "batches": batches,
        "tokens_a_batch": statistics.mean(answer["tokens"] for answer in timed["tfvae"]),
        "padded_a_batch": float(np.mean(made["padded"])),
        "threads": values.threads,
        "device": made["device"],
        **results,
        **{f"tfvae/{peer.name}": round(speed["tfvae"] / speed[peer.name], 2) for peer in peers},
    }


def _measure_variants(values: flags.FlagValues, command: str, **options: int) -> dict[str, Any]:
    """What a command of the worker returns, of variants of a training step of tfvae, and of what it is."""
    with tempfile.TemporaryDirectory(prefix="tfvae-benchmark-") as folder, _processes(values) as processes:
        made = _prepare(processes[0], values, folder)
        settings = {"samples": values.samples, "precision": made["precision"], "batches": _batches(values)}
        return {**settings, **processes[0].ask(command, **options)}


def _batches(values: flags.FlagValues) -> int:
    return 2 if values.smoke else values.batches


def _prepare(ours: Process, values: flags.FlagValues, folder: str) -> dict[str, Any]:
    """Has tfvae build the model and write its weights and batches to a folder."""
    return ours.ask(
        "prepare",
        folder=folder,
        model=values.model,
        data_dir=_absolute(values.data_dir),
        run=_absolute(values.run),
        overrides=_overrides(values),
        batches=_batches(values),
        bucketed=values.bucketed,
        threads=values.threads,
        device=values.device,
    )


def _absolute(path: str) -> str:
    return os.path.abspath(path) if path else ""


def _overrides(values: flags.FlagValues) -> dict[str, Any]:
    """The configuration's fields that differ from the model's PTB setting."""
    overrides: dict[str, Any] = {"training.precision": values.precision, "training.implementation": values.implementation}
    if values.smoke:
        small = {"embedding_dim": 32, "hidden_dim": 32}
        overrides |= {f"{part}.{name}": size for part in ("encoder", "decoder") for name, size in small.items()}
        overrides |= {"latent.hidden_dim": 32, "data.limit": 300}
    elif not values.data_dir:
        overrides |= {f"{part}.{name}_dim": 512 for part in ("encoder", "decoder") for name in ("embedding", "hidden")}
    return overrides


def _take_turns(processes: list[Process], batches: int, task: dict[str, Any]) -> dict[str, list[dict[str, float]]]:
    """Returns by each program's name what it answered to each batch that counts, in order.

    Before each, a program does the batch before, which does not count: others' turns have left its memory cold, as training would not.
    A likelihood takes so long that this does not matter.
    """
    answers: dict[str, list] = {process.name: [] for process in processes}
    for turn in range(batches + _WARM_UP):
        for process in processes:
            if task["task"] != "score":
                process.ask("run", batch=(turn - 1) % batches, **task)
            answers[process.name].append(process.ask("run", batch=turn % batches, **task))
    return {name: answer[_WARM_UP:] for name, answer in answers.items()}


def _figures(answers: list[dict[str, float]], operations: list[float], ceiling: float) -> dict[str, float]:
    """What `measure` says of one program, from its answers and the operations of each."""
    seconds = [answer["seconds"] for answer in answers]
    rate = statistics.median(count / time for count, time in zip(operations, seconds, strict=True)) / 1e9
    return {
        "step_seconds": round(statistics.median(seconds), 5),
        "tokens_per_second": round(statistics.median(answer["tokens"] / answer["seconds"] for answer in answers), 1),
        "peak_memory_mb": round(answers[-1]["peak_memory"] / 1e6),
        "gflops": round(rate, 1),
        "ceiling_gflops": round(ceiling, 1),
        "share_of_ceiling": round(rate / ceiling, 3),
    }


def _table(result: dict[str, Any]) -> str:
    """The result as rows of Markdown."""
    names = programs(result)
    settings = ", ".join(f"{name} {value}" for name, value in result.items() if name not in names and "/" not in name)
    lines = [settings, "", "| program | " + " | ".join(result[names[0]]) + " | tfvae is faster by |"]
    lines.append("|---" * (len(result[names[0]]) + 2) + "|")
    for name in names:
        ratio = result.get(f"tfvae/{name}", "")
        lines.append(f"| {name} | " + " | ".join(str(value) for value in result[name].values()) + f" | {ratio} |")
    return "\n".join(lines)


@contextlib.contextmanager
def _processes(values: flags.FlagValues) -> Iterator[list[Process]]:
    processes = [Process("tfvae", [sys.executable, "-m", "benchmarks.tfvae_worker"])]
    worker = str(ROOT / "benchmarks" / "torch_worker.py")
    variants = [name for name in ("plain", "fast") if {name, "torch"} & set(values.peer)]
    for variant in variants:
        precision = "float32" if variant == "plain" else resolve_precision(values.precision)
        processes.append(Process(variant, [os.path.abspath(values.peer_python), worker, variant, precision]))
    try:
        yield processes
    finally:
        for process in processes:
            process.process.kill()
            process.process.wait()


def _check(peer: Process, folder: str, answer: dict[str, float], reference: dict[str, float]) -> None:
    """Raises UserError unless a peer computes the same loss, likelihood and gradients, in float32, as tfvae."""
    for name, value in answer.items():
        if abs(value - reference[name]) > AGREEMENT * abs(reference[name]):
            raise UserError(f"the {peer.name} peer's {name} is {value}, tfvae's {reference[name]}: they are not the same model")
    with np.load(f"{folder}/gradients-tfvae.npz") as ours, np.load(f"{folder}/gradients-{peer.name}.npz") as theirs:
        for name in ours:
            difference, scale = np.linalg.norm(ours[name] - theirs[name]), np.linalg.norm(theirs[name])
            if difference > AGREEMENT * scale + 1e-9:
                raise UserError(f"the {peer.name} peer's gradient of {name} differs by {difference:.1e} of {scale:.1e}: another model")
