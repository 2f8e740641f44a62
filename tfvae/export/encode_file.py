"""Encoding a file of texts, a piece at a time, so that it may be larger than memory."""

import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.data.files import decoded, iterate_lines, split_label
from tfvae.data.pieces import Piece
from tfvae.data.tables import kind_of, texts_of
from tfvae.data.vocabulary import CHUNK
from tfvae.errors import UserError, listed
from tfvae.modalities.words import Words
from tfvae.models.model import Model
from tfvae.models.topics import Topics

_NAMED = 5  # lines a message names
_DIGITS = 6  # significant digits of a number in a .jsonl file


@dataclasses.dataclass
class _Lines:
    count: int = 0
    first: list[int] = dataclasses.field(default_factory=list)

    def add(self, number: int) -> None:
        self.count += 1
        if len(self.first) <= _NAMED:  # one more than is named tells that there are more
            self.first.append(number)

    def extend(self, other: "_Lines") -> None:
        self.count += other.count
        self.first = sorted([*self.first, *other.first])[: _NAMED + 1]

    def describe(self) -> str:
        return f"{self.count:,} line{'s' if self.count > 1 else ''} ({listed(self.first, _NAMED)}) {'are' if self.count > 1 else 'is'}"


@dataclasses.dataclass
class Report:
    """What became of the lines of a file.

    Attributes:
      encoded: texts that were encoded.
      blank: numbers of the first lines that were skipped because they were blank, and how many there were.
      invalid: the same of lines that are no UTF-8 text.
      cut: the same of lines that were encoded up to `max_length` tokens only.
      max_length: that number.
      remarks: the same of lines that were encoded, but on which there is something to remark, by what that is.
    """

    max_length: int
    encoded: int = 0
    blank: _Lines = dataclasses.field(default_factory=_Lines)
    invalid: _Lines = dataclasses.field(default_factory=_Lines)
    cut: _Lines = dataclasses.field(default_factory=_Lines)
    remarks: dict[str, _Lines] = dataclasses.field(default_factory=dict)

    def add(self, numbers: Sequence[int], length: np.ndarray, remarks: np.ndarray) -> None:
        """Counts lines that were encoded: their numbers, their tokens before they were cut, and remarks on them, bytes, [N] each."""
        self.encoded += len(numbers)
        for number, tokens, remark in zip(numbers, length.tolist(), remarks.tolist(), strict=True):
            if tokens > self.max_length:
                self.cut.add(number)
            if remark:
                self.remarks.setdefault(remark.decode(), _Lines()).add(number)

    def extend(self, other: "Report") -> None:
        """Counts what another report counted, of other lines."""
        self.encoded += other.encoded
        for mine, its in ((self.blank, other.blank), (self.invalid, other.invalid), (self.cut, other.cut)):
            mine.extend(its)
        for remark, lines in other.remarks.items():
            self.remarks.setdefault(remark, _Lines()).extend(lines)

    def lines(self) -> list[str]:
        """Returns a line for each kind of line that was not encoded as it stood."""
        kinds = [
            (self.blank, "blank", "skipped"),
            (self.invalid, "not UTF-8 text", "skipped"),
            (self.cut, f"longer than {self.max_length} tokens", "cut to them"),
        ]
        said = [f"{lines.describe()} {what}: {fate}" for lines, what, fate in kinds if lines.count]
        return [*said, *(f"{lines.describe()} encoded all the same: {remark}" for remark, lines in self.remarks.items())]


def encode_file(model: Model, source: str, target: str, *, text_column: str = "", batch_size: int = 256) -> Report:
    """Encodes a file of texts: one a line, optionally 'label TAB text', plain or .gz; or a table, whose name ends as one's does.

    A .jsonl file gets an object a text: "line" (the number of its line or row in the source, from 1), "text", "label" where it has one,
    "codes", "probabilities" and "mean", and "names" where topics have some. An .npz file gets arrays of N rows: "line", "codes" [N, J],
    "probabilities" [N, J, K], "mean" [N, size]; and "text", the UTF-8 bytes of all texts, of which text i is
    text[text_offset[i]:text_offset[i + 1]], and "label" likewise, empty for a text without one. The target appears when it is whole.

    Args:
      model: a trained model with a latent variable.
      source: the file to read.
      target: the file to write, whose name ends in .jsonl or .npz.
      text_column: of a table; by default the one called text, or the only one.
      batch_size: texts encoded at a time.

    Raises:
      UserError: the source cannot be read, has no such column or no text, or the target's name ends otherwise or its folder does not exist.
    """
    check_target(target)
    if not model.vae.latent.size:
        raise UserError("this model has no latent variable: it cannot encode")
    words = words_of(model)
    if not pathlib.Path(target).absolute().parent.is_dir():
        raise UserError(f"{target}: its folder does not exist; make it first")
    if os.path.isdir(target):
        raise UserError(f"{target} is a folder: name a file")
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):
        raise UserError(f"{target} is the file that is read: name another to write")
    report = Report(words.max_length)
    lines = _rows(source, text_column) if text_column or kind_of(source) else _texts(iterate_lines(source, advice="check --input"), report)
    first = next(lines, None)
    if first is None:
        raise UserError(f"{source}: no line holds any text that can be encoded")
    _write(model, itertools.chain([first], lines), target, report, batch_size)
    return report


def encode_piece(model: Model, piece: Piece, target: str, *, batch_size: int = 256) -> Report:
    """Encodes a piece of a file of lines as `encode_file` does the whole; a piece without a text gives a file without one."""
    report = Report(words_of(model).max_length)
    _write(model, _texts(decoded(piece.lines()), report), target, report, batch_size)
    return report


