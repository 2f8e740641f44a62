"""What a search leaves behind: a table, trials.csv, best.json, hyper-parameters for TensorBoard."""

import csv
import io
import json
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf
from rich.console import Console
from rich.live import Live
from rich.table import Table
from tensorboard.plugins.hparams import api as hparams

from tfvae.data.files import write_text
from tfvae.errors import UserError
from tfvae.training.run import Run
from tuning.search import Search, best_config
from tuning.state import trial_values
from tuning.trial import COMPLETED, FAILED, Result, best, describe

_SHOWN = ("log_perplexity", "nll_iw", "mutual_information", "use")


def table(search: Search) -> Table:
    """Returns the trials so far: values, score, the figures that are always measured; the best one marked."""
    results, names = search.results(), [parameter.name for parameter in search.settings.space]
    first = best(results, search.objective)
    figures = [name for name in _SHOWN if any(name in result.figures for result in results.values())]
    shown = Table(
        title=f"{search.settings.config.model} on {search.settings.config.data.name}: {search.objective.text}", title_justify="left"
    )
    for column in ("trial", *names, "score", *figures, "seconds", "status"):
        shown.add_column(column, justify="left" if column == "status" else "right", overflow="fold")
    for name in search.begun():
        result = results.get(name)
        if result is None:
            values = _begun(search.directory(name))
            shown.add_row(name, *describe(values, names).values(), "", *[""] * len(figures), "", _progress(name, values, search))
            continue
        mark = " *" if name == first else ""
        numbers = [_number(result.figures.get(figure)) for figure in figures]
        status = result.status + (f": {result.remark}" if result.remark and (result.status != COMPLETED or name == first) else "")
        score = _number(result.score) + mark
        shown.add_row(name, *describe(result.values, names).values(), score, *numbers, f"{result.seconds:.0f}", status)
    return shown


def line(search: Search, name: str, result: Result) -> str:
    """Returns a trial's end in words."""
    values = ", ".join(f"{key}={value}" for key, value in describe(result.values, list(result.values)).items())
    end = f"failed: {result.remark}" if result.status == FAILED else f"{result.status}, score {_number(result.score)}"
    return f"trial {name} ({values}): {end}, {result.seconds:.0f} s" + (
        f"; {result.remark}" if result.remark and result.status != FAILED else ""
    )


class Display:
    """Shows a search as it goes: a live table on a terminal, a line a trial elsewhere; keeps its files up to date."""

    def __init__(self, search: Search, console: Console, say: Callable[[str], None]) -> None:
        """Shows on the console, and lines through `say` where that is no terminal."""
        self.search, self.console, self.say = search, console, say
        self.told = set(search.results())
        self.live = Live(get_renderable=lambda: table(search), console=console, refresh_per_second=1) if console.is_terminal else None

    def __enter__(self) -> "Display":
        """Begins to show."""
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        """Leaves the last table standing."""
        if self.live:
            self.live.stop()

    def update(self, *_: Any) -> None:
        """Looks for trials that ended."""
        if not any(self.search.path.glob("trial_*/result.json")):
            return
        results = self.search.results()
        for name in sorted(results.keys() - self.told):
            self.told.add(name)
            if not self.live:
                self.say(line(self.search, name, results[name]))
            write_files(self.search, results)
        for name, result in results.items():
            write_hparams(self.search, name, result)


def write_files(search: Search, results: Mapping[str, Result]) -> None:
    """Writes trials.csv and, where a trial was completed, best.json, the configuration that trains its model at full length."""
    names = [parameter.name for parameter in search.settings.space]
    figures = list(dict.fromkeys(name for result in results.values() for name in result.figures))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["trial", "status", *names, "score", "deviation", *figures, "epochs", "seconds", "remark"])
    for name, result in results.items():
        values = [result.values.get(key, "") for key in names]
        numbers = [_plain(each) for each in (result.score, result.deviation, *(result.figures.get(key) for key in figures))]
        writer.writerow([name, result.status, *values, *numbers, result.epochs, result.seconds, result.remark])
    write_text(search.path / "trials.csv", stream.getvalue())
    first = best(results, search.objective)
    if first is not None:
        config = best_config(search, results[first].values)
        write_text(search.path / "best.json", json.dumps(config.to_dict(), indent=2) + "\n")


def write_hparams(search: Search, name: str, result: Result) -> None:
    """Writes a trial's values, by their fields as runs have them, and figures for TensorBoard's HParams; once."""
    folder = search.path / "hparams" / f"trial_{name}"
    if folder.exists() and any(folder.iterdir()):
        return
    fields = {p.paths[0]: result.values[p.name] for p in search.settings.space if p.name in result.values}
    with tf.summary.create_file_writer(str(folder)).as_default():
        hparams.hparams({"model": search.settings.config.model, **fields}, trial_id=f"{search.path.name}/trial_{name}")
        for figure, value in {"score": result.score, **result.figures}.items():
            if value is not None:
                tf.summary.scalar(f"tuning/{figure}", value, step=0)


def _begun(directory: pathlib.Path) -> dict[str, Any]:
    """The values of a trial that has no result yet."""
    try:
        return trial_values(directory / "trial.json")
    except (OSError, UserError):
        return {}


def _progress(name: str, values: Mapping[str, Any], search: Search) -> str:
    """How far a trial is; hyperband's go on with the runs of another, to a length of their own."""
    runs = search.directory(search.root(name, values))
    done = sum(len(Run(run).read_metrics()) for run in runs.glob("seed-*"))
    most = (int(values.get("tuner/epochs", 0)) or search.settings.epochs) * search.settings.executions
    return f"epoch {done + 1} of {most}" if done < most else "is measured"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _plain(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def elapsed(start: float) -> str:
    """Returns the time since time.monotonic() was `start`, in words."""
    seconds = round(time.monotonic() - start)
    return f"{seconds // 60} min {seconds % 60} s"
