"""Texts of a corpus where they could do harm: in a terminal, a line of a table, a spreadsheet."""

import unicodedata
from collections.abc import Iterable
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def visible(text: str, keep: str = "\n\t") -> str:
    r"""Returns a text with its control characters written out, as \u001b for the escape character, but for those that are to be kept.

    Those are what Unicode calls Cc, all that a terminal obeys. JSON stays JSON of the same strings.
    """
    if text.isprintable():
        return text
    return "".join(rf"\u{ord(letter):04x}" if unicodedata.category(letter) == "Cc" and letter not in keep else letter for letter in text)


class VisibleStream:
    """A text stream, such as a terminal, that is never written control characters but newlines and tabs; see `visible`."""

    def __init__(self, stream: Any) -> None:
        """Writes to `stream`, whose other methods it has too."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes a text and returns its length."""
        self._stream.write(visible(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def spreadsheet_cell(value: Any) -> Any:
    """Returns what a cell of a CSV file holds so that no spreadsheet takes it for a formula: lists are joined, numbers are left alone.

    A text that begins with = + - @, a tab or a carriage return gets an apostrophe before it, which says to a spreadsheet that it is text.
    """
    text = " | ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
