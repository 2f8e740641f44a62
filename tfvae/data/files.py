"""Text files, read strictly: what is wrong with one is said in a line that names the file and the line."""

import array
import codecs
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tfvae.config import DataConfig
from tfvae.errors import UserError
from tfvae.opening import opened

WHITE_SPACE = " \t\n\v\f\r"
"""What separates words: what tf.strings.split takes for white space. Other spaces of Unicode, U+00A0 or U+3000, are parts of words."""


def read_lines(path: str | os.PathLike[str], *, advice: str = "check the path", most: int = 0) -> tuple[list[str], np.ndarray]:
    r"""Reads a UTF-8 text file, plain or, when its name ends in .gz, compressed.

    A byte order mark is dropped, "\r\n" and "\r" end a line as "\n" does, and blank lines are skipped.

    Args:
      path: the file.
      advice: what to do when the file does not exist, for the message.
      most: lines that are wanted, 0 for all; what comes after them is not read.

    Returns:
      The N lines that are not blank, without their ends, and their numbers in the file, counted from 1, int64 [N].

    Raises:
      UserError: there is no such file, it cannot be read, it is not UTF-8 text, or all of it is blank.
    """
    lines, numbers = [], array.array("q")
    for number, line in numbered_lines(path, advice=advice):
        lines.append(line)
        numbers.append(number)
        if len(lines) == most:
            break
    return lines, np.array(numbers, np.int64)


def numbered_lines(path: str | os.PathLike[str], *, advice: str = "check the path") -> Iterator[tuple[int, str]]:
    """Yields what `read_lines` reads, (number, line), without holding the file in memory.

    Raises:
      UserError: as `read_lines`, at the line that is wrong.
    """
    blank = True
    for number, line in _strict_lines(path, advice):
        if line.strip(WHITE_SPACE):
            blank = False
            yield number, line
    if blank:
        raise UserError(f"{os.fspath(path)}: the file is empty: no line holds any text")


def read_text(path: str | os.PathLike[str], *, advice: str = "check the path") -> str:
    """Returns what a UTF-8 file holds, as `read_lines` reads it, with all its lines ended by newlines.

    Raises:
      UserError: there is no such file, it cannot be read or it is not UTF-8 text.
    """
    return "".join(f"{line}\n" for _, line in _strict_lines(path, advice))


def _strict_lines(path: str | os.PathLike[str], advice: str) -> Iterator[tuple[int, str]]:
    """Yields each line of a text file with its number."""
    path, number = os.fspath(path), 0
    with opened(path, advice) as file:
        for data in file:
            data = data if number else data.removeprefix(codecs.BOM_UTF8)
            for part in data.removesuffix(b"\n").removesuffix(b"\r").split(b"\r"):
                number += 1
                yield number, _decode(part, f"{path}:{number}")


def _decode(data: bytes, where: str) -> str:
    if b"\0" in data:
        raise UserError(f"{where}: a NUL byte: this is a binary file or UTF-16, not UTF-8 text")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte 0x{data[error.start]:02x} at position {error.start + 1}"
        raise UserError(f"{where}: {what} is not UTF-8: convert the file to UTF-8") from None


def iterate_lines(path: str | os.PathLike[str], *, advice: str = "check the path") -> Iterator[tuple[int, str | None]]:
    """Yields each line of a text file with its number, without holding the file in memory; None for a line that is no UTF-8 text.

    Compression, the byte order mark and ends of lines are as in `read_lines`, but for a lone carriage return, which ends no line.

    Raises:
      UserError: there is no such file, or it cannot be read.
    """
    path = os.fspath(path)
    with opened(path, advice) as file:
        yield from decoded(enumerate(file, 1))


def decoded(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, str | None]]:
    """Yields what `iterate_lines` does, of numbered lines as they are in a file."""
    for number, data in lines:
        line = data.removeprefix(codecs.BOM_UTF8) if number == 1 else data
        try:
            yield number, None if b"\0" in line else line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            yield number, None


def split_label(line: str) -> tuple[str | None, str]:
    """Returns the label and the text of a line 'label TAB text'; a line with no tab, or with several, has no label."""
    fields = [field.strip(WHITE_SPACE) for field in line.split("\t")]
    return (fields[0], fields[1]) if len(fields) == 2 else (None, line.strip(WHITE_SPACE))


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes a file beside and renames it into place."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def corpus_folder(data: DataConfig, *, advice: str) -> str:
    """Returns the folder of the corpus `data.name`: `data.dir`, or else $TFVAE_DATA_DIR/<name>.

    Raises:
      UserError: neither is set or the folder does not exist; the message ends in `advice`.
    """
    root = os.environ.get("TFVAE_DATA_DIR", "")
    if not data.dir and not root:
        raise UserError(f"where is the corpus {data.name!r}? Neither config.data.dir nor $TFVAE_DATA_DIR is set; {advice}")
    folder = os.path.expanduser(data.dir or os.path.join(root, data.name))
    if not os.path.isdir(folder):
        raise UserError(f"{folder}: no such folder; {advice}")
    return folder


def find_file(folder: str, candidates: Sequence[str], *, advice: str) -> str:
    """Returns the path of the first of several files, named from the folder, that exists.

    Raises:
      UserError: none does; the message ends in `advice`.
    """
    for name in candidates:
        if os.path.exists(path := os.path.join(folder, name)):
            return path
    wanted = candidates[0] if len(candidates) == 1 else f"{', '.join(candidates[:-1])} nor {candidates[-1]}"
    raise UserError(f"{folder}: holds {'no' if len(candidates) == 1 else 'neither'} {wanted}; {advice}")
