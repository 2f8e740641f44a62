"""tfvae-tune: searches hyper-parameters with KerasTuner."""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from typing import TYPE_CHECKING

from absl import flags
from rich.console import Console

from tfvae.cli.command import config_from_flags, define_config_flags, run_command
from tfvae.cli.model import SMOKE, smoke_directory
from tfvae.errors import UserError
from tuning.following import follow
from tuning.objective import BALANCE, METRICS
from tuning.space import PARAMETERS, PRESETS, TUNERS

if TYPE_CHECKING:
    from tuning.search import Search, Settings


SUMMARY = "Searches hyper-parameters of a model: each trial is a run directory. All flags of tfvae-train set what trials begin with."
_SMOKE = {"trials": 2, "samples": 4, "sentences": 20}
_ROLES = ("alone", "chief", "worker")


def main() -> None:
    """Entry point."""
    if "--follow" in sys.argv:  # before TensorFlow is loaded, which takes seconds
        follow()
    run_command(SUMMARY, _define_flags, _tune, resumes=True)


def _define_flags(values: flags.FlagValues) -> None:
    questions = "; ".join(f"{name}: {metric.question} ({metric.direction})" for name, metric in METRICS.items())
    objective = (
        f"What is optimised, on validation: a metric, or a formula of several, which is minimised. Default {BALANCE!r} for models with "
        "codes: it gives up to a nat a token for codes that are fully used; weigh it otherwise as in 'log_perplexity - 0.5 * use'. For "
        "others log_perplexity, or reconstruction where there is no likelihood. Homogeneity always answers the largest K, so it is no "
        f"metric. Metrics: {questions}."
    )
    space = (
        f"What is searched: {', '.join(PRESETS)}; names with commas between, each with a range of its own if need be, as "
        f"beta=0.2:0.9,components=2|4|8; or FILE.json. Names are {', '.join(PARAMETERS)}, or a field as latent.dim. What means nothing for "
        "the model is left out."
    )
    define = flags.DEFINE_string
    define("search", "", "Directory of the search (default runs/search-<model>-<data>-<seed>).", flag_values=values)
    define("space", "standard", space, flag_values=values)
    define("objective", "", objective, flag_values=values)
    define("tuner", "bayesian", f"How values are proposed, one of {', '.join(TUNERS)}.", flag_values=values)
    integer = flags.DEFINE_integer
    integer("trials", None, "Trials (default 12; of hyperband as many as its brackets have).", flag_values=values)
    integer("executions", 1, "Seeds a trial is trained with: --seed and those after it; its score is their mean.", flag_values=values)
    integer("trial_epochs", 0, "Epochs of a trial, the longest ones of hyperband; 0: --epochs, the full length.", flag_values=values)
    integer("samples", 100, "Posterior samples of importance-weighted estimates.", flag_values=values)
    integer("sentences", 500, "Validation examples they are made of; 0: all.", flag_values=values)
    flags.DEFINE_bool("prune", True, "Stop a trial that is worse half-way than the median of at least 3 others.", flag_values=values)
    flags.DEFINE_float("minutes", 0.0, "Time after which no epoch begins; --resume goes on. 0: none.", flag_values=values)
    deadline = "The same as a point in time, seconds since 1970, which a chief gives its workers."
    flags.DEFINE_float("deadline", 0.0, deadline, flag_values=values)
    flags.DEFINE_bool("follow", False, "worker: end when standard input does, as those that a chief starts do.", flag_values=values)
    flags.DEFINE_bool("resume", False, "Go on with the search that is there, with trials under way too.", flag_values=values)
    flags.DEFINE_bool("overwrite", False, "Replace the search that is there.", flag_values=values)
    integer("workers", 0, "Processes that run trials at once on this machine; 0: this one alone.", flag_values=values)
    integer("threads", 0, "Threads a process computes with; 0: the machine's cores shared out.", flag_values=values)
    define(
        "role", "alone", f"One of {', '.join(_ROLES)}: a chief hands out trials, workers with its --search run them.", flag_values=values
    )
    define("oracle", "127.0.0.1:0", "Chief's host:port; without authentication, so of this machine alone by default.", flag_values=values)
    define("worker", "", "A worker's name, no two alike (default by host and process).", flag_values=values)
    flags.DEFINE_bool("smoke", False, "The whole path in seconds: two trials of a tiny model.", flag_values=values)
    define_config_flags(values)


