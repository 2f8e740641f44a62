"""Scripts of several parts: which are named, and the file in which what came of each is kept."""

import json
import pathlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

from tfvae.data.files import write_text
from tfvae.errors import UserError, suggest

Results = dict[str, dict[str, Any]]
"""What came of each part, by its name, with the machine and the day."""


def chosen(names: Sequence[str], parts: Collection[str]) -> list[str]:
    """Returns the parts that are named.

    Raises:
      UserError: one is no part.
    """
    named = [name for name in names if name]
    for name in named:
        if name not in parts:
            raise UserError(f"--parts={name} is not a part{suggest(name, parts)}")
    return named


def read(path: pathlib.Path, look: Callable[[Results], object]) -> Results:
    """Returns what a file has; nothing where there is no file.

    Args:
      path: the file.
      look: makes something of what it has, and fails where it is not the script's.

    Raises:
      UserError: it is not.
    """
    if not path.exists():
        return {}
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        look(results)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"--json={path}: is no file of this script's; name another, or delete it") from None
    return results


def write(path: pathlib.Path, results: Results) -> None:
    """Writes what came of parts, an object each."""
    write_text(path, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
