"""Training and searches killed at random moments: what resumes is, bit for bit, what was never killed."""

import json
import pathlib
import random
import signal
import subprocess
import time
from typing import Any

import h5py
import numpy as np

from benchmarks.commands import command
from torture.outcome import Outcome
from torture.workshop import Workshop, started

TRAIN = ("train", "--smoke", "--config.data.limit=200", "--epochs=8")
TUNE = ("tune", "--smoke", "--tuner=random", "--space=beta", "--trials=3", "--config.data.limit=60")
_PATIENCE = 600.0  # seconds that a command may take


def kill_training(workshop: Workshop, kills: int, draw: random.Random) -> Outcome:
    """Kills training again and again; see `_kill`."""
    outcome = Outcome(
        "SIGKILL at a random moment of `train`, then `--resume`", "figures and weights equal those of an unbroken run, bit for bit"
    )
    return _kill(workshop, outcome, TRAIN, "run", "config.json", kills, draw)


def kill_searches(workshop: Workshop, kills: int, draw: random.Random) -> Outcome:
    """Kills searches again and again; see `_kill`."""
    outcome = Outcome("SIGKILL at a random moment of `tune`, then `--resume`", "trials equal those of an unbroken search, bit for bit")
    return _kill(workshop, outcome, TUNE, "search", "search.json", kills, draw)


def _kill(workshop: Workshop, outcome: Outcome, words: tuple[str, ...], flag: str, first: str, kills: int, draw: random.Random) -> Outcome:
    """Kills a command `kills` times, in a folder each, between its file `first` and its end, and compares what --resume ends with.

    A kill that comes when the command has ended is tried again.
    """
    whole = workshop.folder / f"{flag}-whole"
    process = started(command(*words, f"--{flag}={whole}"))
    begun = _wait(process, whole / first)
    _, said = process.communicate(timeout=_PATIENCE)
    seconds = time.monotonic() - begun
    if process.returncode:
        raise RuntimeError(f"the unbroken one ended with status {process.returncode}: {said[-500:]}")
    expected = contents(whole)
    late = number = 0
    while number < kills and late < 10 + kills:
        folder = workshop.folder / f"{flag}-{number}-{late}"
        process = started(command(*words, f"--{flag}={folder}"))
        _wait(process, folder / first)
        moment = draw.uniform(0.0, seconds)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=_PATIENCE)
        if process.returncode != -signal.SIGKILL:
            late += 1
            continue
        number += 1
        again = started(command(*words, f"--{flag}={folder}", "--resume"))
        _, said = again.communicate(timeout=_PATIENCE)
        what = f"killed {moment:.1f} s of {seconds:.1f} s after {first}"
        outcome.count(what, f"status {again.returncode}: {said[-300:]}" if again.returncode else difference(expected, contents(folder)))
    return outcome


def _wait(process: subprocess.Popen, file: pathlib.Path) -> float:
    """Waits until a file is there, and returns when that was."""
    end = time.monotonic() + _PATIENCE
    while not file.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    return time.monotonic()


def contents(folder: pathlib.Path) -> dict[str, Any]:
    """Returns what is in a run or a search that another must have too: figures without times, weights, snapshots, trials' results."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.name == "metrics.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
        elif path.name == "result.json":
            found[name] = {key: value for key, value in json.loads(path.read_text()).items() if key != "seconds"}
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                found |= {f"{name}/{key}": (arrays[key].dtype.str, arrays[key].tobytes()) for key in arrays.files}
        elif path.suffix == ".h5":
            found |= {f"{name}/{key}": value for key, value in _weights(path)}
        elif path.name in ("vocabulary.txt", "memory.json"):
            found[name] = path.read_bytes()
    return found


def _weights(path: pathlib.Path) -> list[tuple[str, bytes]]:
    """The bytes of each array in a file of weights."""
    arrays: list[tuple[str, bytes]] = []
    with h5py.File(path) as file:
        file.visititems(lambda name, node: arrays.append((name, node[()].tobytes())) if isinstance(node, h5py.Dataset) else None)
    return arrays


def difference(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """Returns what differs, "" for nothing."""
    names = [name for name in dict.fromkeys([*expected, *found]) if expected.get(name) != found.get(name)]
    return f"{', '.join(names[:4])} differ" if names else ""
