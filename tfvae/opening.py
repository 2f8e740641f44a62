"""The one place where users' files are opened: regular files only, and none that unpacks without end."""

import contextlib
import gzip
import io
import logging
import os
import stat
import zlib
from collections.abc import Iterator
from typing import Any

from tfvae.errors import UserError

log = logging.getLogger("tfvae")
_LARGE = 50_000_000  # bytes from which a file is announced
_SMALL, _RATIO = 64_000_000, 100  # bytes that any compressed file may unpack to, and how many times its size
_BUFFER = 1 << 16
_IRREGULAR = {
    "a folder": stat.S_ISDIR,
    "a pipe": stat.S_ISFIFO,
    "a device": stat.S_ISCHR,
    "a disk": stat.S_ISBLK,
    "a socket": stat.S_ISSOCK,
}


@contextlib.contextmanager
def opened(path: str, advice: str = "check the path", *, announced: bool = True) -> Iterator[Any]:
    """Opens a file to read bytes, plain or .gz, as `opened_as_is` does; a compressed one unpacks to a hundred times its size at most."""
    with opened_as_is(path, advice, announced=announced) as file:
        try:
            yield unpacked(gzip.GzipFile(fileobj=file), path) if path.endswith(".gz") else file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UserError(f"{path}: broken gzip file: {error}; fetch or compress it again") from None


@contextlib.contextmanager
def opened_as_is(path: str, advice: str = "check the path", *, announced: bool = True) -> Iterator[Any]:
    """Opens a file to read bytes, and says in a line what is wrong with it, then or later.

    Every reader of users' files opens them so: only regular files are read, since devices and pipes may have no end, or nothing to say.

    Args:
      path: the file.
      advice: what to do when there is none, for the message.
      announced: whether the size of a large file is logged before.
    """
    try:
        size = regular_size(path)
        if announced and size > _LARGE:
            log.warning("%s: reading %d MB", path, size // 1_000_000)
        with open(path, "rb") as file:
            yield file
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {advice}") from None
    except PermissionError:
        raise UserError(f"{path}: no permission to read it; see chmod +r") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {' '.join(str(error.strerror or error).split())}") from None


def regular_size(path: str | os.PathLike[str]) -> int:
    """Returns the bytes of a regular file.

    Raises:
      UserError: it is none, but a device, a pipe or a folder.
      OSError: there is no such file.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for name, is_one in _IRREGULAR.items() if is_one(found.st_mode)), "no regular file")
        raise UserError(f"{path}: is {kind} where a file is wanted{'' if stat.S_ISDIR(found.st_mode) else '; save what it gives into one'}")
    return found.st_size


def unpacked(stream: Any, path: str) -> Any:
    """Returns what reads `stream`, which unpacks a file, until that is too much for the file's size: then it is no text."""
    return io.BufferedReader(_Bounded(stream, path), _BUFFER)


class _Bounded(io.RawIOBase):
    """A stream that says where it must end."""

    def __init__(self, stream: Any, path: str) -> None:
        self.stream, self.path = stream, path
        self.left = most_unpacked(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        self.left -= len(data)
        if self.left < 0:
            raise too_much(self.path)
        buffer[: len(data)] = data
        return len(data)


def most_unpacked(path: str) -> int:
    """Returns the bytes that a compressed file may hold: texts pack to a twentieth at best, what only fills memory to a thousandth."""
    return max(_SMALL, _RATIO * os.path.getsize(path))


def too_much(path: str) -> UserError:
    """Returns the error of a file that holds more."""
    return UserError(
        f"{path}: unpacks to more than {most_unpacked(path) // 1_000_000:,} MB, {_RATIO} times its size, as no text does; "
        "if it is what you want, unpack it and name the unpacked file"
    )
