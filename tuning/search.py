"""A search: its directory, its trials, one after another or by several workers."""

import contextlib
import dataclasses
import io
import json
import math
import pathlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus

from tfvae.config import Config
from tfvae.data import corpora
from tfvae.data.files import write_text
from tfvae.data.json_files import load_json
from tfvae.errors import UserError
from tfvae.models.build import build_vae
from tfvae.registry.applicable import modality_of
from tfvae.training.contents import EVENTS, Contents, check_asked, make_folder, remove, run_contents
from tfvae.training.lock import FILE as LOCK
from tfvae.training.lock import Held, writing
from tfvae.training.run import versions
from tuning.objective import Objective, capabilities, read_objective
from tuning.oracles import SCORE, make_oracle
from tuning.space import TUNERS, Parameter, Values, configure, read_space
from tuning.state import trial_values
from tuning.trial import COMPLETED, FAILED, STOPPED, OutOfTime, Protocol, Result, run_trial

_ADVICE = "put it back as the search wrote it, or name another directory"
_WAIT = 0.5  # seconds between questions to an oracle that has no trial to give yet


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a search was asked for; search.json holds it.

    Attributes:
      config: what every trial begins with, and trains at full length afterwards.
      space: parameters, of those that apply.
      objective: text of the objective.
      tuner: a name of `tuning.space.TUNERS`.
      trials: how many; 0, of hyperband alone, for as many as its brackets have.
      executions: seeds a trial.
      trial_epochs: length of a trial; 0: the configuration's epochs.
      samples: of importance-weighted estimates.
      sentences: of validation that those are made of.
      prune: whether hopeless trials are stopped half-way.
      seed: of the proposals.
    """

    config: Config
    space: list[Parameter]
    objective: str
    tuner: str = "bayesian"
    trials: int = 12
    executions: int = 1
    trial_epochs: int = 0
    samples: int = 100
    sentences: int = 500
    prune: bool = True
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Returns what JSON holds; `from_dict` is the inverse."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**plain, "config": self.config.to_dict(), "space": {p.name: p.to_dict() for p in self.space}}

    @property
    def epochs(self) -> int:
        """Epochs of a trial."""
        return self.trial_epochs or self.config.training.epochs


class Search:
    """A directory with trials in it."""

    def __init__(self, path: str | pathlib.Path, settings: Settings, objective: Objective) -> None:
        """Takes a directory that `prepare` made or `open_search` read."""
        self.path, self.settings, self.objective = pathlib.Path(path), settings, objective
        prune = settings.prune and settings.tuner != "hyperband"
        self.protocol = Protocol(objective, settings.executions, settings.epochs, settings.samples, settings.sentences, prune)

    @classmethod
    def prepare(cls, path: str | pathlib.Path, settings: Settings, *, overwrite: bool = False, resume: bool = False) -> "Search":
        """Makes a search's directory, or checks that the one there may be gone on with or replaced.

        Raises:
          UserError: there is one and neither is asked for, or it was asked for something else; the objective does not apply.
        """
        directory = pathlib.Path(path)
        file = directory / "search.json"
        check_asked(directory, "search", overwrite=overwrite, resume=resume)
        _check(settings)
        search = cls(directory, settings, _objective(settings))
        if file.exists() and resume:
            _check_same(directory, settings)
        elif directory.exists() and any(entry.name not in ("search.json.partial", LOCK) for entry in directory.iterdir()):
            if not _is_search(file):
                raise UserError(f"--search={directory}: the directory holds something else, which stays as it is; name another")
            if not overwrite:
                raise UserError(
                    f"--search={directory}: a search is there already; add --resume to go on with it, --overwrite to replace it"
                )
            for trial in directory.glob("trial_*"):
                with writing(trial):  # a worker whose chief is gone may still be at it
                    pass
            # the oracle's file last: without it, results of trials that are left would be taken for those of the new search
            remove(directory, _contents(), keep=("search.json", "oracle.json", LOCK))
            (directory / "oracle.json").unlink(missing_ok=True)
        make_folder(directory, "search")
        write_text(file, json.dumps({**settings.to_dict(), "versions": versions()}, indent=1) + "\n")
        return search

    @classmethod
    @contextlib.contextmanager
    def writing(cls, path: str | pathlib.Path, settings: Settings, *, overwrite: bool = False, resume: bool = False) -> Iterator["Search"]:
        """Does what `prepare` does, and keeps other processes from doing so until the end; workers are not kept from their trials.

        Raises:
          UserError: as of `prepare`, or another process searches there.
        """
        check_asked(pathlib.Path(path), "search", overwrite=overwrite, resume=resume)
        make_folder(pathlib.Path(path), "search")
        with writing(pathlib.Path(path)):
            yield cls.prepare(path, settings, overwrite=overwrite, resume=resume)

    @classmethod
    def open(cls, path: str | pathlib.Path) -> "Search":
        """Reads the search of a directory, as a worker does.

        Raises:
          UserError: there is none, or its file is damaged.
        """
        settings = _read(pathlib.Path(path))
        return cls(path, settings, _objective(settings))

    def oracle(self) -> keras_tuner.Oracle:
        """Makes the oracle."""
        s = self.settings
        return make_oracle(s.tuner, s.space, s.config, direction=self.objective.direction, trials=s.trials, epochs=s.epochs, seed=s.seed)

    def directory(self, trial: str) -> pathlib.Path:
        """Returns the directory of a trial's files and runs."""
        return self.path / f"trial_{trial}"

    def results(self) -> dict[str, Result]:
        """Returns the results that there are, by the trial's number."""
        found = {}
        for name in self.begun():
            result = Result.load(self.directory(name))
            if result is not None:
                found[name] = result
        return found

    def begun(self) -> list[str]:
        """Returns the numbers of the trials that there are, in order; their width differs where more were asked for later."""
        names = [directory.name.removeprefix("trial_") for directory in self.path.glob("trial_*")]
        return sorted(names, key=lambda name: (int(name) if name.isdigit() else 0, name))

    def values(self, trial: Trial) -> Values:
        """Returns a trial's values of the space's parameters."""
        given = trial.hyperparameters.values
        return {parameter.name: parameter.clip(given[parameter.name]) for parameter in self.settings.space if parameter.name in given}

    def told(self, result: Result) -> float:
        """Returns the score that the oracle hears.

        Of a trial that was stopped half-way it is the worst there is: its own is of another length than the others', and may flatter it.
        """
        score = float(result.score or 0.0)
        if result.status != STOPPED:
            return score
        ended = [float(other.score) for other in self.results().values() if other.status == COMPLETED and other.score is not None]
        return (max if self.objective.direction == "min" else min)([score, *ended])

    def execute(self, trial: Trial, *, deadline: float = math.inf, say: Callable[[str], None] = lambda line: None) -> Result:
        """Runs a trial of the oracle's.

        Raises:
          OutOfTime: the deadline came first.
          OSError: the disk is full or out of reach.
        """
        values = self.values(trial)
        given = trial.hyperparameters.values
        try:
            config = configure(self.settings.config, self.settings.space, values)
        except UserError as error:
            result = Result(FAILED, values, remark=str(error))
            result.save(self.directory(trial.trial_id))
            return result
        # Hyperband goes on with the run of a trial that did well: it keeps the directory, under the first one's number.
        return run_trial(
            config,
            values,
            self.directory(trial.trial_id),
            self.protocol,
            runs=self.directory(self.root(str(trial.trial_id), given)),
            epochs=int(given.get("tuner/epochs", 0)),
            deadline=deadline,
            say=say,
        )

    def root(self, name: str, given: Mapping[str, Any]) -> str:
        """Returns the number of the trial whose run a trial goes on with, from what KerasTuner gave it; its own where it begins one."""
        while given.get("tuner/trial_id"):
            name = str(given["tuner/trial_id"])
            given = trial_values(self.directory(name) / "trial.json")
        return name


