"""Damaged files, configurations, command lines and runs: each is told in one line, or is still valid."""

import contextlib
import io
import json
import logging
import pathlib
import random
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from tfvae.cli.command import SHORT_NAMES, config_from_flags, define_config_flags, run_command
from tfvae.config import describe_fields, read_json
from tfvae.registry import resolve
from tfvae.training.fit import fit, load
from tfvae.training.formats import migrated
from tfvae.training.run import Run
from torture.damage import changed, damaged
from torture.inputs import READERS, write
from torture.outcome import Outcome, told
from torture.workshop import Workshop

VALUES = (
    "",
    "0",
    "-1",
    "1e309",
    "nan",
    "inf",
    "-inf",
    "9" * 30,
    "0x10",
    "٣",
    "true",
    "none",
    "[]",
    "{}",
    "\0",
    "a\udcff",
    "\n",
    "a" * 5000,
    "../..",
    "%s%n",
    "1,2",
    "~",
)
"""What a command line may hold that no field wants, among what some do."""
_HOLDS = "valid, or one line that says what is wrong"
_RUN_FILES = (
    "config.json",
    "metrics.jsonl",
    "vocabulary.txt",
    "model.weights.h5",
    "checkpoint/*/memory.json",
    "checkpoint/*/variables.npz",
)


@contextlib.contextmanager
def quiet() -> Any:
    """Keeps remarks on what is read from the terminal."""
    log = logging.getLogger("tfvae")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def fuzz_files(workshop: Workshop, tries: int, draw: random.Random) -> Outcome:
    """Damages corpora and other files of the user's, each kind in turn."""
    outcome, folder = Outcome("a damaged corpus, table, vocabulary or array", _HOLDS), workshop.place("files")
    names = list(READERS)
    with quiet():
        for i in range(tries):
            file, content, read = READERS[names[i % len(names)]]
            path = write(folder, file, damaged(content, draw))
            outcome.count(names[i % len(names)], told(lambda read=read, path=path: read(path)))
    return outcome


def read_configuration(path: str) -> None:
    """Does what a command does with a configuration file, up to a configuration."""
    values = migrated(read_json(path), path)
    model, data = values.pop("model", "dem_vae"), values.get("data")
    values.pop("format", None), values.pop("versions", None)
    resolve(str(model), str(data.get("name", "demo") if isinstance(data, dict) else "demo"), values)


def fuzz_configurations(workshop: Workshop, tries: int, draw: random.Random) -> Outcome:
    """Damages configuration files."""
    outcome, folder = Outcome("a damaged configuration file", _HOLDS), workshop.place("configurations")
    whole = (workshop.run / "config.json").read_bytes()
    with quiet():
        for _ in range(tries):
            path = write(
                folder, "c.json", json.dumps(changed(json.loads(whole), draw)).encode() if draw.random() < 0.7 else damaged(whole, draw)
            )
            outcome.count("configuration", told(lambda path=path: read_configuration(path)))
    return outcome


def flags_of(draw: random.Random) -> list[str]:
    """Returns a few flags of any fields with values of any kind."""
    names = [*SHORT_NAMES, "model", "data", "config_file", *(f"config.{path}" for path in describe_fields())]
    return [f"--{draw.choice(names)}={draw.choice(VALUES)}" for _ in range(draw.randint(1, 3))]


def parse(flags: Sequence[str]) -> str:
    """Returns what is wrong with how a command that takes a configuration ends on flags; "" where it is well."""
    out, err = io.StringIO(), io.StringIO()
    status: Any = 0
    handlers = logging.getLogger("tfvae").handlers
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run_command("", define_config_flags, lambda values: config_from_flags(values) and None, ["torture", *flags])
    except SystemExit as stop:
        status = stop.code
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.300}"
    finally:
        logging.getLogger("tfvae").handlers = handlers
    lines = [line for line in err.getvalue().splitlines() if line.startswith("error: ")]
    well = status == 0 or (status == 2 and len(lines) == 1 and "Traceback" not in err.getvalue())
    return "" if well else f"status {status}: {err.getvalue()!r:.300}"


def fuzz_values(workshop: Workshop, tries: int, draw: random.Random) -> Outcome:
    """Gives a command values that its flags do not admit."""
    outcome = Outcome("a command line with values of any kind", "valid, or one line and status 2")
    with quiet():
        for _ in range(tries):
            flags = flags_of(draw)
            outcome.count(" ".join(flags)[:200], parse(flags))
    return outcome


def use(run: pathlib.Path, name: str) -> None:
    """Does with a run what reads one of its files: loads it, reads its figures, or goes on with it."""
    if name.startswith("checkpoint"):
        config = Run(run).config()
        config.training.epochs += 1
        fit(config, str(run), resume=True, bar=False, say=lambda line: None)
    else:
        Run(run).read_metrics()
        load(str(run))


def fuzz_runs(workshop: Workshop, tries: int, draw: random.Random) -> Outcome:
    """Damages files of a run, the checkpoint's, which takes training to read, every tenth time."""
    outcome, copy = Outcome("a damaged file of a run", _HOLDS), workshop.folder / "damaged"
    with quiet():
        for i in range(tries):
            pattern = _RUN_FILES[4 + i // 10 % 2] if i % 10 == 9 else _RUN_FILES[i % 4]
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(workshop.run, copy)
            file = next(copy.glob(pattern))
            file.write_bytes(damaged(file.read_bytes(), draw))
            outcome.count(pattern, told(lambda pattern=pattern: use(copy, pattern)))
    return outcome


PARTS: dict[str, Callable[[Workshop, int, random.Random], Outcome]] = {
    "files": fuzz_files,
    "configurations": fuzz_configurations,
    "values": fuzz_values,
    "runs": fuzz_runs,
}
"""What is damaged, by name."""
