"""Programs of which time and memory are measured while they run, in processes of their own."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence

from tfvae.errors import UserError

_PAUSE = 0.5  # seconds between two looks


@dataclasses.dataclass
class Measured:
    """What a program took.

    Attributes:
      seconds: from its start to its end.
      resident_mb: what one of its processes had in memory at most, pages of mapped files included.
      own_mb: of that, what is no file's, at most.
      half_mb: as `resident_mb`, up to the middle of that time: what grows has less then.
      printed: its standard output.
    """

    seconds: float
    resident_mb: int
    own_mb: int
    half_mb: int
    printed: str

    def figures(self) -> dict[str, float]:
        """Returns its numbers."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name != "printed"}


def watch(command: Sequence[str], *, meanwhile: Callable[[int], None] | None = None) -> Measured:
    """Runs a program and looks twice a second at the memory of each of its processes.

    Args:
      command: its words.
      meanwhile: called with the process's number again and again while it runs, to meddle with it.

    Raises:
      UserError: it failed.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        started = subprocess.Popen(list(command), stdout=out, stderr=err)
        looks: list[tuple[float, int, int]] = []
        done = threading.Event()
        looking = threading.Thread(target=_look, args=(started.pid, looks, begun, done), daemon=True)
        looking.start()
        try:
            while started.poll() is None:
                if meanwhile:
                    meanwhile(started.pid)
                time.sleep(_PAUSE / 5)
        finally:
            started.kill()
            done.set()
            looking.join()
        seconds = time.perf_counter() - begun
        for file in (out, err):
            file.seek(0)
        if started.returncode:
            raise UserError(f"{' '.join(command[:4])} ended with status {started.returncode}: {err.read()[-500:]}")
        half = max((resident for at, resident, _ in looks if at < seconds / 2), default=0)
        resident = max((size for _, size, _ in looks), default=0)
        own = max((size for _, _, size in looks), default=0)
        return Measured(round(seconds, 1), resident, own, half, out.read())


def descendants(process: int) -> set[int]:
    """Returns the numbers of the processes below one."""
    parents: dict[int, int] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it may have ended
            parents[int(entry)] = int(pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def works(process: int) -> bool:
    """Whether a process has TensorFlow loaded: it is a worker, and no manager of such."""
    try:
        return "libtensorflow" in pathlib.Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return False


def _look(process: int, looks: list[tuple[float, int, int]], begun: float, done: threading.Event) -> None:
    """Notes seconds, and MB of the largest process, resident and own."""
    while not done.wait(_PAUSE):
        sizes = [_memory(each) for each in (process, *descendants(process))]
        looks.append((time.perf_counter() - begun, max(resident for resident, _ in sizes), max(own for _, own in sizes)))


def _memory(process: int) -> tuple[int, int]:
    """A process's MB, resident and of no file; 0 where it has ended."""
    try:
        lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name in ("VmRSS", "RssAnon")}
    return sizes.get("VmRSS", 0) >> 10, sizes.get("RssAnon", 0) >> 10