class Tuner(BaseTuner):
    """KerasTuner's loop over trials, each of which is a run directory."""

    def __init__(
        self,
        search: Search,
        *,
        deadline: float = math.inf,
        say: Callable[[str], None] = lambda line: None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Goes on with a search where it stopped; as a worker of a chief, where KerasTuner's environment variables say so."""
        self.trials, self.deadline, self.say, self.ended = search, deadline, say, ended
        self._asked = False
        path = search.path.resolve()
        with contextlib.redirect_stdout(io.StringIO()):  # it prints that it reloads
            super().__init__(search.oracle(), directory=str(path.parent), project_name=path.name)

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Mapping[str, float]:
        """Trains and measures.

        Raises:
          keras_tuner.errors.FailedTrialError: the trial failed, which ends it and not the search.
        """
        try:
            result = self.trials.execute(trial, deadline=self.deadline, say=self.say)
        except (OutOfTime, Held, OSError) as error:
            raise _Halt from error
        if result.score is None:
            raise keras_tuner.errors.FailedTrialError(result.remark)
        return {SCORE: self.trials.told(result), **{name: float(value) for name, value in result.figures.items() if math.isfinite(value)}}

    def _try_run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Without the traceback that KerasTuner prints of every trial that fails."""
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = TrialStatus.COMPLETED
        except keras_tuner.errors.FailedTrialError as error:
            trial.status, trial.message = TrialStatus.FAILED, str(error)

    def pre_create_trial(self) -> None:
        """Looks at the clock, and waits where the oracle has had no trial to give."""
        if self._asked:
            time.sleep(_WAIT)
        self._asked = True
        if time.time() > self.deadline:
            raise _Halt from OutOfTime()

    def on_trial_end(self, trial: Trial) -> None:
        """Tells the oracle, and whoever looks on."""
        super().on_trial_end(trial)
        self._asked = False
        self.ended()

    def save(self) -> None:
        """Saves the oracle, which is all the state there is."""
        if not self._is_worker():
            self.oracle.save()

    def reload(self) -> None:
        """Reads the oracle's state."""
        if not self._is_worker():
            self.oracle.reload()

    def _get_tuner_fname(self) -> str:
        return str(pathlib.Path(self.project_dir) / "oracle.json")

    def run(self) -> bool:
        """Runs trials until the oracle has no more; returns whether it came to that before the deadline.

        Raises:
          Held: another process has a trial's directory.
          OSError: the disk is full or out of reach.
        """
        try:
            self.search()
        except _Halt as halt:
            if isinstance(halt.__cause__, OutOfTime):
                return False
            assert halt.__cause__ is not None
            raise halt.__cause__ from None
        return True


class _Halt(keras_tuner.errors.FatalError):
    """Ends the search for the reason that is its cause."""


def settings_of(config: Config, space: str, objective: str, **more: Any) -> tuple[Settings, dict[str, str]]:
    """Makes settings from what a command line says.

    Args:
      config: what every trial begins with.
      space: as `tuning.space.read_space` takes it.
      objective: as `tuning.objective.read_objective` takes it.
      more: other fields of Settings.

    Returns:
      the settings, and of the parameters that do not apply, by name, why.

    Raises:
      UserError: something of them is not admitted.
    """
    parameters, left_out = read_space(space, config)
    settings = Settings(config, parameters, objective, **more)
    _check(settings)
    return dataclasses.replace(settings, objective=_objective(settings).text), left_out


def _objective(settings: Settings) -> Objective:
    has = capabilities(build_vae(settings.config, modality_of(settings.config).usual_shape))
    labels = corpora.read(settings.config.data).valid.labels
    return read_objective(settings.objective, has, labels)


def _contents() -> Contents:
    """What the project writes into a search's directory."""
    runs = {"trial_*/seed-*" + (f"/{place}" if place != "." else ""): names for place, names in run_contents().items()}
    return runs | {
        ".": ("search.json", "oracle.json", "trials.csv", "best.json", LOCK),
        "trial_*": ("trial.json", "result.json", "half.json", LOCK),
        "workers": ("*.log",),
        "pictures": ("*.png", "*.svg"),
        "hparams": (),
        "hparams/trial_*": (EVENTS,),
    }


def _is_search(file: pathlib.Path) -> bool:
    """Whether a file says that the directory is a search's, even if it is one of another version."""
    try:
        values = load_json(file, "")
        return isinstance(values["space"], dict) and isinstance(values["config"], dict) and "tfvae" in values["versions"]
    except (OSError, UserError, KeyError, TypeError):
        return False


def _check(settings: Settings) -> None:
    if settings.tuner not in TUNERS:
        raise UserError(f"--tuner={settings.tuner} is not a tuner: write one of {', '.join(TUNERS)}")
    least = {
        "trials": 0 if settings.tuner == "hyperband" else 1,
        "executions": 1,
        "trial_epochs": 0,
        "samples": 1,
        "sentences": 0,
        "seed": 0,
    }
    for name, bound in least.items():
        if getattr(settings, name) < bound:
            raise UserError(f"--{name}={getattr(settings, name)}: must be at least {bound}")


def _read(path: pathlib.Path) -> Settings:
    file = path / "search.json"
    try:
        values = load_json(file, _ADVICE)
        del values["versions"]
        config = Config.from_dict(values["config"])
        described = {name: Parameter(name, **_tuples(spread)) for name, spread in values["space"].items()}
        return Settings(**{**values, "config": config, "space": list(described.values())})
    except FileNotFoundError:
        raise UserError(f"--search={path}: no search is there (no search.json); name the directory of one") from None
    except UserError as error:
        raise UserError(str(error) if str(file) in str(error) else f"{file}: {error}; {_ADVICE}") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UserError(f"{file} is damaged or of another version: {_ADVICE}") from None


def _tuples(spread: Mapping[str, Any]) -> dict[str, Any]:
    when = {name: tuple(values) for name, values in spread.get("when", {}).items()}
    lists = {name: tuple(spread[name]) for name in ("paths", "values") if name in spread}
    return {**spread, **lists, "when": when}


def _check_same(path: pathlib.Path, settings: Settings) -> None:
    theirs, ours = (json.loads(json.dumps(each.to_dict())) for each in (_read(path), settings))
    changed = [name for name in ours if ours[name] != theirs[name] and name != "trials"]
    if changed:
        raise UserError(
            f"--search={path}: differs from this search in {', '.join(changed)}: go on with the same, or name another directory"
        )


def best_config(search: Search, values: Values) -> Config:
    """Returns the configuration of a trial at full length."""
    return configure(search.settings.config, search.settings.space, values)
