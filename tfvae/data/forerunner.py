"""A process that reads a Parquet file one step ahead of this one, so that what ends Arrow's reader ends that process.

Arrow reads Parquet in C++, which damaged files were seen to bring down. Whatever the forerunner survived, this process does the same with.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from tfvae.errors import UserError

# Opens the file and says so; waits for the names of columns; then reads a batch, says so, and waits, again and again.
_PROGRAM = """
import json, sys
import pyarrow.parquet
with open(sys.argv[1], "rb") as stream, pyarrow.parquet.ParquetFile(stream) as file:
    file.schema_arrow, [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    print(flush=True)
    names = json.loads(sys.stdin.readline())
    for batch in file.iter_batches(int(sys.argv[2]), columns=names):
        for column in batch.columns:
            column.to_pylist()
        print(flush=True)
        if not sys.stdin.readline():
            break
"""


class Forerunner:
    """The process, between two steps."""

    def __init__(self, path: str, process: subprocess.Popen[str]) -> None:
        """Waits until it has opened the file."""
        self._path, self._process = path, process
        self.wait()

    def wait(self) -> None:
        """Returns when it has made its step, or has ended as a program does, at the end or with an error that this process will meet too.

        Raises:
          UserError: it was brought down.
        """
        assert self._process.stdout
        if not self._process.stdout.readline() and self._process.wait() < 0:
            raise UserError(f"{self._path}: Arrow's reader breaks down on it: the file is damaged; write or fetch it again")

    def read(self, names: Sequence[str]) -> None:
        """Has it read the first batch of some columns."""
        self._say(json.dumps(list(names)))

    def go_on(self) -> None:
        """Has it read the next batch."""
        self._say("on")

    def _say(self, line: str) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has ended, which the next wait looks into
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


@contextlib.contextmanager
def forerunner(path: str, rows: int) -> Iterator[Forerunner]:
    """Starts one that reads so many rows at a time, and ends it in the end."""
    command = [sys.executable, "-I", "-c", _PROGRAM, path, str(rows)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield Forerunner(path, process)
        finally:
            process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.communicate()
