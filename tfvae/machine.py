"""The machine that figures are of."""

import collections
import os
import pathlib
import platform


def machine() -> str:
    """Returns the processor, the cores that this process may use, the memory, and NVIDIA's GPUs, as far as the system says."""
    model = next(iter(_values("/proc/cpuinfo", "model name")), platform.machine())
    memory = [f"{round(int(value.split()[0]) / 2**20)} GiB" for value in _values("/proc/meminfo", "MemTotal")]
    cards = [name for path in pathlib.Path("/proc/driver/nvidia/gpus").glob("*/information") for name in _values(path, "Model")]
    gpus = [f"{count} x {name}" for name, count in collections.Counter(cards).items()]
    return ", ".join([model, f"{_cores()} cores", *memory, *gpus])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _values(path: str | os.PathLike, name: str) -> list[str]:
    """What stands behind a name and a colon in a file of the system; nothing where there is no such file."""
    try:
        lines = pathlib.Path(path).read_text().splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name]
