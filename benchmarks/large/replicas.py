"""What two processes gain over one, each with a core: batches that they share, as large as its or twice as large."""

import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
from typing import Any

from benchmarks.large.place import Place, training
from tfvae.errors import UserError
from tfvae.training.run import Run

_BATCH, _UPDATES = 128, 60
KINDS = {
    "one": "one process",
    "strangers": "two that know nothing of each other",
    "strong": "two that share a batch of the same size",
    "weak": "two that share one of twice the size",
}
"""What is timed."""


def share(place: Place) -> dict[str, Any]:
    """Sentences a second of each of `KINDS`, a core for each process.

    Two that know nothing of each other are what the machine allows: they wait for nothing, and share memory and its caches.
    """
    rates = {}
    for name in KINDS:
        together, size = name in ("strong", "weak"), _BATCH * (2 if name == "weak" else 1)
        processes = 1 if name == "one" else 2
        seconds = _seconds(place, name, processes, size, together)
        rates[name] = round(size * (processes if name == "strangers" else 1) / seconds)
    return {"batch": _BATCH, "updates": _UPDATES, "sentences_per_second": rates}


def _seconds(place: Place, name: str, processes: int, size: int, together: bool) -> float:
    """Median seconds of an update; epochs count from the second one on."""
    runs = [place.folder / (f"share-{name}" if together else f"share-{name}-{number}") for number in range(processes)]
    for run in runs:
        shutil.rmtree(run, ignore_errors=True)
    workers = [f"localhost:{port}" for port in free_ports(processes)]
    started = []
    for number, run in enumerate(runs):
        words = training(run, place.small_shards(), _UPDATES, f"--batch_size={size}", *(["--strategy=multi_worker"] if together else []))
        member = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": number}}
        environment = os.environ | ({"TF_CONFIG": json.dumps(member)} if together else {})
        started.append(subprocess.Popen(["taskset", "-c", str(number), *words], env=environment, stdout=subprocess.DEVNULL))
    ended = [process.wait() for process in started]
    if any(ended):
        raise UserError(f"{KINDS[name]}: a training failed; its error is above")
    return statistics.median(_epochs(runs)) / _UPDATES


def _epochs(runs: list[pathlib.Path]) -> list[float]:
    """Seconds of the epochs of some runs, without their first ones."""
    return [line["seconds"] for run in sorted(set(runs)) for line in Run(str(run)).read_metrics()[1:]]


def free_ports(count: int) -> list[int]:
    """Returns ports of this machine that nobody listens at."""
    found = [socket.socket() for _ in range(count)]
    for one in found:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in found]
    for one in found:
        one.close()
    return ports
