"""Text files cut into pieces of whole lines, which workers may read in any order and more than once."""

import dataclasses
import os
from collections.abc import Iterator, Sequence

from tfvae.errors import UserError
from tfvae.opening import opened

PIECE = 1 << 26
"""Bytes of a piece, at least; a worker does one at a time."""
_BLOCK = 1 << 22  # bytes read at a time while lines are counted


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some lines of a file.

    Attributes:
      number: of the piece, over all files.
      path: the file.
      start: its first byte.
      end: the byte after its last one; -1: it is the whole of a compressed file.
      line: lines before it in the file.
    """

    number: int
    path: str
    start: int
    end: int
    line: int

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yields each line of the piece, its end included, with its number in the file, from 1.

        Raises:
          UserError: the file cannot be read any more.
        """
        with opened(self.path, "it was there when it was cut into pieces") as file:
            if self.end >= 0:
                file.seek(self.start)
            at = self.start
            for number, data in enumerate(file, self.line + 1):
                yield number, data
                at += len(data)
                if 0 <= self.end <= at:
                    return


def pieces_of(paths: Sequence[str], size: int = PIECE) -> list[Piece]:
    """Cuts files, each read once, into pieces of at least `size` bytes but for a file's last; a .gz file is one piece.

    Raises:
      UserError: a file cannot be read.
    """
    found: list[Piece] = []
    for path in paths:
        if path.endswith(".gz"):
            found.append(Piece(len(found), path, 0, -1, 0))
            continue
        for start, end, line in _cut(path, size):
            found.append(Piece(len(found), path, start, end, line))
    return found


def _cut(path: str, size: int) -> Iterator[tuple[int, int, int]]:
    """Yields (first byte, byte after the last one, lines before) of each piece of a file."""
    with opened(path, "check --input") as file:
        total = os.fstat(file.fileno()).st_size
        start = line = 0
        while start < total:
            lines, end = 0, min(total, start + size)
            file.seek(start)
            left = end - start
            while left:
                block = file.read(min(left, _BLOCK))
                if not block:
                    raise UserError(f"{path}: became shorter while it was read")
                lines += block.count(b"\n")
                left -= len(block)
            if not block.endswith(b"\n") and end < total:
                rest = file.readline()
                end += len(rest)
                lines += 1
            yield start, end, line
            start, line = end, line + lines
