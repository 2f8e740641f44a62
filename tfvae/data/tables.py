"""Users' own tables: a row a text, in comma-separated values, JSON lines or Parquet."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus
from tfvae.data.labelled_texts import LabelledTexts, corpus_of
from tfvae.data.text import own_files
from tfvae.errors import UserError, listed, suggest

TEXT = "text"
"""The column of texts where none is named."""
_SEPARATORS = ",\t;|"
_BLOCK = 1 << 26  # bytes: no row may be longer
_NAMED = 20  # columns a message names


def read(data: DataConfig) -> Corpus:
    """Reads the tables `train_file`, `valid_file` and `test_file`, of the kind that `data.name` says; see `corpus_of`.

    Raises:
      UserError: no training file is named, a file cannot be read, has no such column or no text.
    """
    labels = [name.strip() for name in data.label_column.split(",") if name.strip()]
    return corpus_of({name: read_texts(path, data.name, data.text_column, labels) for name, path in own_files(data).items()}, data)


def read_texts(path: str, kind: str, text_column: str = "", label_columns: Sequence[str] = ()) -> LabelledTexts:
    """Reads texts and labels of a table; rows without a text are skipped, and logged.

    Args:
      path: of the file, plain or, but for Parquet, .gz.
      kind: csv, jsonl or parquet.
      text_column: by default the one called text, or the only one.
      label_columns: of the classes of texts; any kind of value that is no list.

    Raises:
      UserError: the file cannot be read, has no such column, or has no text.
    """
    table = read_columns(path, kind, lambda names: [text_column_of(path, names, text_column), *known_columns(path, names, label_columns)])
    column, *labels = table.column_names
    return LabelledTexts.of_rows(_strings(table, column, path), {name: table[name].to_pylist() for name in labels}, path)


def read_columns(path: str, kind: str, choose: Callable[[Sequence[str]], Sequence[str]]) -> pa.Table:
    """Reads columns of a table; those of comma-separated values are strings.

    Args:
      path: of the file.
      kind: csv, jsonl or parquet.
      choose: says which, of the names of all.

    Raises:
      UserError: the file cannot be read.
    """
    try:
        return _READERS[kind](path, choose)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}: is it a file of {_KINDS[kind]}, in UTF-8?") from None


def _csv(path: str, choose: Callable[[Sequence[str]], Sequence[str]]) -> pa.Table:
    parse = pa.csv.ParseOptions(delimiter=_separator(path), newlines_in_values=True)
    options = {"read_options": pa.csv.ReadOptions(block_size=_BLOCK), "parse_options": parse}
    with pa.input_stream(path, compression="detect") as file, pa.csv.open_csv(file, **options) as reader:
        names = list(choose(reader.schema.names))
    convert = pa.csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
    with pa.input_stream(path, compression="detect") as file:
        return pa.csv.read_csv(file, **options, convert_options=convert)


def _separator(path: str) -> str:
    """The mark between columns that the first line has most of."""
    with pa.input_stream(path, compression="detect") as file:
        head = file.read(1 << 16).partition(b"\n")[0].decode(errors="replace")
    return max(_SEPARATORS, key=head.count)


def _json_lines(path: str, choose: Callable[[Sequence[str]], Sequence[str]]) -> pa.Table:
    with pa.input_stream(path, compression="detect") as file:
        table = pa.json.read_json(file, read_options=pa.json.ReadOptions(block_size=_BLOCK))
    return table.select(list(choose(table.column_names)))


def _parquet(path: str, choose: Callable[[Sequence[str]], Sequence[str]]) -> pa.Table:
    with pa.parquet.ParquetFile(path) as file:
        return file.read(columns=list(choose(file.schema_arrow.names)))


_READERS: Mapping[str, Callable[..., pa.Table]] = {"csv": _csv, "jsonl": _json_lines, "parquet": _parquet}
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


def _strings(table: pa.Table, column: str, path: str) -> list[Any]:
    kind = table.schema.field(column).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise UserError(f"{path}: the column {column} holds {kind}, and texts are wanted: name another in --text_column")
    return table[column].to_pylist()


def kind_of(path: str) -> str:
    """Returns the kind of table that a file's name says, or "" of no table."""
    suffix = os.path.splitext(path.lower().removesuffix(".gz"))[1]
    return {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}.get(suffix, "")
