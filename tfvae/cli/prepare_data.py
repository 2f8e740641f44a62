"""tfvae-prepare-data: fetches and unpacks the corpora of the papers."""

import os
import sys
import tempfile

from absl import flags
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from tfvae.cli.command import run_command
from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS
from tfvae.data.sources import SOURCES, Source, fetch, unpack, verify
from tfvae.errors import UserError, suggest

SUMMARY = (
    "Fetches the corpora of the papers from their official addresses, unpacks and checks them, and says what must be obtained by hand."
)


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _prepare)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_list("corpus", list(SOURCES), f"Corpora, of {', '.join(SOURCES)}.", flag_values=values)
    flags.DEFINE_string("dir", os.environ.get("TFVAE_DATA_DIR", ""), "Folder of all corpora (default $TFVAE_DATA_DIR).", flag_values=values)
    flags.DEFINE_string("archive", "", "Archive that was fetched by hand, of the one corpus that --corpus names.", flag_values=values)
    flags.DEFINE_bool("overwrite", False, "Replace files that are there and differ.", flag_values=values)
    other = "Go on with files whose checksum is not that of the files this project was tested with."
    flags.DEFINE_bool("accept_other_edition", False, other, flag_values=values)


def _prepare(values: flags.FlagValues) -> None:
    for name in values.corpus:
        if name not in SOURCES:
            raise UserError(f"--corpus={name}: no such corpus{suggest(name, SOURCES)}")
    if not values.dir:
        raise UserError("where shall the corpora go? Name a folder with --dir or in $TFVAE_DATA_DIR")
    if values.archive and len(values.corpus) != 1:
        raise UserError("--archive is the archive of one corpus: name it with --corpus")
    root, lacking = os.path.abspath(os.path.expanduser(values.dir)), []
    for name in values.corpus:
        try:
            _prepare_one(name, os.path.join(root, name), values)
        except UserError as error:
            if len(values.corpus) == 1:
                raise UserError(f"{name}: {error}") from None
            print(f"{name}: {error}", file=sys.stderr)
            lacking.append(name)
    if len(lacking) < len(values.corpus):
        print(f"export TFVAE_DATA_DIR={root}  # for the commands to find them")
    if lacking:
        raise UserError(f"not prepared, see above: {', '.join(lacking)}")


def _prepare_one(name: str, folder: str, values: flags.FlagValues) -> None:
    from tfvae.data import corpora
    from tfvae.registry import resolve
    from tfvae.registry.applicable import modality_of

    source, options = SOURCES[name], {"overwrite": values.overwrite, "accept_other_edition": values.accept_other_edition}
    missing = [path for path in source.files if not os.path.exists(os.path.join(folder, path))]
    if values.archive:
        unpack(source, os.path.expanduser(values.archive), folder, **options)
    elif values.overwrite or missing:
        if not source.address:
            _check(source, folder, values)
            lacking = f", and {folder} lacks {', '.join(missing)}" if missing else ""
            raise UserError(f"has no official address{lacking}: {source.by_hand}")
        with tempfile.TemporaryDirectory() as temporary:
            fetched = os.path.join(temporary, os.path.basename(source.address))
            _fetch(source, fetched)
            unpack(source, fetched, folder, **options)
    _check(source, folder, values)  # first: another edition may be why it cannot be read
    corpus = corpora.read(DataConfig(name=name, dir=folder))
    sizes = " / ".join(f"{len(corpus.split(split)):,}" for split in SPLITS)
    items = modality_of(resolve("vae", name)).name
    print(f"{name}: {sizes} {items} of training / validation / test in {folder} ({source.licence})")


def _check(source: Source, folder: str, values: flags.FlagValues) -> None:
    for remark in verify(source, folder, accept_other_edition=values.accept_other_edition):
        print(remark)


def _fetch(source: Source, archive: str) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(source.address)
        fetch(source, archive, lambda done, total: progress.update(task, completed=done, total=total or None))
