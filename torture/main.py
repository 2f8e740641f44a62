"""The script: chosen attacks, one after another, a table, and the page of them."""

import datetime
import pathlib
import random
import sys
import tempfile
from collections.abc import Callable
from typing import Any

from absl import flags

from benchmarks import kept
from benchmarks.machine import machine
from tfvae.cli.command import run_command
from tfvae.errors import UserError
from torture import crowding, fuzz, kills, load, page, places, requests
from torture.outcome import Outcome
from torture.workshop import Workshop

SUMMARY = "Tries to break tfvae on purpose and counts what held; without a network. Status 1 where something broke."
Part = Callable[[Workshop, flags.FlagValues, random.Random], Outcome]
PARTS: dict[str, Part] = {
    "train-kills": lambda shop, values, draw: kills.kill_training(shop, values.kills, draw),
    "tune-kills": lambda shop, values, draw: kills.kill_searches(shop, values.tune_kills, draw),
    "crowding": lambda shop, values, draw: crowding.crowd(shop, values.rounds, draw),
    **{
        f"fuzz-{name}": lambda shop, values, draw, attack=attack: attack(shop, values.reads, draw)  # type: ignore[misc]
        for name, attack in fuzz.PARTS.items()
    },
    "fuzz-requests": lambda shop, values, draw: requests.malform(shop, values.reads, draw),
    "requests": lambda shop, values, draw: load.answer(shop, values.requests),
    "names": lambda shop, values, draw: places.traverse(shop),
    "archives": lambda shop, values, draw: places.slip(shop),
    "reports": lambda shop, values, draw: places.escape(shop),
    "soak": lambda shop, values, draw: load.soak(shop, values.minutes, values.versions, draw),
}
"""Parts by name, in their order."""


def main() -> None:
    """Entry point."""
    run_command(SUMMARY, _define_flags, _torture)


def _define_flags(values: flags.FlagValues) -> None:
    names = ", ".join(PARTS)
    flags.DEFINE_list("parts", ["all"], f"What is tried, of {names}; all: everything but soak.", flag_values=values)
    for name, default, help in (
        ("kills", 29, "Trainings that are killed."),
        ("tune_kills", 5, "Searches that are killed."),
        ("rounds", 6, "Times that two processes share a run."),
        ("reads", 600, "Damaged inputs of each kind."),
        ("requests", 10_000, "Requests while versions drop in."),
        ("versions", 100, "Versions that come and go in a soak."),
        ("seed", 0, "Of all that is drawn."),
    ):
        flags.DEFINE_integer(name, default, help, lower_bound=0, flag_values=values)
    flags.DEFINE_float("minutes", 30.0, "Length of a soak.", lower_bound=0, flag_values=values)
    flags.DEFINE_string("json", "", "File that outcomes are written to; other parts' that it has stay.", flag_values=values)
    flags.DEFINE_string(
        "page", "", "Page whose table is made of --json, as docs/reliability.md; --parts= for that alone.", flag_values=values
    )


def _torture(values: flags.FlagValues) -> None:
    chosen = kept.chosen([name for name in PARTS if name != "soak"] if values.parts == ["all"] else values.parts, PARTS)
    if values.page and not values.json:
        raise UserError("--page is made of a file: name it in --json, as docs/reliability.json")
    file = pathlib.Path(values.json)
    results = page.read(file) if values.json else {}  # looked at first: what is no such file is not written over
    with tempfile.TemporaryDirectory(prefix="tfvae-torture-") as folder:
        shop = Workshop(folder)
        for name in chosen:
            print(f"{name} …", file=sys.stderr, flush=True)
            outcome = attempt(name, values, shop)
            results = {**results, **(page.read(file) if values.json else {}), name: outcome}  # others may try other parts meanwhile
            results = {part: results[part] for part in PARTS if part in results}
            if values.json:
                kept.write(file, results)
    print(page.terminal({name: results[name] for name in PARTS if name in chosen}))
    if values.page:
        document = pathlib.Path(values.page)
        document.write_text(page.render(document.read_text(encoding="utf-8"), results, PARTS), encoding="utf-8")
    if any(results[name]["broken"] for name in chosen):
        sys.exit(1)


def attempt(name: str, values: flags.FlagValues, shop: Workshop) -> dict[str, Any]:
    """Returns what comes of a part, with where and when it was tried; each has a folder and draws of its own."""
    with tempfile.TemporaryDirectory(prefix="tfvae-torture-") as folder:
        outcome = PARTS[name](Workshop(folder, like=shop), values, random.Random(f"{values.seed} {name}"))
    where = {"machine": machine(), "day": datetime.date.today().isoformat(), "seed": values.seed}
    return {**outcome.to_dict(), **where}
