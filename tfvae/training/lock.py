"""One writer at a time in a folder, by an advisory lock that a killed process lets go of by itself."""

import contextlib
import fcntl
import os
import pathlib
import socket
from collections.abc import Iterator

from tfvae.errors import UserError

FILE = "lock"
"""The file that is locked; it is there while somebody writes, and says who."""


class Held(UserError):
    """Another process writes into the folder."""


@contextlib.contextmanager
def writing(folder: pathlib.Path, *, wait: bool = False) -> Iterator[None]:
    """Keeps other writers from a folder; where files cannot be locked, nobody is kept from it.

    Args:
      folder: that is written to.
      wait: whether to wait for another writer, however long it takes.

    Raises:
      Held: another process writes there, and is not waited for; the message says which.
    """
    locked = _lock(folder / FILE, wait)
    try:
        yield
    finally:
        if locked is not None:
            with contextlib.suppress(OSError):
                os.unlink(folder / FILE)
            os.close(locked)


def _lock(path: pathlib.Path, wait: bool) -> int | None:
    """Locks a file and returns its descriptor; None where that cannot be done."""
    try:
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                if _is_at(file, path):  # not one that another process, done by now, has taken away
                    os.truncate(file, 0)
                    os.write(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                    return file
            except BlockingIOError:
                holder = " ".join(os.read(file, 200).decode(errors="replace").split())
                os.close(file)
                raise Held(
                    f"{path.parent} is held by another process{holder and f' ({holder})'}: wait until it is done, or end it"
                ) from None
            except OSError:
                path.unlink()
                os.close(file)
                raise
            os.close(file)
    except OSError:  # no locks on this file system, or nothing can be written, which is told where something must be
        return None


def _is_at(file: int, path: pathlib.Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False
