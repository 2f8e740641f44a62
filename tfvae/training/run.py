"""The run directory: everything a run leaves behind."""

import contextlib
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfvae.config import Config
from tfvae.data.files import write_text
from tfvae.data.json_files import load_json, parse_json, to_json
from tfvae.data.labelled_texts import LabelledTexts
from tfvae.errors import UserError
from tfvae.machine import machine
from tfvae.training.contents import KEPT_FEATURES, KEPT_TEXTS, check_asked, kept_texts, make_folder, numbered, remove, run_contents
from tfvae.training.formats import FORMAT, migrated
from tfvae.training.lock import FILE as LOCK
from tfvae.training.lock import writing
from tfvae.version import __version__

_BACK = "put it back as the run wrote it"
_PACKAGES = ("tensorflow", "keras", "tensorflow-probability", "numpy")


class Run:
    """Paths and files of one run. Files are written beside and renamed, so a kill leaves whole ones."""

    def __init__(self, path: str | os.PathLike) -> None:
        """Names the directory; nothing is made or read yet."""
        self.path = pathlib.Path(path).expanduser()

    config_file = property(lambda self: self.path / "config.json")
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
          UserError: there is a run already and neither is set, or both are; it is another configuration's; or the path is no directory.
        """
        check_asked(self.path, "run", overwrite=overwrite, resume=resume)
        if resume and self.config_file.exists():
            self._check_same(config)
            return
        if self._contents():
            if not self._is_run():
                raise UserError(f"--run={self.path}: the directory holds something else, which stays as it is; name another")
            if not overwrite:
                raise UserError(f"--run={self.path}: a run is there already; add --resume to continue it, --overwrite to replace it")
            # The file that says it is a run stays: what a kill leaves can be overwritten again.
            remove(self.path, run_contents(), keep=(self.config_file.name, LOCK))
        make_folder(self.path, "run")
        write_text(self.config_file, json.dumps({"format": FORMAT, **config.to_dict(), "versions": versions()}, indent=2) + "\n")

    @contextlib.contextmanager
    def writing(self, config: Config, *, overwrite: bool = False, resume: bool = False) -> Iterator[None]:
        """Does what `create` does, and keeps other processes from writing into the run until the end.

        Raises:
          UserError: as of `create`, or another process writes there.
        """
        check_asked(self.path, "run", overwrite=overwrite, resume=resume)
        make_folder(self.path, "run")
        with writing(self.path):
            self.create(config, overwrite=overwrite, resume=resume)
            yield

    def _contents(self) -> list[pathlib.Path]:
        """What the directory holds beside what a kill leaves of one that was begun."""
        return [path for path in self.path.glob("*") if path.name not in ("config.json.partial", LOCK)]

    def _is_run(self) -> bool:
        try:
            values = self._read_config()
        except UserError:
            return False
        return isinstance(values.get("model"), str) and "tfvae" in values["versions"]

    def _read_config(self) -> dict[str, Any]:
        try:
            values = load_json(self.config_file, _BACK)
        except FileNotFoundError:
            raise UserError(f"--run={self.path}: no run is there (no config.json); name the directory of one") from None
        if not isinstance(values.get("versions"), dict):
            raise UserError(f"{self.config_file} holds no configuration of a run: it names no versions; {_BACK}")
        return migrated(values, str(self.config_file))

    def config(self) -> Config:
        """Reads the configuration; a field that was not known yet when it was written has its default, which is what was done then.

        Raises:
          UserError: there is no run here, its file is damaged, or it has a field that this version does not know.
        """
        values = self._read_config()
        del values["versions"], values["format"]
        try:
            config = Config.from_dict(values)
        except UserError as error:
            raise UserError(f"{self.config_file}: {error}") from None
        if config.data.train_file == KEPT_TEXTS:
            config.data.dir = str(self.path)  # wherever the directory is by now
        return config

    def keep_texts(self, texts: LabelledTexts, split: str = "train") -> None:
        """Writes a split of the texts that the run is trained on, as the corpus `jsonl` reads them.

        Raises:
          UserError: others are there.
        """
        rows = [{"text": text, **{name: texts.labels[name][i] for name in texts.labels}} for i, text in enumerate(texts.texts)]
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        file = self.path / kept_texts(split)
        if file.exists() and file.read_bytes() != content.encode():
            raise UserError(f"{file}: the run was trained on other texts; take them again, or --overwrite the run")
        write_text(file, content)
        if texts.features is not None:
            partial = self.path / f".{KEPT_FEATURES}"
            np.save(partial, texts.features)
            os.replace(partial, self.path / KEPT_FEATURES)

    def versions(self) -> dict[str, str]:
        """Returns the versions that the run began with, as `versions` has them."""
        return dict(self._read_config()["versions"])

    def extend(self, epochs: int) -> None:
        """Records that a run goes on to more epochs; all else, versions included, stays."""
        if self.config().training.epochs < epochs:
            values = self._read_config()
            values["training"] = {**values.get("training", {}), "epochs": epochs}
            write_text(self.config_file, json.dumps(values, indent=2) + "\n")

    def _check_same(self, config: Config) -> None:
        before, after = self.config().flat(), config.flat()
        changed = [f"config.{path} is {before[path]!r} there and {after[path]!r} here" for path in after if before[path] != after[path]]
        changed = [change for change in changed if not change.startswith("config.training.epochs ")]
        if changed:
            raise UserError(f"--run={self.path} is another configuration's: {changed[0]}; use its settings or name another directory")

    def snapshots(self) -> list[tuple[int, pathlib.Path]]:
        """Returns the epochs of which there are snapshots, ascending, and their files."""
        return numbered(self.snapshot_dir, ".npz")

    def read_metrics(self) -> list[dict[str, Any]]:
        """Returns the lines of metrics.jsonl, an epoch each, where null is nan; a last line that a kill cut short is left out.

        Raises:
          UserError: a line is none of an epoch's figures, or an epoch that the checkpoint has is missing.
        """
        if not self.metrics_file.exists():
            return []
        epochs = max((epoch for epoch, _ in numbered(self.checkpoint_dir)), default=0)  # first: training may go on meanwhile
        texts = self.metrics_file.read_bytes().split(b"\n")[:-1]
        lines = [_figures(text, epoch, f"{self.metrics_file}, line {epoch},") for epoch, text in enumerate(texts, 1)]
        self._check_holds(lines, epochs)
        return lines

    def _check_holds(self, lines: list[dict[str, Any]], epochs: int) -> None:
        if len(lines) < epochs:
            raise UserError(
                f"{self.metrics_file} lacks the figures of epoch {len(lines) + 1}, and the checkpoint is of epoch {epochs}: {_BACK}, or "
                "train anew with --overwrite"
            )

    def figures_at(self, step: int) -> dict[str, Any]:
        """Returns the line of metrics.jsonl of the epoch that ended with a step.

        Raises:
          UserError: there is none, or the file is damaged.
        """
        for line in self.read_metrics():
            if line.get("step") == step:
                return line
        raise UserError(f"{self.metrics_file} holds no figures of the epoch whose weights were kept: {_BACK}")

    def append_metrics(self, values: Mapping[str, Any]) -> None:
        """Appends a line."""
        with self.metrics_file.open("a") as file:
            file.write(to_json(values) + "\n")

    def keep_epochs(self, count: int) -> None:
        """Drops what was written after the first `count` epochs.

        Raises:
          UserError: metrics.jsonl has not as many, or is damaged.
        """
        lines = self.read_metrics()
        self._check_holds(lines, count)
        write_text(self.metrics_file, "".join(to_json(line) + "\n" for line in lines[:count]))
        for epoch, snapshot in self.snapshots():
            if epoch > count:
                snapshot.unlink()


def _figures(text: bytes, epoch: int, where: str) -> dict[str, Any]:
    """An epoch's line of metrics.jsonl."""
    advice = f"{_BACK}, or train anew with --overwrite"
    values = parse_json(text, where, advice)
    if values.get("epoch") != epoch:
        raise UserError(f"{where} is damaged: must hold the figures of epoch {epoch}; {advice}")
    try:
        return {name: _number(value) for name, value in values.items()}
    except TypeError:
        raise UserError(f"{where} is damaged: must hold numbers, and lists of them; {advice}") from None


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(each) for each in value]
    if value is not None and not isinstance(value, int | float):
        raise TypeError
    return math.nan if value is None else value


def versions() -> dict[str, str]:
    """Returns the versions of this package, of what it computes with and of its git revision, where there is one; and the machine."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"tfvae": __version__, "python": platform.python_version(), **found, "git": _git_revision(), "machine": machine()}


def _git_revision() -> str:
    source = pathlib.Path(__file__).parent
    try:
        # Only if git keeps this very file: an installed package may lie inside a repository of something else.
        subprocess.run(["git", "-C", str(source), "ls-files", "--error-unmatch", "run.py"], capture_output=True, timeout=10, check=True)
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
