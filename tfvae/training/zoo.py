"""Trained models by name: folders of packed runs, one of which comes with the package."""

import os
import pathlib

from tfvae.errors import UserError
from tfvae.training.run import Run

ENVIRONMENT = "TFVAE_ZOO"
"""The variable that names a folder of packed runs."""
PACKAGED = pathlib.Path(__file__).parents[1] / "zoo"
"""The folder of those that come with the package."""


def find(run: str, *, writes: bool = False) -> Run:
    """Returns the run of a directory, or, where there is none, of a name: in $TFVAE_ZOO, or among those that come with the package.

    Args:
      run: the directory, or the name.
      writes: whether something is to be written into it.

    Raises:
      UserError: it comes with the package and is to be written into.
    """
    found = _found(run)
    if writes and PACKAGED in found.path.resolve().parents:
        name = found.path.name
        raise UserError(f"--run={name} comes with tfvae and stays as it is: `cp -r {found.path} runs/{name}`, and name the copy")
    return found


def _found(run: str) -> Run:
    path = pathlib.Path(run).expanduser()
    if len(path.parts) == 1 and not path.exists():
        own = os.environ.get(ENVIRONMENT, "")
        for folder in ([pathlib.Path(own)] if own else []) + [PACKAGED]:
            if Run(folder / run).config_file.exists():
                return Run(folder / run)
    return Run(run)
