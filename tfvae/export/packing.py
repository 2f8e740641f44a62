"""Small copies of trained runs, to be given to others and loaded by their names."""

import gzip
import pathlib
import re
import shutil
import tarfile

from tfvae.errors import UserError
from tfvae.models.labels import FILE as LABELS
from tfvae.models.topics import FILE as TOPICS
from tfvae.registry.applicable import modality_of
from tfvae.training.fit import load
from tfvae.training.run import Run
from tfvae.training.weights import halve
from tfvae.training.zoo import find

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


def pack(run: str, folder: str, name: str = "") -> tuple[pathlib.Path, pathlib.Path]:
    """Writes what a trained run needs to be used, weights in half precision, and an archive of it.

    Texts that the run was trained on stay out, so what counts them, such as a report, needs the corpus.

    Args:
      run: the run directory, or a name.
      folder: where to, made if need be.
      name: of the folder in it; by default the run's own.

    Returns:
      the folder, and the archive beside it, `name.tar.gz`, which is the same for the same files.

    Raises:
      UserError: there is no trained run, a weight is beyond half precision, or there is something of that name.
    """
    load(run)  # it is whole
    source = Run(find(run).path.resolve())
    target = pathlib.Path(folder).expanduser() / _checked(name or source.path.name)
    archive = target.with_name(f"{target.name}.tar.gz")
    for there in (target, archive):
        if there.exists():
            raise UserError(f"{there} is there already: name another, or delete it")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        files = (source.config_file.name, source.metrics_file.name, TOPICS, LABELS, "evaluation.json", *modality_of(source.config()).files)
        for file in files:
            if (source.path / file).exists():
                shutil.copyfile(source.path / file, partial / file)
        halve(source.weights_file, partial / source.weights_file.name)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _archive(target, archive)
    return target, archive


def _archive(folder: pathlib.Path, target: pathlib.Path) -> None:
    """Writes a folder's files, without times and owners, so that the same files are the same archive."""
    partial = target.with_name(f".{target.name}.partial")
    with partial.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for file in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"{folder.name}/{file.name}")
            entry.size, entry.mode = file.stat().st_size, 0o644
            with file.open("rb") as content:
                tar.addfile(entry, content)
    partial.replace(target)


def _checked(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise UserError(f"--name={name}: must be letters, digits, '.', '_' and '-', the first a letter or a digit")
    return name
