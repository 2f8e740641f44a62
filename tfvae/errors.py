"""Errors that are the user's to mend, told in one line."""

import difflib
import itertools
from collections.abc import Iterable
from typing import Any

_ESCAPED = str.maketrans({letter: repr(letter)[1:-1] for letter in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"})


class UserError(ValueError):
    """A mistake in a flag, a file or a configuration.

    The message is one line: what is wrong, where, and what to do. Commands print it without a traceback and exit with status 2.
    """

    def __init__(self, message: str) -> None:
        """Takes the message; ends of lines in what it quotes, such as a column's name, are written as Python would write them."""
        super().__init__(message.translate(_ESCAPED))


def suggest(word: str, known: Iterable[str]) -> str:
    """Returns ", did you mean 'x'?" for the nearest of `known`, or the list of what is known when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"


def listed(items: Iterable[Any], most: int = 5) -> str:
    """Returns the first of some items, with commas between, and a sign that there are more."""
    some = list(itertools.islice(items, most + 1))
    return ", ".join(map(str, some[:most])) + (", …" if len(some) > most else "")
