"""Signals that ask a command to end, which it does as for an interrupt."""

import atexit
import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


PATIENCE = 120
"""Seconds that a process which was asked to end may take to do so, after its last word."""


class Ended(KeyboardInterrupt):
    """A signal other than that of an interrupt ended the command.

    Attributes:
      number: of the signal.
    """

    def __init__(self, number: int) -> None:
        """Makes the exception of a signal."""
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def ending_signals() -> Iterator[None]:
    """Within, the signals of `ENDING` raise `Ended`, so that what is open is closed; those that are ignored, as by nohup, stay so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is signal.SIG_DFL:
                signal.signal(number, handler)


def end_soon() -> None:
    """Sees to it that the process is gone by `PATIENCE` after it begins to end, whatever its threads wait for.

    All is written by then, and TensorFlow's threads have been seen to wait for each other at that point, for good.
    """
    if hasattr(signal, "alarm"):
        atexit.register(signal.alarm, PATIENCE)


def _end(number: int, frame: Any) -> None:
    raise Ended(number)
