"""TensorFlow's own messages, kept from who did not ask for them."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def _hold_back_stderr() -> Iterator[None]:
    """Keeps what C++ writes to standard error, and shows it only if an error is raised."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        except BaseException:
            file.seek(0)
            os.write(kept, file.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def load_tensorflow(*, verbose: bool = False) -> None:
    """Imports TensorFlow without its notices, some of which no log level silences; they would stand between a command and what it prints.

    Where TensorFlow is imported already, they have been shown, and nothing is done.

    Args:
      verbose: whether they are shown all the same.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "3")
    shown = sys.stderr.isatty() and not verbose
    if shown:
        sys.stderr.write("loading TensorFlow …")
    with contextlib.nullcontext() if verbose else _hold_back_stderr():
        import tensorflow as tf

        tf.config.list_physical_devices()
    if shown:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()