def check_target(target: str) -> None:
    """Raises UserError unless a file of that name can be written."""
    if pathlib.Path(target).suffix not in WRITERS:
        raise UserError(f"{target}: must end in .jsonl or .npz")


def _write(model: Model, lines: Iterator[tuple[int, str | None, str]], target: str, report: Report, batch_size: int) -> None:
    """Encodes (number, label or None, text) and writes what came of it."""
    with WRITERS[pathlib.Path(target).suffix](target, model.topics) as writer:
        for chunk in _chunks(lines, CHUNK):
            answer = model.posteriors([text for _, _, text in chunk], batch_size)
            del answer["mode"]
            report.add([number for number, _, _ in chunk], answer.pop("length"), answer.pop("remark"))
            writer.write(chunk, answer)


def words_of(model: Model) -> Words:
    """Returns the modality of a model of texts.

    Raises:
      UserError: its examples are no texts.
    """
    if not isinstance(model.modality, Words):
        raise UserError(f"this model encodes {model.modality.name}, which no file of lines holds; tfvae.load(run).encode(…) takes arrays")
    return model.modality


def _texts(lines: Iterator[tuple[int, str | None]], report: Report) -> Iterator[tuple[int, str | None, str]]:
    """Yields (line number, label or None, text) of the lines that hold one."""
    for number, line in lines:
        if line is None:
            report.invalid.add(number)
            continue
        label, text = split_label(line)
        if text:
            yield number, label, text
        else:
            report.blank.add(number)


def _rows(source: str, text_column: str) -> Iterator[tuple[int, str | None, str]]:
    """Yields (row number, None, text) of a table's rows that hold a text."""
    table = texts_of(source, text_column)
    for number, text in zip(table.lines.tolist(), table.texts, strict=True):
        yield number, None, text


def _chunks(items: Iterator[tuple], size: int) -> Iterator[list[tuple]]:
    while chunk := list(itertools.islice(items, size)):
        yield chunk


class _Writer(contextlib.AbstractContextManager):
    """Writes beside the target and renames at the end; an error leaves nothing behind."""

    def __init__(self, target: str, topics: Topics) -> None:
        self.target, self.topics = pathlib.Path(target).absolute(), topics
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{self.target.name}.", dir=self.target.parent))

    def write(self, chunk: Sequence[tuple], answer: Mapping[str, np.ndarray]) -> None:
        raise NotImplementedError

    def finish(self) -> pathlib.Path:
        raise NotImplementedError

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                os.replace(self.finish(), self.target)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class _JsonLines(_Writer):
    def __init__(self, target: str, topics: Topics) -> None:
        super().__init__(target, topics)
        (self.folder / "lines").touch()

    def write(self, chunk: Sequence[tuple], answer: Mapping[str, np.ndarray]) -> None:
        columns = {name: _rounded(answer[name]).tolist() for name in ("codes", "probabilities", "mean") if name in answer}
        with (self.folder / "lines").open("a", encoding="utf-8") as file:
            for row, (number, label, text) in enumerate(chunk):
                line = {"line": number, **({} if label is None else {"label": label}), "text": text}
                line |= {name: values[row] for name, values in columns.items()}
                line |= self.topics.named(line["codes"]) if "codes" in line else {}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def finish(self) -> pathlib.Path:
        return self.folder / "lines"


class _Npz(_Writer):
    """Each array goes to a file of its own, since its header, which comes first, says how many rows there are."""

    def __init__(self, target: str, topics: Topics) -> None:
        super().__init__(target, topics)
        self.rows: dict[str, int] = {}
        self.kinds: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self.end = {"text": 0, "label": 0}
        for name in self.end:
            self._append(f"{name}_offset", np.zeros(1, np.int64))

    def write(self, chunk: Sequence[tuple], answer: Mapping[str, np.ndarray]) -> None:
        numbers, labels, texts = zip(*chunk, strict=True)
        for name, array in {"line": np.array(numbers, np.int64), **answer}.items():
            self._append(name, array)
        self._append_strings("text", texts)
        self._append_strings("label", [label or "" for label in labels])

    def _append_strings(self, name: str, strings: Sequence[str]) -> None:
        encoded = [string.encode() for string in strings]
        ends = self.end[name] + np.cumsum([len(string) for string in encoded], dtype=np.int64)
        self.end[name] = int(ends[-1])
        self._append(f"{name}_offset", ends)
        self._append(name, np.frombuffer(b"".join(encoded), np.uint8))

    def _append(self, name: str, array: np.ndarray) -> None:
        self.rows[name] = self.rows.get(name, 0) + len(array)
        self.kinds[name] = (array.dtype, array.shape[1:])
        with (self.folder / name).open("ab") as file:
            file.write(array.tobytes())

    def finish(self) -> pathlib.Path:
        archive = self.folder / "archive.npz"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, (dtype, shape) in self.kinds.items():
                header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (self.rows[name], *shape)}
                with zipped.open(f"{name}.npy", "w", force_zip64=True) as member, (self.folder / name).open("rb") as file:
                    np.lib.format.write_array_header_1_0(member, header)
                    shutil.copyfileobj(file, member)
        return archive


WRITERS = {".jsonl": _JsonLines, ".npz": _Npz}


def _rounded(values: np.ndarray) -> np.ndarray:
    """Floats with as many digits as float32 can tell, so that a line is short."""
    if values.dtype.kind != "f":
        return values
    values = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        places = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(np.abs(values))))
        return np.where(values == 0, 0.0, np.round(values * places) / places)
