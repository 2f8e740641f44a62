"""What came of a number of attacks."""

import dataclasses
from collections.abc import Callable
from typing import Any

from tfvae.errors import UserError

SHOWN = 5
"""Attacks that broke something of which an outcome tells."""


@dataclasses.dataclass
class Outcome:
    """Counts of one kind of attack.

    Attributes:
      attack: what was done, in a few words.
      holds: what must hold after each.
      tried: attacks.
      broken: of those after which it did not hold, what happened.
      figures: numbers beside, by name.
    """

    attack: str
    holds: str
    tried: int = 0
    broken: list[str] = dataclasses.field(default_factory=list)
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)

    def count(self, what: str, problem: str) -> None:
        """Counts an attack, and what is wrong after it, "" for nothing."""
        self.tried += 1
        if problem:
            self.broken.append(f"{what}: {problem}"[:500])

    def to_dict(self) -> dict[str, Any]:
        """Returns what JSON holds, of many that broke something the first."""
        plain = dataclasses.asdict(self)
        return {**plain, "held": self.tried - len(self.broken), "broken": self.broken[:SHOWN]}


def told(call: Callable[[], Any]) -> str:
    """Returns what is wrong with how a call ended: it may return, or raise a mistake of the user's told in one line."""
    try:
        call()
    except UserError as error:
        message = str(error)
        return (
            ""
            if message and "\n" not in message and len(message) < 2000
            else f"told in {message.count(chr(10)) + 1} lines: {message!r:.200}"
        )
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.300}"
    return ""
