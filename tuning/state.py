"""What an oracle wrote of itself and of its trials, looked through before KerasTuner reads it, which says nothing of what is wrong."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from tfvae.data.json_files import load_json
from tfvae.errors import UserError
from tuning.space import Parameter

_ADVICE = "put it back as the search wrote it, or begin anew with --overwrite"
DAMAGE = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, RuntimeError, TypeError, ValueError)
"""What KerasTuner falls over files with that hold something else than it wrote."""
_STATUSES = {status for name, status in vars(TrialStatus).items() if name.isupper()}


def damaged(file: pathlib.Path) -> UserError:
    """Returns the error of a file that is not as the search wrote it."""
    return UserError(f"{file} is damaged or of another version: {_ADVICE}")


def check_oracle(file: pathlib.Path, first: Mapping[str, Any]) -> None:
    """Checks that oracle.json has what an oracle says of itself at first, of the same types.

    Raises:
      UserError: it has not.
    """
    state = load_json(file, _ADVICE)
    if any(name not in state or (value is not None and not isinstance(value, type(state[name]))) for name, value in first.items()):
        raise damaged(file)


def trial_values(file: pathlib.Path, space: Sequence[Parameter] = ()) -> dict[str, Any]:
    """Returns the values that a trial was given, of trial.json.

    Args:
      file: it.
      space: parameters, each of which must admit its value.

    Raises:
      UserError: the file is damaged.
      OSError: there is none.
    """
    state = load_json(file, _ADVICE)
    try:
        trial = Trial.from_state(state)
        values = dict(trial.hyperparameters.values)
        if trial.trial_id != file.parent.name.removeprefix("trial_") or trial.status not in _STATUSES:
            raise ValueError
        if trial.score is not None and not isinstance(trial.score, int | float):
            raise ValueError
        for parameter in space:
            if parameter.name in values:
                parameter.clip(values[parameter.name])
    except DAMAGE:
        raise damaged(file) from None
    return values
