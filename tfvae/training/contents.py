"""Folders that commands write: what they may be asked to do there, and which files are the project's, so that no others are deleted."""

import contextlib
import fnmatch
import os
import pathlib
import re
from collections.abc import Collection, Mapping

from tfvae.data.corpus import SPLITS
from tfvae.errors import UserError
from tfvae.training.lock import FILE as LOCK

KEPT_TEXTS = "texts.jsonl"
"""The file of a run that was trained on texts from memory; see `kept_texts` for their other splits."""
KEPT_FEATURES = "features.npy"
"""The file of their features, where they came with some."""
EVENTS = "events.out.tfevents.*"
"""TensorBoard's files."""
_ITEMS = tuple(f"{name}.{ending}" for name in ("samples", "generated", "reconstructed", "interpolated") for ending in ("txt", "png", "npz"))
_CHECKPOINT = ("variables.npz", "memory.json")
Contents = Mapping[str, Collection[str]]
"""Patterns of files' names by the pattern of their folder."""


def kept_texts(split: str) -> str:
    """Returns the file of a run that holds a split of texts from memory."""
    return KEPT_TEXTS if split == "train" else f"texts-{split}.jsonl"


def run_contents() -> Contents:
    """Returns what the project writes into a run directory, by whatever command."""
    from tfvae.models.labels import FILE as LABELS  # here, as these load TensorFlow
    from tfvae.models.topics import FILE as TOPICS
    from tfvae.registry.parts import MODALITIES

    examples = {name for part in MODALITIES.values() for name in getattr(part.make, "files", ())}
    model = ("config.json", "metrics.jsonl", "model.weights.h5", "partial.weights.h5", TOPICS, LABELS, LOCK, *examples)
    return {
        ".": (*model, *map(kept_texts, SPLITS), KEPT_FEATURES, "evaluation.json", *_ITEMS),
        "checkpoint": (),
        "checkpoint/epoch-*": _CHECKPOINT,
        "checkpoint/partial": _CHECKPOINT,
        "snapshots": ("epoch-*.npz", "partial.npz"),
        "tensorboard": (EVENTS, "*s.tsv", "projector_config.pbtxt"),
        "report": ("index.html",),
        "report/pictures": ("*.png", "*.svg"),
    }


def check_asked(folder: pathlib.Path, flag: str, *, overwrite: bool, resume: bool) -> None:
    """Checks what a command is asked to do with the folder that a flag names.

    Raises:
      UserError: to replace what is there and to go on with it, or the folder is a file.
    """
    if overwrite and resume:
        raise UserError("--overwrite and --resume contradict each other: give one")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--{flag}={folder} is a file: name a directory")


def make_folder(folder: pathlib.Path, flag: str) -> None:
    """Makes the folder that a flag names, where it is not there.

    Raises:
      UserError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--{flag}={folder} cannot be made: {error.strerror}; name a directory you may write to") from None


def numbered(folder: pathlib.Path, ending: str = "") -> list[tuple[int, pathlib.Path]]:
    """Returns the epochs of which a folder holds "epoch-NNNNN" with an ending, ascending, and where; other names are passed over."""
    found = [(re.fullmatch(r"epoch-(\d+)" + re.escape(ending), path.name), path) for path in folder.glob("epoch-*")]
    return sorted((int(match[1]), path) for match, path in found if match)


def remove(folder: pathlib.Path, contents: Contents, *, keep: Collection[str] = ()) -> None:
    """Deletes the files that `contents` names and folders that are empty then; all else stays, as do files of `folder` named in `keep`."""
    for parent, folders, files in os.walk(folder, topdown=False):
        place = os.path.relpath(parent, folder)
        known = [names for pattern, names in contents.items() if _matches(place, pattern)]
        for name in (*files, *(name for name in folders if os.path.islink(os.path.join(parent, name)))):
            if any(_is_one_of(name, names) for names in known) and not (place == "." and name in keep):
                os.unlink(os.path.join(parent, name))
        if known and place != ".":
            with contextlib.suppress(OSError):  # something else is in it
                os.rmdir(parent)


def _matches(place: str, pattern: str) -> bool:
    ours, theirs = place.split("/"), pattern.split("/")
    return len(ours) == len(theirs) and all(map(fnmatch.fnmatchcase, ours, theirs))


def _is_one_of(name: str, patterns: Collection[str]) -> bool:
    """Whether a file has one of the names, or is what a kill left half written of one."""
    whole = name.removesuffix(".partial").removesuffix(".tmp")
    return any(fnmatch.fnmatchcase(each, pattern) for pattern in patterns for each in (name, whole, whole.removeprefix(".")))
