"""JSON that any reader takes: no NaN and no Infinity is written, and what is wrong with a file is said in a line that names it."""

import json
import math
import os
from typing import Any

from tfvae.errors import UserError
from tfvae.opening import regular_size


def to_json(values: Any, *, indent: int | None = None) -> str:
    """Returns values as JSON; a number that is infinite or none is null."""
    return json.dumps(_finite(values), indent=indent, allow_nan=False)


def parse_json(text: str | bytes, where: str | os.PathLike[str], advice: str) -> dict[str, Any]:
    """Returns the object that a text holds.

    Args:
      text: JSON.
      where: the file, and perhaps the line, for the message.
      advice: what to do when something is wrong, for the message.

    Raises:
      UserError: it is no JSON, or no object.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{os.fspath(where)} is damaged: not valid JSON: {error}; {advice}") from None
    if not isinstance(values, dict):
        raise UserError(f"{os.fspath(where)} is damaged: must hold a JSON object; {advice}")
    return values


def load_json(path: str | os.PathLike[str], advice: str) -> dict[str, Any]:
    """Reads the object that a file holds.

    Raises:
      UserError: the file holds no JSON, or no object, or is no regular file.
      OSError: there is no such file, or it cannot be read.
    """
    regular_size(path)
    with open(path, "rb") as file:
        return parse_json(file.read(), path, advice)


def _finite(values: Any) -> Any:
    if isinstance(values, dict):
        return {name: _finite(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values
