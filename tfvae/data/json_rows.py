"""JSON lines on their way to Arrow, whose reader ends the whole process where a block of them begins with null."""

import io
import re
from typing import Any

from tfvae.errors import UserError

_NULL = re.compile(rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?[ \t\r\n]*null")
_BUFFER = 1 << 16
_PREFIX = 8  # bytes of a line that say whether it is null


def no_nulls(stream: Any, path: str) -> Any:
    """Returns what reads `stream`, JSON lines of a file, until a line begins with null: that is an error of the user's."""
    return io.BufferedReader(_Rows(stream, path), _BUFFER)


class _Rows(io.RawIOBase):
    """A stream that looks at the beginnings of lines."""

    def __init__(self, stream: Any, path: str) -> None:
        self.stream, self.path = stream, path
        self.line = b""  # the beginning of the line that is not whole yet

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        text = self.line + data
        if _NULL.search(text):
            raise UserError(f"{self.path}: a line is null where an object is wanted: leave it out")
        last = text[1 + max(text.rfind(b"\n"), text.rfind(b"\r")) :]
        self.line = last.lstrip(b" \t")[:_PREFIX]
        buffer[: len(data)] = data
        return len(data)
