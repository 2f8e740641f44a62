"""One trial: its run directories, a seed each, and what is measured of them."""

import contextlib
import dataclasses
import functools
import json
import math
import pathlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras

from tfvae.config import Config, DataConfig, update
from tfvae.data import corpora
from tfvae.data.corpus import Corpus
from tfvae.data.files import write_text
from tfvae.data.json_files import load_json, to_json
from tfvae.errors import UserError
from tfvae.evaluation.subject import Subject
from tfvae.models.model import Model
from tfvae.registry.applicable import modality_of
from tfvae.training.fit import fit
from tfvae.training.lock import Held, writing
from tfvae.training.run import Run
from tuning.measured import Measured
from tuning.objective import METRICS, Objective, capabilities
from tuning.space import Values

COMPLETED, STOPPED, FAILED = "completed", "stopped early", "failed"
USUAL = ("nll_bound", "nll_iw", "log_perplexity", "mutual_information", "mutual_information_z", "use")
"""Metrics that are measured of every trial to which they apply, beside those of the objective."""
_LEAST_PEERS = 3  # trials whose half-way values there must be before one is stopped for being worse than their median


_PATIENCE = 120.0  # seconds to wait for another process that has the trial's directory


class OutOfTime(Exception):
    """The search's time is over; a trial that was under way can go on later."""


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How each trial of a search is trained and measured.

    Attributes:
      objective: what is optimised.
      executions: seeds a trial: the configuration's and those after it.
      epochs: of a trial; 0: the configuration's.
      samples: posterior samples of importance-weighted estimates.
      sentences: validation sentences they are made of; 0: all.
      prune: whether a trial that is worse half-way than the median of the others is stopped.
    """

    objective: Objective
    executions: int = 1
    epochs: int = 0
    samples: int = 100
    sentences: int = 500
    prune: bool = True


@dataclasses.dataclass(frozen=True)
class Result:
    """What a trial came to.

    Attributes:
      status: COMPLETED, STOPPED or FAILED.
      values: of the parameters.
      score: value of the objective, the mean over executions; None where it failed.
      figures: each metric's mean over executions.
      deviation: the score's standard deviation over executions; None for one.
      epochs: trained, over all executions.
      seconds: it took in the session that ended it.
      remark: the error of a failed trial, or a warning.
    """

    status: str
    values: Values
    score: float | None = None
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)
    deviation: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    remark: str = ""

    def save(self, directory: pathlib.Path) -> None:
        """Writes result.json into the trial's directory."""
        directory.mkdir(parents=True, exist_ok=True)
        write_text(directory / "result.json", to_json(dataclasses.asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, directory: pathlib.Path) -> "Result | None":
        """Reads result.json; None where there is none.

        Raises:
          UserError: it is damaged.
        """
        file = directory / "result.json"
        if not file.exists():
            return None
        advice = "delete it, and --resume makes it again from the trial's runs"
        values = load_json(file, advice)
        try:
            values["figures"] = {name: math.nan if value is None else float(value) for name, value in values["figures"].items()}
            found = cls(**values)
            if not isinstance(found.status, str) or not isinstance(found.values, dict) or not isinstance(found.remark, str):
                raise TypeError
            return dataclasses.replace(found, score=_number(found.score), deviation=_number(found.deviation))
        except (AttributeError, KeyError, ValueError, TypeError):
            raise UserError(f"{file} is damaged: holds no result of a trial; {advice}") from None


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def run_trial(
    config: Config,
    values: Values,
    directory: pathlib.Path,
    protocol: Protocol,
    *,
    runs: pathlib.Path | None = None,
    epochs: int = 0,
    deadline: float = math.inf,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """Trains and measures a configuration, or goes on with what was begun; a result that is there is returned as it is.

    Args:
      config: with the trial's values in it.
      values: those values.
      directory: of the trial, which gets its result.
      protocol: of the search.
      runs: where each execution is a run directory seed-<seed>, which every command takes; another trial's directory where this one goes on
        with its runs. By default the trial's own.
      epochs: in place of the protocol's, where a tuner gives its trials different lengths; training goes on from fewer.
      deadline: time.time() after which no epoch begins.
      say: hears of each stage.

    Raises:
      OutOfTime: the deadline came first.
      Held: another process has the directory.
      OSError: the disk is full or out of reach.
    """
    runs = runs or directory
    with _locked(runs, deadline, say):
        found = Result.load(directory)
        if found is not None:
            return found
        start = time.monotonic()
        try:
            result = _execute(config, values, runs, protocol, epochs, deadline, say)
        except (OutOfTime, Held, OSError):
            raise
        except UserError as error:
            result = Result(FAILED, values, remark=str(error))
        except Exception as error:
            if isinstance(error.__cause__, OSError):
                raise error.__cause__ from None
            result = Result(FAILED, values, remark=f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
        finally:
            keras.utils.clear_session()
        result = dataclasses.replace(result, seconds=round(time.monotonic() - start, 1))
        result.save(directory)
        return result


def _execute(
    config: Config,
    values: Values,
    directory: pathlib.Path,
    protocol: Protocol,
    epochs: int,
    deadline: float,
    say: Callable[[str], None],
) -> Result:
    figures: list[dict[str, float]] = []
    trained, status, remarks = 0, COMPLETED, []
    for seed in range(config.training.seed, config.training.seed + protocol.executions):
        settings = Config.from_dict(config.to_dict())
        settings.training.seed = seed
        settings.training.epochs = epochs or protocol.epochs or settings.training.epochs
        half = _read(directory / "half.json")
        if half.get("hopeless") and not figures:
            settings.training.epochs = int(half["epoch"])  # stopped there before a kill
        corpus = _corpus(json.dumps(settings.to_dict()["data"]))
        watch = _Watch(settings, corpus, protocol, directory, deadline, prune=protocol.prune and not epochs and not figures)
        model, run = fit(settings, str(directory / f"seed-{seed}"), corpus=corpus, resume=True, callbacks=[watch], bar=False, say=say)
        figures.append(measure(model, settings, corpus, protocol))
        lines = run.read_metrics()
        trained += len(lines)
        if lines and float(lines[-1]["w"]) < 0.95 * model.vae.objective.schedule.final:
            remarks.append(f"w ended at {lines[-1]['w']:.2f}: longer trials or a faster schedule would compare annealed models")
        if watch.hopeless:
            status = STOPPED
            remarks.append(watch.hopeless)
            break
    scores = [protocol.objective(each) for each in figures]
    if not all(map(math.isfinite, scores)):
        raise UserError(f"the objective {protocol.objective.text} is {scores}, no number")
    means = {name: statistics.fmean(each[name] for each in figures) for name in figures[0]}
    deviation = statistics.stdev(scores) if len(scores) > 1 else None
    return Result(status, values, statistics.fmean(scores), means, deviation, trained, remark="; ".join(dict.fromkeys(remarks)))


@functools.lru_cache(maxsize=2)
def _corpus(data: str) -> Corpus:
    settings = DataConfig()
    update(settings, json.loads(data))
    return corpora.read(settings)


def measure(model: Model, config: Config, corpus: Corpus, protocol: Protocol, *, every: bool = True) -> dict[str, float]:
    """Returns the figures of a model on validation that the objective needs and, if `every`, the usual ones that apply."""
    has = capabilities(model.vae)
    measured = Measured(Subject(model, config, corpus, "valid", samples=protocol.samples, sentences=protocol.sentences))
    usual = [name for name in USUAL if has[METRICS[name].needs]] if every else []
    return {name: measured[name] for name in dict.fromkeys((*usual, *protocol.objective.names))}


class _Watch(keras.callbacks.Callback):
    """Ends training when time is over, and half-way through when the trial is worse than the median of the others."""

    def __init__(
        self, config: Config, corpus: Corpus, protocol: Protocol, directory: pathlib.Path, deadline: float, *, prune: bool
    ) -> None:
        super().__init__()
        self.config, self.corpus, self.protocol, self.deadline = config, corpus, protocol, deadline
        self.directory = directory
        self.half = config.training.epochs // 2 if prune else 0
        self.hopeless = _read(self._file).get("hopeless", "") if prune else ""

    @property
    def _file(self) -> pathlib.Path:
        return self.directory / "half.json"

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Looks at the clock, the checkpoint of the epoch before being written."""
        if time.time() > self.deadline:
            raise OutOfTime

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Measures half-way."""
        if epoch + 1 != self.half:
            return
        run = Run(self.directory / f"seed-{self.config.training.seed}")
        model = Model(modality_of(self.config).load(run.path, self.config.data), self.model)
        value = self.protocol.objective(measure(model, self.config, self.corpus, self.protocol, every=False))
        peers = [_read(file) for file in self.directory.parent.glob("*/half.json") if file != self._file]
        others = [float(peer["value"]) for peer in peers if peer.get("epoch") == self.half and peer.get("value") is not None]
        if len(others) >= _LEAST_PEERS and self.protocol.objective.better(statistics.median(others), value):
            self.hopeless = f"{value:.4g} after epoch {self.half}, worse than the median of {len(others)} others"
            self.model.stop_training = True
        write_text(self._file, to_json({"epoch": self.half, "value": value, "hopeless": self.hopeless}) + "\n")


def _read(file: pathlib.Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return {}


@contextlib.contextmanager
def _locked(directory: pathlib.Path, deadline: float, say: Callable[[str], None]) -> Iterator[None]:
    """Keeps other processes from the directory, which a worker that was given up may still write to; waits for them, but not for ever."""
    directory.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + _PATIENCE
    with contextlib.ExitStack() as lock:
        while True:
            try:
                lock.enter_context(writing(directory))
                break
            except Held as error:
                if time.time() > deadline:
                    raise OutOfTime from None
                if time.monotonic() > end:
                    raise Held(f"{error}, then go on with --resume") from None
                say(f"{directory} is held by another process: waiting")
                time.sleep(1.0)
        yield


def describe(values: Values, names: Sequence[str]) -> dict[str, str]:
    """Returns values as tables show them, an empty text for what a trial has not."""
    return {name: f"{values[name]:.4g}" if isinstance(values.get(name), float) else str(values.get(name, "")) for name in names}


def best(results: Mapping[str, Result], objective: Objective) -> str | None:
    """Returns the number of the best trial of those that were completed; None where there is none."""
    completed = {name: result for name, result in results.items() if result.status == COMPLETED and result.score is not None}
    if not completed:
        return None
    sign = 1 if objective.direction == "min" else -1
    return min(completed, key=lambda name: sign * float(completed[name].score or 0.0))
