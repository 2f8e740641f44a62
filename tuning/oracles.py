"""KerasTuner's oracles, made to survive a kill at any moment, and the space in KerasTuner's types.

References:
  O'Malley et al. KerasTuner. https://github.com/keras-team/keras-tuner, 2019.
  Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar. Hyperband. JMLR 18, 2018.
"""

import contextlib
import graphlib
import json
import pathlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus
from sklearn.exceptions import ConvergenceWarning

from tfvae.config import Config
from tfvae.data.files import write_text
from tfvae.errors import UserError
from tuning.space import TUNERS, Parameter, Value, current, kind
from tuning.state import DAMAGE, check_oracle, damaged, trial_values

SCORE = "score"
_ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class _Durable:
    """Mixed into an oracle: files are written whole, and what they say after a kill is made consistent.

    KerasTuner's own writes its state in place, and forgets that a trial ended when it is killed between two of its files.
    """

    first: Mapping[str, Value] | None = None
    space: Sequence[Parameter] = ()
    trials: dict[str, Trial]
    ongoing_trials: dict[str, Trial]
    start_order: list[str]
    end_order: list[str]
    _retry_queue: list[str]

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Begins with the values that the configuration has, where they are inside of the space."""
        if self.first and not self.trials:
            first = {
                parameter.name: _told(parameter, self.first[parameter.name]) for parameter in self.space if parameter.name in self.first
            }
            return {"status": TrialStatus.RUNNING, "values": first}
        proposal = super().populate_space(trial_id)  # type: ignore[misc]
        if proposal["status"] == TrialStatus.RUNNING:
            values = proposal["values"]
            values |= {parameter.name: _told(parameter, values[parameter.name]) for parameter in self.space if parameter.name in values}
        return proposal

    def save(self) -> None:
        """Writes oracle.json beside and renames it."""
        write_text(self._path("oracle.json"), json.dumps(self.get_state()))  # type: ignore[attr-defined]

    def _save_trial(self, trial: Trial) -> None:
        path = self._path(f"trial_{trial.trial_id}") / "trial.json"
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps(trial.get_state()))

    def _path(self, name: str) -> pathlib.Path:
        return pathlib.Path(self._project_dir) / name  # type: ignore[attr-defined]

    def reload(self) -> None:
        """Reads what was written; trials that had begun are run first, those that ended are not run again.

        Raises:
          UserError: a file is damaged, or lacks.
        """
        file = self._path("oracle.json")
        check_oracle(file, self.get_state())  # type: ignore[attr-defined]
        for trial in sorted(file.parent.glob("trial_*/trial.json")):
            trial_values(trial, self.space)
        try:
            super().reload()  # type: ignore[misc]
            self._go_on()
        except UserError:
            raise
        except DAMAGE:
            raise damaged(file) from None

    def _go_on(self) -> None:
        """Makes consistent what the files say."""
        if missing := [name for name in dict.fromkeys((*self.start_order, *self.end_order)) if name not in self.trials]:
            raise UserError(f"{self._path('oracle.json').parent} lacks trials ({', '.join(missing)}): begin anew with --overwrite")
        for name in [name for name in self.trials if name not in self.start_order]:
            del self.trials[name]  # no tuner was told of it
        self._retry_queue = [name for name in reversed(self.start_order) if self.trials[name].status not in _ENDED]
        self.end_order += [name for name in self.start_order if self.trials[name].status in _ENDED and name not in self.end_order]

    @keras_tuner.synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Keeps a tuner waiting while others are at work: one of them may fall silent, and leave its trial."""
        trial = super().create_trial(tuner_id)  # type: ignore[misc]
        if trial.status == TrialStatus.STOPPED and self.ongoing_trials:
            trial.status = TrialStatus.IDLE
        return trial

    @property
    def pending(self) -> bool:
        """Whether trials are under way, or left by a tuner."""
        return bool(self.ongoing_trials or self._retry_queue)

    @keras_tuner.synchronized
    def give_up(self, tuner_id: str) -> str | None:
        """Takes a tuner's trial from it, for the next one that asks; returns the trial's number, None where it had none."""
        trial = self.ongoing_trials.pop(tuner_id, None)
        self.tuner_ids.discard(tuner_id)  # type: ignore[attr-defined]
        if trial is None:
            return None
        if trial.trial_id not in self._retry_queue:
            self._retry_queue.append(trial.trial_id)
        return str(trial.trial_id)


