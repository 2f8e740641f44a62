"""Processes that end with the one that started them, however that ended."""

import os
import sys
import threading
from typing import BinaryIO


def follow(stream: BinaryIO | None = None) -> None:
    """Ends this process, with status 2, once a stream ends: standard input is a pipe whose other end the starter holds until it is gone."""
    watched = sys.stdin.buffer if stream is None else stream

    def wait() -> None:
        while watched.read(1 << 16):
            pass
        print("error: the chief is gone; what was trained is kept, and --resume of the chief goes on", file=sys.stderr, flush=True)
        os._exit(2)

    threading.Thread(target=wait, daemon=True).start()
