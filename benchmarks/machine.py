"""The machine that figures are of."""

import os
import pathlib
import platform

import tensorflow as tf

from tfvae.version import __version__


def machine() -> str:
    """Returns the machine in words, and the versions that count."""
    model = next(iter(_lines("/proc/cpuinfo", "model name")), platform.machine())
    memory = next(iter(_lines("/proc/meminfo", "MemTotal")), "")
    size = f", {round(int(memory.split()[0]) / 2**20)} GiB" if memory else ""
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, tfvae {__version__}"
    return f"{model}, {len(os.sched_getaffinity(0))} cores{size}; {platform.system()} {platform.release().split('-')[0]}; {versions}"


def _lines(path: str, name: str) -> list[str]:
    try:
        lines = pathlib.Path(path).read_text().splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith(name)]
