"""What attacks begin with: a small run and an export of it, made once where an attack wants them."""

import functools
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

from benchmarks.serving import MODEL
from tfvae.cli.model import SMOKE
from tfvae.export.saved_model import export
from tfvae.export.settings import Settings
from tfvae.registry import resolve
from tfvae.training.fit import fit

ROOT = pathlib.Path(__file__).parents[1]


class Workshop:
    """A folder with a run and an export in it."""

    def __init__(self, folder: str | os.PathLike, like: "Workshop | None" = None) -> None:
        """Takes a folder; nothing is made yet, and where it is `like` another, its run and its export are copied."""
        self.folder, self.like = pathlib.Path(folder), like

    @functools.cached_property
    def run(self) -> pathlib.Path:
        """A run of two epochs."""
        if self.like:
            return shutil.copytree(self.like.run, self.folder / "run")
        config = resolve("dem_vae", "demo", base={**SMOKE, "data.limit": 60, "training.epochs": 2})
        fit(config, str(self.folder / "run"), say=lambda line: None)
        return self.folder / "run"

    @functools.cached_property
    def models(self) -> pathlib.Path:
        """A folder of exports with version 1 of a model."""
        if self.like:
            return shutil.copytree(self.like.models, self.folder / "models")
        settings = Settings(samples=5, steps=3, max_length=10)
        export(str(self.run), str(self.folder / "models"), name=MODEL, settings=settings)
        return self.folder / "models"

    def place(self, name: str) -> pathlib.Path:
        """Returns a folder that is made."""
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        return self.folder / name


def started(words: Sequence[str], **more: object) -> subprocess.Popen:
    """Starts a command; what it prints is kept for `communicate`."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT, "env": environment, **more}
    return subprocess.Popen(list(words), **options)
