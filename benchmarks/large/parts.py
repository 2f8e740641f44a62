"""What is measured of a large corpus: sharding it, training on it, and having workers encode it."""

import contextlib
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.commands import command
from benchmarks.large.place import FEW, Place, sharding, training
from benchmarks.large.watched import descendants, watch, works
from tfvae.errors import UserError
from tfvae.training.run import Run

_COMPARED = 200_000  # lines that one process encodes too


def shard(place: Place) -> dict[str, Any]:
    """Two workers write shards."""
    target = place.folder / "shards"
    shutil.rmtree(target, ignore_errors=True)
    took = watch(sharding(place.corpus(), target))
    size = sum(path.stat().st_size for path in target.iterdir())
    return {
        "sentences": place.sentences,
        "text_mb": place.corpus().stat().st_size >> 20,
        "shards_mb": size >> 20,
        **took.figures(),
        "sentences_per_second": round(place.sentences / took.seconds),
    }


def train(place: Place) -> dict[str, Any]:
    """Training on the shards, without a stop, and killed in the middle of a pass and resumed.

    Raises:
      UserError: figures of the two differ.
    """
    runs = [Run(str(place.folder / name)) for name in ("run", "killed")]
    for run in runs:
        shutil.rmtree(run.path, ignore_errors=True)
    whole, stopped = (training(run.path, place.shards(), place.steps // 4) for run in runs)
    took = watch(whole)
    _kill_after(stopped, runs[1], epochs=2)
    resumed = watch([*stopped, "--resume"])
    figures, again = map(_figures, runs)
    if figures != again:
        raise UserError("the training that was killed and resumed has other figures than the one that was not")
    return {"steps": place.steps, **took.figures(), "resumed_resident_mb": resumed.resident_mb, "resumed_equal_epochs": len(again)}


def memory(place: Place) -> dict[str, Any]:
    """The same training on few of the sentences, which tells what each of many adds to a process."""
    run = place.folder / "run-of-few"
    shutil.rmtree(run, ignore_errors=True)
    took = watch(training(run, place.small_shards(), place.steps // 4))
    return {"sentences": min(FEW, place.sentences), **took.figures()}


def throughput(place: Place) -> dict[str, Any]:
    """Updates on batches of the shards, and of as much of the text as is held in memory, in turns."""
    held = min(FEW, place.sentences)
    worker = [sys.executable, "-m", "benchmarks.large.worker", str(place.run()), str(place.head(held))]
    return {"in_memory": held, **json.loads(watch(worker).printed.splitlines()[-1])}


def encode(place: Place, engine: str) -> dict[str, Any]:
    """Two workers of an engine encode lines, one of them is killed, and one process encodes the first lines too.

    Raises:
      UserError: a line is missing or there twice, or nobody was killed.
    """
    target, alone = place.folder / f"codes-{engine}", place.folder / "codes.jsonl"
    shutil.rmtree(target, ignore_errors=True)
    words = [*command("encode", f"--run={place.small_run()}"), f"--input={place.head(place.lines)}", f"--output={target}"]
    killed: list[int] = []

    def kill(process: int) -> None:
        if killed or not any(target.glob("part-*.jsonl")):
            return
        busy = [each for each in descendants(process) if works(each)]
        for each in busy[:1]:
            os.kill(each, signal.SIGKILL)
            killed.append(each)

    took = watch([*words, f"--engine={engine}", "--workers=2"], meanwhile=kill)
    if not killed:
        raise UserError(f"--engine={engine}: ended before a worker could be killed: more --lines")
    compared = min(_COMPARED, place.lines)
    watch([*command("encode", f"--run={place.small_run()}"), f"--input={place.head(compared)}", f"--output={alone}"])
    expected = list(_codes(alone))
    lines = different = 0
    for lines, (line, codes) in enumerate((each for part in sorted(target.glob("part-*.jsonl")) for each in _codes(part)), 1):
        if line != lines:
            raise UserError(f"{target}: has line {line} where line {lines} belongs")
        different += lines <= compared and codes != expected[lines - 1][1]
    if lines != place.lines:
        raise UserError(f"{target}: has {lines} lines of {place.lines}")
    counts = {"lines": lines, "killed": len(killed), "compared": compared, "different": different}
    return {**counts, **took.figures(), "lines_per_second": round(lines / took.seconds)}


def _codes(path: pathlib.Path) -> Iterator[tuple[int, Any]]:
    """The number of each line of a file of codes, and the codes."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            yield line["line"], line["codes"]


def _kill_after(words: list[str], run: Run, epochs: int) -> None:
    """Runs a training and kills it when it is in the midst of the epoch after so many."""
    journal = run.path / "metrics.jsonl"
    started = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        while not journal.exists() or journal.read_text().count("\n") < epochs:
            try:
                started.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            raise UserError("the training ended before it could be killed")
        with contextlib.suppress(subprocess.TimeoutExpired):
            started.wait(3)
    finally:
        started.kill()
        started.wait()


def _figures(run: Run) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in run.read_metrics()]


PARTS: dict[str, Callable[[Place], dict[str, Any]]] = {
    "shard": shard,
    "train": train,
    "memory": memory,
    "throughput": throughput,
    **{f"encode-{engine}": functools.partial(encode, engine=engine) for engine in ("spark", "ray")},
}
