"""One number of an evaluation, with all that makes it comparable."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.errors import UserError


@dataclasses.dataclass(frozen=True)
class Figure:
    """A value and how it came about.

    Attributes:
      name: the key in files and tables.
      value: a number, or one a latent variable; None where it does not apply, and then `estimator` says why.
      error: the standard error, of the value's shape; None where there is none to give.
      unit: "nats a sentence", "nats", "share", … or "" for a pure number.
      estimator: how the value was computed, in a few words.
      settings: numbers the estimator depends on: samples, sentences, thresholds, seeds.
      remark: what a reader of the value must know beside.
    """

    name: str
    value: Any
    error: Any = None
    unit: str = ""
    estimator: str = ""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    remark: str = ""

    @property
    def full_name(self) -> str:
        """The name, with the label and the clustering that the figure is about: "homogeneity[act, joint]"."""
        of = [str(self.settings[key]) for key in ("label", "codes") if key in self.settings]
        return f"{self.name}[{', '.join(of)}]" if of else self.name

    def to_dict(self) -> dict[str, Any]:
        """Returns what JSON holds; a value that is no number becomes null, as JSON has none. An empty remark is left out."""
        values = {key: _plain(value) for key, value in dataclasses.asdict(self).items()}
        return values if self.remark else {key: value for key, value in values.items() if key != "remark"}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Figure":
        """Makes the figure of `to_dict`'s answer.

        Raises:
          UserError: it is not one.
        """
        try:
            return cls(**values)
        except TypeError:
            raise UserError("an evaluation was written by another version: make it again with --overwrite") from None


def mean_figure(name: str, values: np.ndarray, **more: Any) -> Figure:
    """Returns the mean of values [N] or [N, J] over examples with its standard error."""
    values = np.asarray(values, np.float64)
    error = values.std(axis=0, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else np.full(values.shape[1:], np.nan)
    return Figure(name, values.mean(axis=0), error, **more)


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> tuple[float, float]:
    """Returns sum(numerator) / sum(denominator) over examples and its standard error, by linearisation."""
    numerator, denominator = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    value = numerator.sum() / denominator.sum()
    count = len(numerator)
    spread = math.sqrt(np.sum((numerator - value * denominator) ** 2) * count / (count - 1)) if count > 1 else math.nan
    return value, spread / denominator.sum()


def _plain(value: Any) -> Any:
    """Returns a value of plain Python types."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return [_plain(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value
