"""The run directory: everything a run leaves behind."""

import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.version import __version__

_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy")


class Run:
    """Paths and files of one run. Files are written beside and renamed, so a kill leaves whole ones."""

    def __init__(self, path: str | os.PathLike) -> None:
        """Names the directory; nothing is made or read yet."""
        self.path = pathlib.Path(path)

    config_file = property(lambda self: self.path / "config.json")
    vocabulary_file = property(lambda self: self.path / "vocabulary.txt")
    metrics_file = property(lambda self: self.path / "metrics.jsonl")
    weights_file = property(lambda self: self.path / "model.weights.h5")
    checkpoint_dir = property(lambda self: self.path / "checkpoint")
    snapshot_dir = property(lambda self: self.path / "snapshots")
    tensorboard_dir = property(lambda self: self.path / "tensorboard")

    def create(self, config: Config, *, overwrite: bool = False, resume: bool = False) -> None:
        """Makes the directory and writes `config.json`, or checks that what is there may be resumed or overwritten.

        Args:
          config: of the run.
          overwrite: whether an existing run is deleted.
          resume: whether an existing run of the same configuration is continued, with more epochs if asked for; one that does not exist is
            begun.

        Raises:
          UserError: there is a run already and neither is set; it is another configuration's; or the path is no directory.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"--run={self.path} is a file: name a directory")
        if self.config_file.exists() and resume:
            self._check_same(config)
        else:
            self._make(overwrite)
        write_text(self.config_file, json.dumps({**config.to_dict(), "versions": versions()}, indent=2) + "\n")

    def _make(self, overwrite: bool) -> None:
        if self.path.exists() and any(self.path.iterdir()):
            if not overwrite:
                what = "a run is there already" if self.config_file.exists() else "the directory is not empty"
                raise UserError(f"--run={self.path}: {what}; add --resume to continue it, --overwrite to replace it, or name another")
            if not self.config_file.exists():
                raise UserError(f"--run={self.path}: the directory holds no run, so --overwrite does not delete it; name another")
            shutil.rmtree(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--run={self.path} cannot be made: {error.strerror}; name a directory you may write to") from None

    def config(self) -> Config:
        """Reads the configuration.

        Raises:
          UserError: there is no run here, or its file is damaged.
        """
        try:
            values = json.loads(self.config_file.read_text())
        except FileNotFoundError:
            raise UserError(f"--run={self.path}: no run is there (no config.json); name the directory of one") from None
        except ValueError as error:
            raise UserError(f"{self.config_file} is not valid JSON: {error}") from None
        values.pop("versions", None)
        return Config.from_dict(values)

    def _check_same(self, config: Config) -> None:
        before, after = self.config().flat(), config.flat()
        changed = [f"config.{path} is {before[path]!r} there and {after[path]!r} here" for path in after if before[path] != after[path]]
        changed = [change for change in changed if not change.startswith("config.training.epochs ")]
        if changed:
            raise UserError(f"--run={self.path} is another configuration's: {changed[0]}; use its settings or name another directory")

    def read_metrics(self) -> list[dict[str, Any]]:
        """Returns the lines of metrics.jsonl, an epoch each; a last line that a kill cut short is left out."""
        if not self.metrics_file.exists():
            return []
        lines = self.metrics_file.read_text().split("\n")
        return [json.loads(line) for line in lines[:-1] if line]

    def append_metrics(self, values: Mapping[str, Any]) -> None:
        """Appends a line."""
        with self.metrics_file.open("a") as file:
            file.write(json.dumps(values) + "\n")

    def keep_epochs(self, count: int) -> None:
        """Drops what was written after the first `count` epochs."""
        kept = [line for line in self.read_metrics() if line["epoch"] <= count]
        write_text(self.metrics_file, "".join(json.dumps(line) + "\n" for line in kept))
        for snapshot in self.snapshot_dir.glob("epoch-*.npz"):
            if int(snapshot.stem.removeprefix("epoch-")) > count:
                snapshot.unlink()


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file beside and renames it into place."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


def versions() -> dict[str, str]:
    """Returns the versions of this package, of what it computes with and of its git revision, where there is one."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"tfvae": __version__, "python": platform.python_version(), **found, "git": _git_revision()}


def _git_revision() -> str:
    source = pathlib.Path(__file__).parent
    try:
        answer = subprocess.run(
            ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def default_path(config: Config, usual: Config) -> str:
    """Returns runs/<model>-<data>-<changed fields>-<seed>, the fields being those that differ from the model's usual ones."""
    ours, theirs = config.flat(), usual.flat()
    unnamed = ("model", "data.name", "data.dir", "training.seed", "training.epochs")
    changed = [f"{path.rsplit('.', 1)[1]}={_short(ours[path])}" for path in ours if ours[path] != theirs[path] and path not in unnamed]
    return "runs/" + "-".join([config.model, config.data.name, *changed, str(config.training.seed)])


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return pathlib.PurePath(str(value)).name[:40] if isinstance(value, str) else str(value)
