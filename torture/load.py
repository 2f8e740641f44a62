"""A server under load while versions of its model drop in: answers are right, and memory does not grow."""

import contextlib
import itertools
import os
import random
import shutil
import statistics
import threading
import time
from collections.abc import Iterator

from benchmarks.serving import MODEL, Served, load, questions, served
from torture.outcome import Outcome
from torture.requests import send_bodies, send_raw_contents
from torture.workshop import Workshop

_CONNECTIONS = 8
_KEPT = 2  # versions on disk, the latest, as the server has them in memory
_SETTLED = 3  # versions after which memory is looked at


class Versions:
    """Drops versions of a model into a server's folder, all of one export, and takes older ones away."""

    def __init__(self, workshop: Workshop, server: Served) -> None:
        """Takes a server of the workshop's models."""
        self.home, self.server, self.number = workshop.models / MODEL, server, 1
        self.memory: list[int] = []  # MB after each version

    def drop(self) -> bool:
        """Drops a version in and waits until it answers; returns whether it did."""
        self.number += 1
        partial = self.home / "partial"
        shutil.copytree(self.home / str(self.number - 1), partial, copy_function=os.link)
        partial.rename(self.home / str(self.number))
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if self.server.ask("GET", f"/v2/models/{MODEL}/versions/{self.number}/ready")[0] == 200:
                break
            time.sleep(0.2)
        else:
            return False
        shutil.rmtree(self.home / str(self.number - _KEPT), ignore_errors=True)
        self.memory.append(self.server.memory())
        return True


@contextlib.contextmanager
def dropping(versions: Versions, seconds: float, most: int) -> Iterator[list[int]]:
    """Drops a version in every some seconds, up to `most`; yields the numbers of those that did not answer."""
    stop, failed = threading.Event(), []

    def work() -> None:
        due = time.monotonic() + seconds  # how long one takes does not put off the next
        while not stop.wait(max(0.0, due - time.monotonic())) and len(versions.memory) + len(failed) < most:
            if not versions.drop():
                failed.append(versions.number)
            due = max(due, time.monotonic() - seconds) + seconds

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield failed
    finally:
        stop.set()
        thread.join()


def grown(memory: list[int]) -> float:
    """Returns how many times the memory after the last versions is that after the first ones have settled; 1 where there are few."""
    settled = memory[_SETTLED:]
    if len(settled) < 4:
        return 1.0
    quarter = max(1, len(settled) // 4)
    return round(statistics.median(settled[-quarter:]) / statistics.median(settled[:quarter]), 3)


def answer(workshop: Workshop, requests: int, seconds: float = 10.0) -> Outcome:
    """Sends requests of every signature while a version drops in every some seconds."""
    outcome = Outcome("a request to `tfvae-serve` while versions drop in", "answered, as the exported graph answers")
    with served(workshop.models) as server:
        versions = Versions(workshop, server)
        with dropping(versions, seconds, 10_000) as failed:
            result = load(server, questions(workshop.models / MODEL / "1"), requests, _CONNECTIONS)
        _take(outcome, result, failed)
        outcome.figures = {
            "connections": _CONNECTIONS,
            "versions": len(versions.memory),
            "memory_mb": [result["memory_mb_before"], *versions.memory, server.memory()],
        }
    return outcome


def _take(outcome: Outcome, result: dict, failed: list[int]) -> None:
    outcome.tried += result["requests"]
    outcome.broken += [str(result.get("first_problem"))] * (result["lost"] + result["wrong"])
    outcome.broken += [f"version {number} never answered" for number in failed]


def soak(workshop: Workshop, minutes: float, versions: int, draw: random.Random) -> Outcome:
    """Keeps a server busy: requests of all signatures, malformed ones between, and versions that come and go."""
    outcome = Outcome("a request of a mixed load for minutes, versions coming and going", "answered rightly, and memory is flat")
    asked = questions(workshop.models / MODEL / "1")  # once: all versions are of one export, and a graph that was loaded stays in memory
    end = time.monotonic() + 60 * minutes
    with served(workshop.models) as server:
        coming = Versions(workshop, server)
        with dropping(coming, 60 * minutes / versions, versions) as failed:
            for _ in itertools.count():
                _take(outcome, load(server, asked, 200, _CONNECTIONS), [])
                send_bodies(server, 20, draw, outcome)
                send_raw_contents(server, 20, draw, outcome)
                if time.monotonic() > end:
                    break
        _take(outcome, {"requests": 0, "lost": 0, "wrong": 0}, failed)
        growth = grown(coming.memory)
        outcome.figures = {"minutes": minutes, "versions": len(coming.memory), "memory_mb": coming.memory, "last_over_first": growth}
        if growth > 1.1:
            outcome.broken.append(f"memory grew to {growth} times: {coming.memory}")
    return outcome
