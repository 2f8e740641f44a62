"""Checkpoints from which a killed run goes on as if it had not been killed."""

import math
import os
import pathlib
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfvae.data.json_files import load_json, to_json
from tfvae.errors import UserError
from tfvae.training.contents import numbered

_ADVICE = "put it back as the run wrote it, or train anew with --overwrite"
# Of files that are no zip, or no arrays, or not the ones that are wanted.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


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
        (partial / "memory.json").write_text(to_json(memory))
        shutil.rmtree(whole, ignore_errors=True)
        os.replace(partial, whole)
        for _, older in self._whole()[:-1]:
            shutil.rmtree(older)

    def restore(self, memory: Mapping[str, Mapping[str, Any]]) -> tuple[int, dict[str, dict[str, Any]]] | None:
        """Restores the latest state; returns (epochs done, what callbacks remember), None where there is none.

        Args:
          memory: what callbacks remember at first, which says what types it has; what the checkpoint does not have stays.

        Raises:
          UserError: the checkpoint is damaged or of another model.
        """
        found = self._whole()
        if not found:
            return None
        epochs, folder = found[-1]
        path = folder / "variables.npz"
        try:
            remembered = _remembered(memory, load_json(folder / "memory.json", _ADVICE), f"{folder / 'memory.json'}")
            with path.open("rb") as file, np.load(file) as values:  # an .npy file of that name gives an array, which is no context
                for number, variable in enumerate(self._variables()):
                    variable.assign(_like(variable, values[str(number)]))
        except UserError:
            raise
        except _DAMAGE:
            raise UserError(f"{folder} is damaged or of another model: {_ADVICE}") from None
        return epochs, remembered

    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.model.optimizer.variables]

    def _whole(self) -> list[tuple[int, pathlib.Path]]:
        return [(epoch, path) for epoch, path in numbered(self.directory) if path.is_dir()]


def _like(variable: keras.Variable, value: np.ndarray) -> np.ndarray:
    if value.dtype.kind != variable.numpy().dtype.kind or value.shape != tuple(variable.shape):
        raise ValueError(f"{value.dtype} {value.shape} is no value of {variable.path}")
    return value


def _remembered(first: Mapping[str, Mapping[str, Any]], found: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """What callbacks remember: of the types that they had at first, null being a number that was infinite."""
    memory = {name: dict(values) for name, values in first.items()}
    for name in memory.keys() & found.keys():
        if not isinstance(found[name], dict):
            raise UserError(f"{where} is damaged: {name} must be an object; {_ADVICE}")
        for key in memory[name].keys() & found[name].keys():
            kind, value = type(memory[name][key]), found[name][key]
            value = math.inf if kind is float and value is None else float(value) if kind is float and type(value) is int else value
            if type(value) is not kind:
                raise UserError(f"{where} is damaged: {name}.{key} = {value!r} must be of type {kind.__name__}; {_ADVICE}")
            memory[name][key] = value
    return memory