class _Random(_Durable, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Durable, keras_tuner.oracles.BayesianOptimizationOracle):
    """Proposes no values twice, and guesses the scores of trials under way by what those that ended had.

    KerasTuner's own guesses them by a process that it may not have fitted yet, which says 1 whatever scores are like.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Draws at random where the proposal has been tried, which ends the search when everything has."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a process that is fitted to few points
            proposal = super().populate_space(trial_id)
        if proposal["status"] == TrialStatus.RUNNING and self._duplicate(proposal["values"]):
            return self._random_populate_space()
        return proposal

    def _vectorize_trials(self) -> tuple[np.ndarray, np.ndarray]:
        everything, ongoing = self.trials, self.ongoing_trials
        under_way = {trial.trial_id for trial in ongoing.values()}
        ended = {name: trial for name, trial in everything.items() if trial.status == TrialStatus.COMPLETED}
        try:
            self.trials, self.ongoing_trials = ended, {}
            x, y = super()._vectorize_trials()
            if not under_way:
                return x, y
            self.gpr.fit(x, y)
            self.trials = {name: trial for name, trial in everything.items() if name in ended or name in under_way}
            self.ongoing_trials = ongoing
            return super()._vectorize_trials()
        finally:
            self.trials, self.ongoing_trials = everything, ongoing


class _Hyperband(_Durable, keras_tuner.oracles.HyperbandOracle):
    pass


def make_oracle(
    tuner: str, space: Sequence[Parameter], config: Config, *, direction: str, trials: int, epochs: int, seed: int
) -> keras_tuner.Oracle:
    """Makes an oracle.

    Args:
      tuner: a name of `tuning.space.TUNERS`.
      space: what is searched.
      config: what the search begins with.
      direction: min or max.
      trials: most trials; 0, of hyperband alone, for as many as its brackets have.
      epochs: of the longest trials, which hyperband divides by 3 again and again.
      seed: of the proposals.

    Raises:
      UserError: an unknown tuner, or fewer trials than hyperband's first bracket has.
    """
    settings: dict[str, Any] = {
        "objective": keras_tuner.Objective(SCORE, direction),
        "hyperparameters": hyperparameters(space, config),
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": seed + 1,  # KerasTuner takes 0 for none
        "max_consecutive_failed_trials": None,
    }
    if tuner == "hyperband":
        oracle: Any = _Hyperband(max_epochs=epochs, **settings)
        oracle.max_trials = trials or None
        first = oracle._get_num_brackets() - 1
        least = sum(oracle._get_size(first, number) for number in range(oracle._get_num_rounds(first)))
        if trials and trials < least:
            raise UserError(
                f"--trials={trials}: hyperband's first bracket, up to {epochs} epochs, has {least}; fewer would end before the longest: "
                "ask for as many, or leave out --trials for all brackets"
            )
    elif tuner in TUNERS:
        initial = {"num_initial_points": max(3, min(trials // 3, 3 * len(space)))} if tuner == "bayesian" else {}
        oracle = {"bayesian": _Bayesian, "random": _Random}[tuner](max_trials=trials, **initial, **settings)
        oracle.first = current(config, space)
    else:
        raise UserError(f"--tuner={tuner} is not a tuner: write one of {', '.join(TUNERS)}")
    oracle.space = space
    oracle.verbose = 0
    return oracle


def hyperparameters(space: Sequence[Parameter], config: Config) -> keras_tuner.HyperParameters:
    """Returns a space in KerasTuner's types; defaults are the configuration's values, where they are inside of it."""
    made = keras_tuner.HyperParameters()
    flat = config.flat()
    for parameter in _parents_first(space):
        value = flat[parameter.paths[0]]
        options: dict[str, Any] = {"default": value} if parameter.admits(value) else {}
        with contextlib.ExitStack() as conditions:
            for name, admitted in parameter.when.items():
                conditions.enter_context(made.conditional_scope(name, list(admitted)))
            if parameter.values:
                ordered = {"ordered": False} if kind(parameter) in (str, bool) else {}
                made.Choice(parameter.name, list(parameter.values), **ordered, **options)
            else:
                add = made.Int if kind(parameter) is int else made.Float
                add(parameter.name, parameter.low, parameter.high, sampling=parameter.scale, **options)
    return made


def _told(parameter: Parameter, value: Value) -> Value:
    """A value within its range, as KerasTuner has it: true and false are numbers there."""
    clipped = parameter.clip(value)
    return int(clipped) if isinstance(clipped, bool) else clipped


def _parents_first(space: Sequence[Parameter]) -> list[Parameter]:
    by_name = {parameter.name: parameter for parameter in space}
    return [by_name[name] for name in graphlib.TopologicalSorter({p.name: p.when.keys() for p in space}).static_order()]
