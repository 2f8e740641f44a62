"""The script: chosen parts, one after another, and the tables of them."""

import datetime
import pathlib
import sys
import tempfile
from typing import Any

from absl import flags

from benchmarks import kept
from benchmarks.large import page
from benchmarks.large.parts import PARTS as OF_CORPUS
from benchmarks.large.place import Place
from benchmarks.large.replicas import share
from benchmarks.machine import machine
from tfvae.cli.command import run_command
from tfvae.data.files import write_text
from tfvae.errors import UserError

SUMMARY = "Measures what a corpus of millions of sentences takes, and what two processes gain over one, on this machine."
PARTS = {**OF_CORPUS, "share": share}
"""Parts by name, in their order."""


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _measure)


def _define_flags(values: flags.FlagValues) -> None:
    flags.DEFINE_list("parts", list(PARTS), "What is measured.", flag_values=values)
    folder = "Folder of the corpus and all that is made of it, which stays; without it, one that does not."
    flags.DEFINE_string("folder", "", folder, flag_values=values)
    for name, default, help in (
        ("sentences", 20_000_000, "Sentences that are drawn."),
        ("lines", 10_000_000, "Of these, that workers encode."),
        ("steps", 1000, "Updates of a training."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=4, flag_values=values)
    flags.DEFINE_string("json", "", "File that figures are written to; other parts' that it has stay.", flag_values=values)
    pages = "Pages whose tables are made of --json, as docs/scale.md,docs/performance.md; --parts= for that alone."
    flags.DEFINE_list("page", [], pages, flag_values=values)


def _measure(values: flags.FlagValues) -> None:
    chosen = kept.chosen(values.parts, PARTS)
    if values.page and not values.json:
        raise UserError("--page is made of a file: name it in --json, as docs/scale.json")
    file = pathlib.Path(values.json)
    results = page.read(file) if values.json else {}
    with tempfile.TemporaryDirectory(prefix="tfvae-large-") as spare:
        place = Place(values.folder or spare, values.sentences, values.lines, values.steps)
        for name in chosen:
            print(f"{name} …", file=sys.stderr, flush=True)
            made: dict[str, Any] = {**PARTS[name](place), "machine": machine(), "day": datetime.date.today().isoformat()}
            results = {**results, name: made}
            results = {part: results[part] for part in PARTS if part in results}
            if values.json:
                kept.write(file, results)
    if chosen:
        print(page.terminal({name: results[name] for name in chosen}))
    for path in map(pathlib.Path, values.page):
        write_text(path, page.render(path.read_text(encoding="utf-8"), results))
