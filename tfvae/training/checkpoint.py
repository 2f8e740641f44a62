"""Checkpoints from which a killed run goes on as if it had not been killed."""

import json
import os
import pathlib
import shutil
import zipfile
from typing import Any

import keras
import numpy as np

from tfvae.errors import UserError


class Checkpoint:
    """The state of training after a whole epoch: weights, optimiser, the step, and what callbacks remember.

    Each is a directory of its own, written beside and renamed, and older ones go only after that: a kill at any moment leaves one whole.
    """

    def __init__(self, directory: pathlib.Path, model: keras.Model) -> None:
        """Keeps checkpoints of a compiled model with a built optimiser under `directory`."""
        self.directory, self.model = directory, model

    def save(self, epoch: int, memory: dict[str, Any]) -> None:
        """Writes the state after `epoch` epochs; `memory` is what callbacks remember, JSON."""
        self.directory.mkdir(parents=True, exist_ok=True)
        partial, whole = self.directory / "partial", self.directory / f"epoch-{epoch:05d}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        np.savez(partial / "variables.npz", **{str(number): variable.numpy() for number, variable in enumerate(self._variables())})
        (partial / "memory.json").write_text(json.dumps(memory))
        shutil.rmtree(whole, ignore_errors=True)
        os.replace(partial, whole)
        for older in self._whole()[:-1]:
            shutil.rmtree(older)

    def restore(self) -> tuple[int, dict[str, Any]] | None:
        """Restores the latest state and returns (epochs done, what callbacks remember); None where there is none.

        Raises:
          UserError: the checkpoint is damaged or of another model.
        """
        found = self._whole()
        if not found:
            return None
        try:
            memory = json.loads((found[-1] / "memory.json").read_text())
            with np.load(found[-1] / "variables.npz") as values:
                for number, variable in enumerate(self._variables()):
                    variable.assign(values[str(number)])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            raise UserError(f"{found[-1]} is damaged or of another model: train anew with --overwrite") from None
        return int(found[-1].name.removeprefix("epoch-")), memory

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.model.optimizer.variables]

    def _whole(self) -> list[pathlib.Path]:
        return sorted(path for path in self.directory.glob("epoch-*") if path.is_dir())
