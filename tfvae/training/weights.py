"""The weights of a run's selected epoch, and what ties them to the files that say what an example's numbers mean."""

import hashlib
import os
import pathlib

import h5py
import keras
import numpy as np

from tfvae.errors import UserError
from tfvae.registry.applicable import modality_of
from tfvae.training.run import Run

_EXAMPLES = "tfvae_examples"  # the attribute of the file of weights


def save_weights(model: keras.Model, run: Run) -> None:
    """Writes the weights beside and renames them; with them goes a hash of the modality's files, such as vocabulary.txt."""
    partial = run.path / "partial.weights.h5"
    # HDF5 crashes the process when the disk is full, so the room it will need is tried first.
    variables = [*model.variables, *model.optimizer.variables]
    needed = sum(variable.numpy().nbytes + 4096 for variable in variables)
    with partial.open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, needed)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(partial)) from None
    model.save_weights(partial, overwrite=True)
    with h5py.File(partial, "a") as file:
        file.attrs[_EXAMPLES] = _hash_of_examples(run)
    os.replace(partial, run.weights_file)


def load_weights(model: keras.Model, run: Run) -> None:
    """Reads the weights.

    Raises:
      UserError: there are none, they are damaged or of another model, or the modality's files are not those that they were trained with; of
        a run from before there was a hash that is not known.
    """
    if not run.weights_file.exists():
        raise UserError(f"--run={run.path}: no epoch was completed there; train it further with --resume")
    try:
        with h5py.File(run.weights_file) as file:
            trained_with = file.attrs.get(_EXAMPLES)
        model.load_weights(run.weights_file)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
        raise UserError(f"{run.weights_file} is damaged or of another model: train anew with --overwrite") from None
    if trained_with not in (None, _hash_of_examples(run)):
        files = ", ".join(str(run.path / name) for name in modality_of(run.config()).files)
        raise UserError(f"{files} is not what {run.weights_file} was trained with: put it back as the run wrote it")


def halve(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies a file of weights with its numbers in half precision, compressed, and without the optimiser's.

    Raises:
      UserError: a weight is beyond the range of half precision.
    """
    with h5py.File(source) as full, h5py.File(target, "w") as half:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if name.split("/")[0] == "optimizer":
                return
            if isinstance(item, h5py.Dataset):
                values = item[()]
                if values.dtype == np.float32:
                    if np.abs(values).max(initial=0) > np.finfo(np.float16).max:
                        raise UserError(f"{source}: {name} is beyond the range of half precision; such a run cannot be packed")
                    values = values.astype(np.float16)
                options = {"compression": "gzip", "shuffle": True} if values.ndim else {}
                copied = half.create_dataset(name, data=values, **options)
            else:
                copied = half.require_group(name)
            copied.attrs.update(item.attrs)

        half.attrs.update(full.attrs)
        full.visititems(copy)


def _hash_of_examples(run: Run) -> str:
    """SHA-256 of the modality's files, however their lines end."""
    found = hashlib.sha256()
    for file in [run.path / name for name in modality_of(run.config()).files]:
        if file.exists():
            found.update(file.name.encode() + b"\n" + file.read_bytes().replace(b"\r\n", b"\n"))
    return found.hexdigest()
