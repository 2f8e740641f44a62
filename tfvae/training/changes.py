"""How a configuration differs from its model's usual one."""

import collections
import hashlib
import pathlib
from typing import Any

from tfvae.config import Config

_LONGEST_NAME = 120


def default_path(config: Config, usual: Config) -> str:
    """Returns runs/<model>-<data>-<changed fields>-<seed>, the fields being those that differ from the model's usual ones.

    A field is called by the end of its path that no other field shares; a long list is cut and ends in a hash of the whole.
    """
    leaves = collections.Counter(path.rsplit(".", 1)[-1] for path in config.flat())
    changed = []
    for path, value in changed_fields(config, usual).items():
        leaf = path.rsplit(".", 1)[-1]
        if path != "training.epochs":
            changed.append(f"{leaf if leaves[leaf] == 1 else path}={_short(value)}")
    named = "-".join(changed)
    if len(named) > _LONGEST_NAME:
        named = f"{named[:_LONGEST_NAME]}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"
    return "runs/" + "-".join(part for part in (config.model, config.data.name, named, str(config.training.seed)) if part)


def changed_fields(config: Config, usual: Config) -> dict[str, Any]:
    """Returns the fields of a configuration that differ from the model's usual ones, by path.

    Seed and place of the corpus are none, nor is how spellings were read: earlier versions knew one way.
    """
    theirs = usual.flat()
    unchanged = ("model", "data.name", "data.dir", "data.unicode", "training.seed")
    return {path: value for path, value in config.flat().items() if value != theirs[path] and path not in unchanged}


def far_from(config: Config, usual: Config, factor: float = 10.0) -> list[str]:
    """Returns the numbers of a configuration that are further than a factor from the usual ones, the furthest first, in words."""
    theirs, found = usual.flat(), []
    for path, value in changed_fields(config, usual).items():
        both = [abs(number) for number in (value, theirs[path]) if isinstance(number, (int, float)) and not isinstance(number, bool)]
        if len(both) == 2 and min(both) and max(both) > factor * min(both):
            found.append((max(both) / min(both), f"config.{path} is {value:g}, usually {theirs[path]:g}"))
    return [said for _, said in sorted(found, reverse=True)]


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return pathlib.PurePath(value).name if isinstance(value, str) else str(value)