def _tune(values: flags.FlagValues) -> None:
    import tensorflow as tf

    if values.role not in _ROLES:
        raise UserError(f"--role={values.role} is not a role: write one of {', '.join(_ROLES)}")
    for name in ("workers", "threads", "minutes", "deadline"):
        number = getattr(values, name)
        if number < 0:
            raise UserError(f"--{name}={number}: must be at least 0")
    if values.workers and values.role != "alone":
        raise UserError(f"--workers starts a chief and its workers: leave out --role={values.role}")
    if values.threads and not values.workers:
        tf.config.threading.set_intra_op_parallelism_threads(values.threads)
        tf.config.threading.set_inter_op_parallelism_threads(values.threads)
    tf.get_logger().setLevel("ERROR")  # it warns that each trial's graphs are new ones
    deadline = values.deadline or math.inf
    if values.minutes:
        deadline = min(deadline, time.time() + 60 * values.minutes)
    if values.role == "worker":
        _work(values, deadline)
    else:
        _search(values, deadline)


def _work(values: flags.FlagValues, deadline: float) -> None:
    from tuning.parallel import run_worker
    from tuning.search import Search

    if not values.search:
        raise UserError("--search is missing: name the chief's, which this machine must see too")
    name = values.worker or f"worker-{os.getpid()}-{socket.gethostname()}".replace("chief", "chf")
    run_worker(Search.open(values.search), values.oracle, name, deadline=deadline, say=_say)


def _search(values: flags.FlagValues, deadline: float) -> None:
    from tuning.search import Search

    start = time.monotonic()
    settings = _settings(values)
    config = settings.config
    path = values.search or (smoke_directory() if values.smoke else f"runs/search-{config.model}-{config.data.name}-{config.training.seed}")
    with Search.writing(path, settings, overwrite=values.overwrite, resume=values.resume) as search:
        done = _run(search, values, deadline)
        _conclude(search, done, start)


def _run(search: Search, values: flags.FlagValues, deadline: float) -> bool:
    """Runs trials; returns whether all of them ended before the deadline."""
    from tuning.parallel import run_chief
    from tuning.search import Tuner
    from tuning.summary import Display

    settings = search.settings
    count = f"{settings.trials} trials of" if settings.trials else "brackets of trials of up to"
    _say(f"{count} {settings.epochs} epochs, {settings.tuner}, {search.objective.direction} {search.objective.text}")
    with Display(search, Console(stderr=True), _say) as display:
        if values.workers or values.role == "chief":
            done = run_chief(
                search,
                address=values.oracle,
                workers=values.workers,
                threads=values.threads,
                deadline=deadline,
                tell=_say if values.role == "chief" else lambda line: None,
                watch=display.update,
            )
        else:
            done = Tuner(search, deadline=deadline, ended=display.update).run()
        display.update()
    return done


def _settings(values: flags.FlagValues) -> Settings:
    from tuning.search import settings_of

    config = config_from_flags(values, base=SMOKE if values.smoke else None)
    small = {name: value for name, value in _SMOKE.items() if values.smoke and not values[name].present}
    names = ("tuner", "trials", "executions", "trial_epochs", "samples", "sentences", "prune")
    chosen = {name: small.get(name, values[name].value) for name in names}
    if chosen["trials"] is None:
        chosen["trials"] = 0 if values.tuner == "hyperband" else 12
    settings, left_out = settings_of(config, values.space, values.objective, seed=config.training.seed, **chosen)
    for name, reason in left_out.items():
        _say(f"{name} is left out: {reason}")
    return settings


def _conclude(search: Search, done: bool, start: float) -> None:
    """Writes the files, prints the table and the best trial, or says why there is none.

    Raises:
      UserError: no trial was completed.
    """
    from tuning.pictures import draw
    from tuning.summary import elapsed, table, write_files
    from tuning.trial import COMPLETED, FAILED, best, describe

    results = search.results()
    if results:
        write_files(search, results)
        # its colours are control characters, which sys.stdout keeps from a terminal
        (Console(file=sys.__stdout__) if sys.stdout.isatty() else Console(width=160)).print(table(search))
    counts = {status: sum(result.status == status for result in results.values()) for status in (COMPLETED, FAILED)}
    first = best(results, search.objective)
    if not done:
        _say(f"time was over after {elapsed(start)}: add --resume to go on")
    if first is None:
        failed = [result.remark for result in results.values() if result.status == FAILED]
        why = f": {failed[0]}" if failed else " and none ended: give it more time"
        raise UserError(f"no trial was completed, {counts[FAILED]} failed{why}")
    values = describe(results[first].values, list(results[first].values))
    draw(search, results)
    _say(f"{counts[COMPLETED]} trials completed, {counts[FAILED]} failed, in {elapsed(start)}")
    _say(f"best: trial {first}, {', '.join(f'{name}={value}' for name, value in values.items())}")
    _say(f"train it at full length: python scripts/train.py --config_file={search.path}/best.json --run={search.path}-best")


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    main()
