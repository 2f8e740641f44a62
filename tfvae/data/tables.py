"""Users' own tables: a row a text, in comma-separated values, JSON lines or Parquet."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus
from tfvae.data.files import WHITE_SPACE
from tfvae.data.forerunner import forerunner
from tfvae.data.json_rows import no_nulls
from tfvae.data.labelled_texts import LabelledTexts, class_name, corpus_of
from tfvae.data.packed import PackedTexts, Packing
from tfvae.data.text import most_of_each, own_files
from tfvae.data.text import read_texts as read_lines_of_text
from tfvae.errors import UserError, listed, suggest
from tfvae.opening import most_unpacked, opened, opened_as_is, too_much, unpacked

TEXT = "text"
"""The column of texts where none is named."""
_SEPARATORS = ",\t;|"
_BLOCK, _LONGEST = 1 << 20, 1 << 26  # bytes that are read at a time, and where that does not do: no row may be longer
_ROWS = 512  # of Parquet, at a time
_NAMED = 20  # columns a message names

_ERRORS = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, UnicodeDecodeError)  # JSON is decoded late

Choose = Callable[[Sequence[str]], Sequence[str]]
"""Says which columns are read, of the names of all."""


def read(data: DataConfig) -> Corpus:
    """Reads the tables `train_file`, `valid_file` and `test_file`, of the kind that `data.name` says; see `corpus_of`.

    Raises:
      UserError: no training file is named, a file cannot be read, has no such column or no text.
    """
    labels = [name.strip() for name in data.label_column.split(",") if name.strip()]
    files = own_files(data)
    most = 0 if labels else most_of_each(data, files)
    return corpus_of({name: read_texts(path, data.name, data.text_column, labels, most=most) for name, path in files.items()}, data)


def read_texts(path: str, kind: str, text_column: str = "", label_columns: Sequence[str] = (), *, most: int = 0) -> LabelledTexts:
    """Reads texts and labels of a table; rows without a text are skipped, and logged.

    Args:
      path: of the file, plain or, but for Parquet, compressed.
      kind: csv, jsonl or parquet.
      text_column: by default the one called text, or the only one.
      label_columns: of the classes of texts; any kind of value that is no list.
      most: texts that are wanted, 0 for all; of what comes after them not much is read.

    Raises:
      UserError: the file cannot be read, has no such column, or has no text.
    """

    def chosen(names: Sequence[str]) -> list[str]:
        return [text_column_of(path, names, text_column), *known_columns(path, names, label_columns)]

    def collect(batches: Iterator[pa.RecordBatch]) -> tuple[PackedTexts, dict[str, list[Any]], int]:
        texts = Packing()
        labels: dict[str, list[Any]] = {name: [] for name in label_columns}
        known: dict[str, str] = {}  # so that a class is in memory once, while reading too
        found = 0
        for batch in batches:
            new = [(text or "").strip(WHITE_SPACE) for text in _strings(batch, path)]
            texts.add(*new)
            for name, values in labels.items():
                values += [known.setdefault(value, value) for value in map(class_name, batch[name].to_pylist())]
            found += sum(map(bool, new))
            if most and found >= most:
                break
        return texts.packed(), labels, found

    texts, labels, found = _read(path, kind, chosen, collect)
    made = LabelledTexts.of_rows(texts, labels, path)
    return made.take(np.arange(most)) if most and found > most else made


def read_columns(path: str, kind: str, choose: Choose) -> pa.Table:
    """Reads columns of a table; those of comma-separated values are strings.

    Args:
      path: of the file.
      kind: csv, jsonl or parquet.
      choose: says which, of the names of all.

    Raises:
      UserError: the file cannot be read.
    """
    return _read(path, kind, choose, lambda batches: pa.Table.from_batches(list(batches)))


def _read(path: str, kind: str, choose: Choose, collect: Callable[[Iterator[pa.RecordBatch]], Any]) -> Any:
    """Returns what `collect` makes of the rows, of one batch at least; those that it does not ask for are not read."""
    try:
        return collect(_READERS[kind](path, choose, False))
    except (*_ERRORS, UserError) as error:
        # a row is longer than a block, or a column of JSON comes or has its type below: seen from afar both may be well
        if isinstance(error, UserError) and kind != "jsonl":
            raise
    try:
        return collect(_READERS[kind](path, choose, True))
    except _ERRORS as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}: is it a file of {_KINDS[kind]}, in UTF-8?") from None


@contextlib.contextmanager
def _stream(path: str, *, announced: bool = True) -> Iterator[Any]:
    """Opens a file, plain or compressed in any way that Arrow knows by its name."""
    with opened(path, announced=announced) as file:
        try:
            codec = "" if path.endswith(".gz") else pa.Codec.detect(path).name
        except (TypeError, ValueError):  # it knows of none
            codec = ""
        yield unpacked(pa.CompressedInputStream(file, codec), path) if codec else file


def _csv(path: str, choose: Choose, afar: bool) -> Iterator[pa.RecordBatch]:
    parse = pa.csv.ParseOptions(delimiter=_separator(path), newlines_in_values=True)
    options = {"read_options": pa.csv.ReadOptions(block_size=_LONGEST if afar else _BLOCK, use_threads=False), "parse_options": parse}
    with _stream(path, announced=not afar) as file, pa.csv.open_csv(file, **options) as reader:
        names = list(choose(reader.schema.names))
    convert = pa.csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
    with _stream(path, announced=False) as file, pa.csv.open_csv(file, **options, convert_options=convert) as reader:
        yield _none_of(reader.schema)
        yield from reader


def _separator(path: str) -> str:
    """The mark between columns that the first line has most of."""
    with _stream(path, announced=False) as file:
        head = file.read(1 << 16).partition(b"\n")[0].decode(errors="replace")
    return max(_SEPARATORS, key=head.count)


def _json_lines(path: str, choose: Choose, afar: bool) -> Iterator[pa.RecordBatch]:
    if not afar:
        with _stream(path) as file, pa.json.open_json(no_nulls(file, path), read_options=pa.json.ReadOptions(block_size=_BLOCK)) as reader:
            names = list(choose(reader.schema.names))
            yield _none_of(reader.schema).select(names)
            yield from (batch.select(names) for batch in reader)
        return
    with _stream(path, announced=False) as file:
        table = pa.json.read_json(no_nulls(file, path), read_options=pa.json.ReadOptions(block_size=_LONGEST))
    table = table.select(list(choose(table.column_names)))
    yield from [_none_of(table.schema), *table.to_batches()]


def _parquet(path: str, choose: Choose, afar: bool) -> Iterator[pa.RecordBatch]:
    with opened_as_is(path, announced=not afar) as stream, forerunner(path, _ROWS) as ahead, pa.parquet.ParquetFile(stream) as file:
        names = list(choose(file.schema_arrow.names))
        groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        columns = [group.column(i) for group in groups for i in range(group.num_columns)]
        pages = sum(column.total_uncompressed_size for column in columns if column.path_in_schema.partition(".")[0] in names)
        if pages > (left := most_unpacked(path)):
            raise too_much(path)
        yield _plain(_none_of(file.schema_arrow).select(names))
        ahead.read(names)
        batches = file.iter_batches(_ROWS, columns=names)
        while True:
            ahead.wait()
            if (batch := next(batches, None)) is None:
                return
            plain = _plain(batch.select(names))
            left -= plain.nbytes  # a page that says a text once may say that all rows have it
            if left < 0:
                raise too_much(path)
            yield plain
            ahead.go_on()


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows with their values where Parquet has numbers of values."""
    columns = [column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _none_of(schema: pa.Schema) -> pa.RecordBatch:
    """A batch of no rows."""
    return pa.RecordBatch.from_pylist([], schema)


_READERS: Mapping[str, Callable[..., Iterator[pa.RecordBatch]]] = {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet}
_KINDS = {"csv": "comma-separated values with a line of names", "jsonl": "JSON lines, an object a line", "parquet": "Parquet"}
KINDS = tuple(_READERS)
"""Kinds of tables."""


def text_column_of(path: str, names: Sequence[str], wanted: str) -> str:
    """Returns the column of the texts, of the names of all: `wanted`, or where that is empty the one called text, or the only one.

    Raises:
      UserError: there is no such column.
    """
    if wanted:
        return known_columns(path, names, [wanted])[0]
    if TEXT in names or len(names) == 1:
        return TEXT if TEXT in names else names[0]
    raise UserError(f"{path}: which column has the texts? It has {listed(names, _NAMED)}: name one in --text_column")


def known_columns(path: str, names: Sequence[str], wanted: Sequence[str]) -> Sequence[str]:
    """Returns the columns that are wanted.

    Raises:
      UserError: one is not among the names of all.
    """
    for name in wanted:
        if name not in names:
            raise UserError(f"{path}: no column is called {name!r}{suggest(name, names)}")
    return wanted


def _strings(batch: pa.RecordBatch, path: str) -> list[Any]:
    """The first column, of texts."""
    column = batch.schema.field(0)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_null(column.type)):
        raise UserError(f"{path}: the column {column.name} holds {column.type}, and texts are wanted: name another in --text_column")
    return batch.column(0).to_pylist()


def kind_of(path: str) -> str:
    """Returns the kind of table that a file's name says, or "" of no table."""
    suffix = os.path.splitext(path.lower().removesuffix(".gz"))[1]
    return {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}.get(suffix, "")


def texts_of(path: str, text_column: str = "") -> LabelledTexts:
    """Reads the texts of a table, where the file's name says that it is one, and else a text a line.

    Args:
      path: of the file.
      text_column: of a table; by default the one called text, or the only one.

    Raises:
      UserError: as `read_texts` of either kind, or a column is named of lines.
    """
    if kind := kind_of(path):
        return read_texts(path, kind, text_column)
    if text_column:
        raise UserError(f"--text_column={text_column}: {path} is no table by its name, which would end in .csv, .tsv, .jsonl or .parquet")
    return read_lines_of_text(path, advice="check --input")
