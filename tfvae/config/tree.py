"""Trees of dataclasses as configurations: fields by path, types and limits checked, errors that name the field."""

import dataclasses
import json
import textwrap
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tfvae.errors import UserError, suggest
from tfvae.opening import opened_as_is

LARGEST = 2**31 - 1
"""Whole number that a field may be, at most."""


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: Any = (),
    join: str = "",
) -> Any:
    """Returns a dataclass field, documented, and the values it admits.

    Args:
      default: its value unless it is set.
      help: what it is.
      low: the least value.
      high: the greatest.
      above: what a value must be greater than.
      choices: the values.
      join: what may stand between several choices; empty: there may be one.
    """
    limits = {"help": help, "low": low, "high": high, "above": above, "choices": choices, "join": join}
    return dataclasses.field(default=default, metadata=limits)


def update(config: Any, values: Mapping[str, Any], prefix: str = "config") -> None:
    """Sets fields of a configuration tree in place from nested dictionaries, with types checked.

    Raises:
      UserError: a field is unknown or a value has the wrong type.
    """
    hints = typing.get_type_hints(type(config))
    if not isinstance(values, Mapping):
        raise UserError(f"{prefix} = {values!r}: must be an object with the fields {', '.join(hints)}")
    for name, value in values.items():
        if name not in hints:
            raise UserError(f"{prefix}.{name} is not a field of the configuration{suggest(name, hints)}")
        current = getattr(config, name)
        if dataclasses.is_dataclass(current):
            update(current, value, f"{prefix}.{name}")
        else:
            setattr(config, name, coerce(f"{prefix}.{name}", value, hints[name]))


def coerce(path: str, value: Any, kind: Any) -> Any:
    """Returns `value` as the type of the field at `path`; text, as it comes from a command line, is parsed.

    Raises:
      UserError: the value does not read as that type.
    """
    if kind not in (bool, int, float, str):
        raise TypeError(f"{path}: fields are bool, int, float or str, not {kind}")
    readings = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if kind is bool and isinstance(value, str):
        value = readings.get(value.lower(), value)
    try:
        if isinstance(value, str) and kind is not bool:
            return kind(value) if kind is not str else writable(value)
        if isinstance(value, bool) == (kind is bool) and kind is not str and kind(value) == value:
            return kind(value)
    except (ValueError, TypeError, OverflowError):
        pass
    named = {bool: "true or false", int: "a whole number", float: "a number", str: "text, without NUL and in Unicode"}[kind]
    raise UserError(f"{path} = {textwrap.shorten(repr(value), 200)}: must be {named}")


def writable(text: str) -> str:
    """Returns text that a file's name or a JSON file can hold.

    Raises:
      ValueError: a NUL, or a surrogate, which is how Python has bytes of a command line that are not UTF-8.
    """
    if "\0" in text:
        raise ValueError("there is a NUL in it")
    text.encode()
    return text


def overlay(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Turns {"latent.dim": 2} into {"latent": {"dim": 2}}."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return nested


def read_json(path: str, flag: str = "config_file") -> dict[str, Any]:
    """Reads a JSON object from the file that a flag names: a configuration as `to_dict` writes it, unless another flag is named.

    Raises:
      UserError: the file cannot be read or is no JSON object.
    """
    try:
        with opened_as_is(path, f"check --{flag}", announced=False) as file:
            values = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise UserError(f"--{flag}={path} is not valid JSON: {error}") from None
    if not isinstance(values, dict):
        raise UserError(f'--{flag}={path}: must hold an object such as {{"latent": {{"dim": 5}}}}')
    return values


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Any, dataclasses.Field]]:
    """Yields (path, the dataclass that holds it, field) for each leaf of a configuration tree."""
    for field in dataclasses.fields(node):
        value = getattr(node, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", node, field


def check_range(path: str, value: Any, limits: Mapping[str, Any]) -> None:
    """Raises UserError unless the value of the field at `path` is within what its metadata admits."""
    choices, low, high, above = (limits[key] for key in ("choices", "low", "high", "above"))
    named = str(value).split(limits["join"]) if limits["join"] else [value]
    if choices and (wrong := [name for name in named if name not in choices]):
        several = f", or several with {limits['join']} between" if limits["join"] else ""
        raise UserError(f"config.{path} = {value!r}: must be one of {', '.join(map(str, choices))}{several}{_nearest(wrong[0], choices)}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        rules = [(low, "at least", lambda bound: value >= bound), (above, "above", lambda bound: value > bound)]
        rules.append((high, "at most", lambda bound: value <= bound))
        wanted = " and ".join(f"{word} {bound:g}" for bound, word, _ in rules if bound is not None)
        if any(bound is not None and not holds(bound) for bound, _, holds in rules) or value != value or abs(value) == float("inf"):
            raise UserError(f"config.{path} = {textwrap.shorten(str(value), 60)}: must be {wanted or 'finite'}")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise UserError(f"config.{path} = {textwrap.shorten(str(value), 60)}: must be at most {LARGEST}")


def _nearest(value: Any, choices: Iterable) -> str:
    hint = suggest(str(value), map(str, choices))
    return hint if hint.startswith(", did") else ""
