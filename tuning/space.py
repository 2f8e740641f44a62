"""What is searched: parameters of a configuration and their ranges, as data."""

import copy
import dataclasses
import graphlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tfvae.config import Config, check_field, coerce, overlay, read_json, update
from tfvae.errors import UserError, suggest

Value = float | int | str | bool
Values = Mapping[str, Value]


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter of a search: a range of numbers, or a list of values.

    Attributes:
      name: what tables call it.
      paths: fields of the configuration that have its value.
      low: least number of a range.
      high: greatest number of a range, itself among them.
      values: the values, in place of a range.
      scale: how a range is covered: linear or log.
      when: values of other parameters with which it means something; with others it keeps the configuration's value.
    """

    name: str
    paths: tuple[str, ...]
    low: float = math.nan
    high: float = math.nan
    values: tuple[Value, ...] = ()
    scale: str = "linear"
    when: Mapping[str, tuple[Value, ...]] = dataclasses.field(default_factory=dict)

    def bounds(self) -> tuple[Value, ...]:
        """Returns every listed value, or the two ends of the range."""
        return self.values or (self.low, self.high)

    def admits(self, value: Value) -> bool:
        """Whether the range or the list holds a value."""
        return value in self.values if self.values else self.low <= float(value) <= self.high

    def clip(self, value: Value) -> Value:
        """Returns the nearest value of the range, in the field's type.

        KerasTuner's whole numbers on a log scale may lie 1 above it, and its lists have numbers for true and false.
        """
        if self.values or isinstance(value, str):
            return kind(self)(value)
        return kind(self)(min(max(value, self.low), self.high))

    def to_dict(self) -> dict[str, Any]:
        """Returns what JSON holds, as a file of --space has it."""
        spread = {"values": list(self.values)} if self.values else {"low": self.low, "high": self.high, "scale": self.scale}
        when = {"when": {name: list(values) for name, values in self.when.items()}} if self.when else {}
        return {"paths": list(self.paths), **spread, **when}


_FIXED = ("model", "data.name", "training.epochs", "training.seed")  # each trial has these of the search
_HIDDEN = ("encoder.hidden_dim", "decoder.hidden_dim", "decoder.embedding_dim")
PARAMETERS: Mapping[str, Parameter] = {
    parameter.name: parameter
    for parameter in (
        Parameter("beta", ("objective.beta",), 0.0, 1.0),
        Parameter("kappa", ("latent.kappa",), 5.0, 500.0, scale="log"),
        Parameter("components", ("latent.components",), 2, 16, scale="log"),
        Parameter("variables", ("latent.variables",), 1, 20, scale="log"),
        Parameter("dim", ("latent.dim",), 2, 64, scale="log"),
        Parameter("mi_weight", ("objective.mi_weight",), 0.0, 1.0),
        Parameter("learning_rate", ("training.learning_rate",), 3e-4, 3e-3, scale="log"),
        Parameter("hidden_dim", _HIDDEN, values=(64, 128, 256, 512)),
        Parameter("word_dropout", ("decoder.word_dropout",), 0.0, 0.6),
        Parameter("schedule", ("objective.schedule.kind",), values=("logistic", "cyclical", "constant")),
        Parameter("midpoint", ("objective.schedule.midpoint",), 100, 5000, scale="log", when={"schedule": ("logistic",)}),
    )
}
"""Parameters by name; `midpoint` is searched without `schedule` too."""

TUNERS = ("bayesian", "hyperband", "random")
"""Ways in which a search proposes values."""

PRESETS: Mapping[str, tuple[str, ...]] = {
    "standard": ("beta", "kappa", "components", "variables", "dim"),
    "wide": tuple(PARAMETERS),
}
"""Spaces by name. Of each, a search takes the parameters that mean something for its model."""


def read_space(text: str, config: Config) -> tuple[list[Parameter], dict[str, str]]:
    """Makes the space that a command line names.

    Args:
      text: a preset; or FILE.json, an object {name: {"low": …, "high": …, "scale": "log"} or {"values": […]}}; or names with commas
        between, each with its own range if need be: "beta=0.2:0.9,components=2|4|8". A name is one of PARAMETERS or a field's path,
        "latent.dim".
      config: what the search begins with.

    Returns:
      the parameters that mean something for the configuration's model, and of the others, by name, why they do not.

    Raises:
      UserError: an unknown name, a range that is empty or that the configuration does not admit, or nothing left to search.
    """
    if text.endswith(".json"):
        described = read_json(text, flag="space")
    elif text in PRESETS:
        described = {name: {} for name in PRESETS[text]}
    else:
        described = dict(_inline(item) for item in text.split(",") if item.strip())
    space, left_out = [], {}
    parameters = [_parameter(name, spread) for name, spread in described.items()]
    for parameter in parameters:
        if reason := _reason_unused(parameter, config, parameters):
            left_out[parameter.name] = reason
        else:
            space.append(parameter)
    by_name = {parameter.name: parameter for parameter in space}
    space = [_restrict(parameter, by_name) for parameter in space]
    try:
        list(graphlib.TopologicalSorter({parameter.name: parameter.when.keys() for parameter in space}).static_order())
    except graphlib.CycleError:
        raise UserError(f'--space={text}: parameters depend on each other in a circle by "when": cut it') from None
    if not space:
        raise UserError(
            f"--space={text}: nothing to search for {config.model}: {'; '.join(f'{k}: {v}' for k, v in left_out.items()) or text}"
        )
    for parameter in space:
        for path in parameter.paths:
            for value in parameter.bounds():
                check_field(path, value)
    return space, left_out


def _reason_unused(parameter: Parameter, config: Config, others: Sequence[Parameter]) -> str:
    """Why a parameter means nothing for the configuration, whatever values of the others its conditions admit; empty where it does."""
    from tfvae.registry import reason_unused

    conditions = [
        [dict.fromkeys(other.paths, value) for value in parameter.when[other.name] if value in other.values] or [{}]
        for other in others
        if other.name in parameter.when
    ]
    tried = []
    for settings in itertools.product(*conditions):
        tried.append(copy.deepcopy(config))
        for setting in settings:
            update(tried[-1], overlay(setting))
    reasons = [next((reason for path in parameter.paths if (reason := reason_unused(one, path))), "") for one in tried]
    return "" if "" in reasons else reasons[0]


def configure(config: Config, space: Sequence[Parameter], values: Values) -> Config:
    """Returns a copy of a configuration with a trial's values, validated.

    Raises:
      UserError: it does not admit a value, or two of them together.
    """
    changed = copy.deepcopy(config)
    flat = {path: values[parameter.name] for parameter in space if parameter.name in values for path in parameter.paths}
    update(changed, overlay(flat))
    changed.validate()
    return changed


def current(config: Config, space: Sequence[Parameter]) -> dict[str, Value] | None:
    """Returns the values that a configuration has; None where one of them is outside of the space."""
    flat = config.flat()
    values = {parameter.name: flat[parameter.paths[0]] for parameter in space}
    active = {p.name: values[p.name] for p in space if is_active(p, values)}
    inside = all(p.admits(values[p.name]) and all(flat[path] == values[p.name] for path in p.paths) for p in space if p.name in active)
    return active if inside else None


def is_active(parameter: Parameter, values: Values) -> bool:
    """Whether a parameter means something beside values of the others."""
    return all(values.get(name) in admitted for name, admitted in parameter.when.items())


def kind(parameter: Parameter) -> type:
    """Returns the type of a parameter's values: that of its field."""
    return type(Config().flat()[parameter.paths[0]])


