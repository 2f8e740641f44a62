"""Two processes on one folder: one works, the other is told so, and what is written is what one alone writes."""

import random
import time

from benchmarks.commands import command
from torture.kills import contents, difference
from torture.outcome import Outcome
from torture.workshop import Workshop, started

TRAIN = ("train", "--smoke", "--config.data.limit=100", "--epochs=3")
_PATIENCE = 600.0


def crowd(workshop: Workshop, rounds: int, draw: random.Random) -> Outcome:
    """Starts two trainings of one run at about the same time, again and again, with --resume and without in turns."""
    outcome = Outcome(
        "two processes train into one run", "one trains, the other ends with one line and status 2, and the run equals that of one alone"
    )
    alone = started(command(*TRAIN, f"--run={workshop.folder / 'alone'}"))
    _, said = alone.communicate(timeout=_PATIENCE)
    if alone.returncode:
        raise RuntimeError(f"the one alone ended with status {alone.returncode}: {said[-500:]}")
    expected = contents(workshop.folder / "alone")
    for i in range(rounds):
        run = workshop.folder / f"crowd-{i}"
        words = command(*TRAIN, f"--run={run}", *(["--resume"] if i % 2 else []))
        first = started(words)
        time.sleep(draw.uniform(0.0, 1.0))
        both = [first, started(words)]
        ends = [(process.communicate(timeout=_PATIENCE)[1], process.returncode) for process in both]
        outcome.count(f"round {i}", ended(ends) or difference(expected, contents(run)))
    return outcome


def ended(ends: list[tuple[str, int]]) -> str:
    """Returns what is wrong with how two processes ended, each with what it said of errors and its status."""
    statuses = sorted(status for _, status in ends)
    if statuses == [0, 0]:  # with --resume, one may begin when the other is done
        return ""
    if statuses != [0, 2]:
        return f"statuses {statuses}: {ends[0][0][-200:]} {ends[1][0][-200:]}"
    [said] = [said for said, status in ends if status == 2]
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    return "" if len(lines) == 1 and "Traceback" not in said else f"it said {said[-300:]!r}"