def _inline(item: str) -> tuple[str, dict[str, Any]]:
    """Reads "name", "name=low:high" or "name=a|b|c"."""
    name, given, spread = item.strip().partition("=")
    if not given:
        return name, {}
    if "|" in spread:
        return name, {"values": spread.split("|")}
    low, colon, high = spread.partition(":")
    if not colon:
        return name, {"values": [spread]}
    return name, {"low": low, "high": high}


def _parameter(name: str, spread: Any) -> Parameter:
    """Makes a parameter of what is said of it, over what PARAMETERS has."""
    fields = Config().flat()
    if name not in PARAMETERS and name not in fields:
        raise UserError(f"--space: {name!r} is no parameter and no field of the configuration{suggest(name, [*PARAMETERS, *fields])}")
    known = PARAMETERS.get(name, Parameter(name, (name,)))
    if not isinstance(spread, Mapping) or set(spread) - {"low", "high", "values", "scale", "when", "paths"}:
        raise UserError(f'--space: {name} = {json.dumps(spread)}: must be an object with "low" and "high", or "values"')
    paths = spread.get("paths", known.paths)
    if not isinstance(paths, list | tuple) or not paths or not all(isinstance(path, str) and path in fields for path in paths):
        raise UserError(f"--space: {name}: paths must be a list of fields of the configuration, not {json.dumps(paths)}")
    paths = tuple(paths)
    if fixed := [path for path in paths if path in _FIXED]:
        raise UserError(f"--space: {name}: {fixed[0]} is not searched: give it to the search as a flag of its own")
    number = type(fields[paths[0]])
    if "values" in spread or ("low" not in spread and "high" not in spread and known.values):
        listed = spread.get("values", known.values)
        if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
            raise UserError(f"--space: {name}: values must be a list of one or more")
        values = tuple(coerce(f"--space: {name}", value, number) for value in listed)
        parameter = Parameter(name, paths, values=tuple(dict.fromkeys(values)))
    elif number not in (int, float):
        raise UserError(f"--space: {name} has no range: list its values, as {name}=a|b")
    elif any(end not in spread and math.isnan(getattr(known, end)) for end in ("low", "high")):
        raise UserError(f"--space: {name}: give its range, as {name}=2:8, or its values, as {name}=2|4|8")
    else:
        low, high = (coerce(f"--space: {name}", spread.get(end, getattr(known, end)), number) for end in ("low", "high"))
        parameter = Parameter(name, paths, low, high, scale=str(spread.get("scale", known.scale)))
        if parameter.scale not in ("linear", "log"):
            raise UserError(f"--space: {name}: scale = {parameter.scale!r}: must be linear or log")
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise UserError(f"--space: {name} from {low} to {high}: give a low that is below a high")
        if parameter.scale == "log" and low <= 0:
            raise UserError(f"--space: {name} from {low}: a log scale begins above 0")
    when = spread.get("when", known.when)
    if not isinstance(when, Mapping) or not all(isinstance(admitted, list | tuple) for admitted in when.values()):
        raise UserError(f'--space: {name}: "when" must be an object of lists, as {{"schedule": ["logistic"]}}')
    return dataclasses.replace(parameter, when={key: tuple(admitted) for key, admitted in when.items()})


def _restrict(parameter: Parameter, searched: Mapping[str, Parameter]) -> Parameter:
    """Drops conditions on parameters that are not searched, and checks the others."""
    when = {}
    for name, admitted in parameter.when.items():
        if name not in searched:
            if name not in PARAMETERS and name not in Config().flat():
                raise UserError(f"--space: {parameter.name}: when {name!r}: no such parameter{suggest(name, [*searched, *PARAMETERS])}")
            continue
        when[name] = tuple(coerce(f"--space: {parameter.name}: when {name}", value, kind(searched[name])) for value in admitted)
        if not all(searched[name].values and searched[name].admits(value) for value in when[name]):
            raise UserError(f"--space: {parameter.name}: when {name} is {list(admitted)}: must be among the values listed for {name}")
    return dataclasses.replace(parameter, when=when)
