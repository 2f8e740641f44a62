import gzip
import json
import pathlib
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tfvae.config import DataConfig
from tfvae.data import forerunner, tables
from tfvae.data.tables import kind_of, read_texts
from tfvae.errors import UserError

ROWS = [("a train, slow", "travel", 1), ('she said "no"\non the phone', "talk", 2), ("où ?", "travel", 3)]


def quoted(value):
    return '"' + str(value).replace('"', '""') + '"'


@pytest.fixture
def write(tmp_path):
    """Writes ROWS as a kind of table."""

    def write(kind, name="", separator=","):
        path = tmp_path / (name or f"t.{kind}")
        if kind == "parquet":
            pa.parquet.write_table(pa.table(dict(zip(("text", "topic", "n"), map(list, zip(*ROWS, strict=True)), strict=True))), path)
            return str(path)
        if kind == "csv":
            lines = [separator.join(["text", "topic", "n"]), *(separator.join(map(quoted, row)) for row in ROWS)]
        else:
            lines = [json.dumps(dict(zip(("text", "topic", "n"), row, strict=True)), ensure_ascii=False) for row in ROWS]
        content = "".join(f"{line}\n" for line in lines).encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("name", "separator"), [("t.csv", ","), ("t.tsv", "\t"), ("t.csv.gz", ";"), ("t.jsonl", ""), ("t.jsonl.gz", ""), ("t.parquet", "")]
)
def test_every_kind_of_table_has_the_same_texts_and_labels(write, name, separator):
    path = write(kind_of(name), name, separator)
    found = read_texts(path, kind_of(name), label_columns=["topic", "n"])
    assert list(found.texts) == [text for text, _, _ in ROWS]
    assert {name: list(classes) for name, classes in found.labels.items()} == {"topic": ["travel", "talk", "travel"], "n": ["1", "2", "3"]}
    assert found.lines.tolist() == [1, 2, 3] and found.unit == "row"


def test_columns_are_found_or_named(tmp_path):
    (tmp_path / "one.csv").write_text("remark\nfine\n")
    assert list(read_texts(str(tmp_path / "one.csv"), "csv").texts) == ["fine"]
    (tmp_path / "two.csv").write_text("remark,kind\n007,1\n")
    assert list(read_texts(str(tmp_path / "two.csv"), "csv", "remark").texts) == ["007"]
    with pytest.raises(UserError, match=r"which column has the texts[?] It has remark, kind: name one in --text_column"):
        read_texts(str(tmp_path / "two.csv"), "csv")
    with pytest.raises(UserError, match="no column is called 'remarks', did you mean 'remark'"):
        read_texts(str(tmp_path / "two.csv"), "csv", "remarks")
    with pytest.raises(UserError, match="no column is called 'topic'"):
        read_texts(str(tmp_path / "two.csv"), "csv", "remark", ["topic"])


def test_rows_without_a_text_are_skipped_and_missing_labels_are_a_class(tmp_path, caplog):
    (tmp_path / "t.jsonl").write_text('{"text": "a", "y": "p"}\n{"text": null, "y": "p"}\n{"text": "  "}\n{"text": "b"}\n')
    found = read_texts(str(tmp_path / "t.jsonl"), "jsonl", label_columns=["y"])
    assert list(found.texts) == ["a", "b"] and list(found.labels["y"]) == ["p", "(none)"] and found.lines.tolist() == [1, 4]
    assert "2 rows have no text and are skipped: 2, 3" in caplog.text


def test_a_table_becomes_three_splits_that_say_their_rows(tmp_path):
    (tmp_path / "t.csv").write_text("text,topic\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40)))
    corpus = tables.read(DataConfig(name="csv", train_file=str(tmp_path / "t.csv"), label_column="topic"))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [32, 4, 4] and corpus.label_names == {"topic": ["a", "b"]}
    assert corpus.test.where(0).endswith(f"t.csv: row {corpus.test.lines[0]}")
    assert corpus.test.items[0] == f"text {corpus.test.lines[0] - 1}"


def test_exchanged_columns_are_told(tmp_path, caplog):
    (tmp_path / "t.csv").write_text("topic,text\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(40)))
    tables.read(DataConfig(name="csv", train_file=str(tmp_path / "t.csv"), text_column="text", label_column="topic"))
    assert "40 texts have 40 different classes of topic: are the columns of texts and labels exchanged?" in caplog.text


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("csv", b"", "comma-separated values"),
        ("csv", b"text\n", "no row holds any text"),
        ("csv", b"text,y\na,b\nc\n", "Expected 2 columns, got 1"),
        ("csv", b"text\n\xff\xfe\n", "UTF"),
        ("jsonl", b"", "JSON lines"),
        ("jsonl", b'{"text": "a"\n', "JSON"),
        ("jsonl", b'["a"]\n', "JSON"),
        ("jsonl", b'{"text": 3}\n', "the column text holds int64, and texts are wanted"),
        ("jsonl", b'{"text": ["a", "b"]}\n', "the column text holds list"),
        ("jsonl", b'{"text": "a\xcf"}\n', "in UTF-8"),
        ("parquet", b"", "Parquet"),
        ("parquet", b"PAR1" + b"\xff" * 40 + b"\x10\0\0\0PAR1", "cannot be read: .*thrift"),
        ("parquet", b"PAR1 no", "Parquet"),
        ("csv", b"\x1f\x8b broken", "t.csv"),
    ],
)
def test_malformed_tables_are_said_in_a_line(tmp_path, kind, content, message):
    path = tmp_path / f"t.{kind}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_texts(str(path), kind)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_missing_and_cut_files_are_said(tmp_path, write):
    with pytest.raises(UserError, match="no such file"):
        read_texts(str(tmp_path / "missing.csv"), "csv")
    with pytest.raises(UserError, match="is a folder where a file is wanted"):
        read_texts(str(tmp_path), "csv")
    for name in ("t.csv.gz", "t.jsonl.gz"):
        path = write(kind_of(name), name)
        whole = pathlib.Path(path).read_bytes()
        pathlib.Path(path).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UserError, match=name):
            read_texts(path, kind_of(name))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_row_may_be_longer_than_what_is_read_at_a_time(tmp_path, kind):
    path, long = tmp_path / f"t.{kind}", "a b " * 1_000_000
    path.write_text(f"text\n{long}\nshort\n" if kind == "csv" else f'{{"text": "{long}"}}\n{{"text": "short"}}\n')
    assert list(read_texts(str(path), kind).texts) == [long.strip(), "short"]


def test_json_lines_whose_columns_and_types_come_late_are_read(tmp_path):
    path, filler = tmp_path / "t.jsonl", '{"y": 1, "text": null}\n' * 60_000
    path.write_text('{"y": 1}\n' * 200_000 + filler + '{"y": 2.5, "text": "a b"}\n{"y": 1, "text": "c"}\n')
    found = read_texts(str(path), "jsonl", label_columns=["y"])
    assert list(found.texts) == ["a b", "c"] and list(found.labels["y"]) == ["2.5", "1.0"] and found.lines.tolist() == [260_001, 260_002]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_where_no_split_is_drawn_no_more_rows_are_read_than_are_wanted(tmp_path, kind):
    texts = [f"text {i}" for i in range(200_000)]
    path, table = str(tmp_path / f"t.{kind}"), pa.table({"text": texts})
    if kind == "parquet":
        pa.parquet.write_table(table, path)
    elif kind == "csv":
        pa.csv.write_csv(table, path)
    else:
        pathlib.Path(path).write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    whole = {"name": kind, "train_file": path, "valid_file": path, "test_file": path}
    read = tables.read(DataConfig(**whole, limit=5))
    assert [list(read.split(name).items) for name in ("train", "valid", "test")] == [texts[:5]] * 3
    if kind != "parquet":  # its end says where all else is
        with open(path, "ab") as file:
            file.write(b"\xff" * 10)
        assert list(tables.read(DataConfig(**whole, limit=5)).train.items) == list(read.train.items)
        with pytest.raises(UserError, match="in UTF-8"):
            tables.read(DataConfig(**whole))


def test_categories_of_parquet_are_texts_and_labels(tmp_path):
    path, rows = str(tmp_path / "t.parquet"), 2_000
    columns = {"text": [f"text {i % 500}" for i in range(rows)], "topic": ["ab"[i % 2] for i in range(rows)]}
    pa.parquet.write_table(pa.table({name: pa.array(values).dictionary_encode() for name, values in columns.items()}), path)
    found = read_texts(path, "parquet", label_columns=["topic"])
    assert {"text": list(found.texts), "topic": list(found.labels["topic"])} == columns


MEASURE = """
import pathlib, re, sys
from tfvae.config import DataConfig
from tfvae.data import corpora, forerunner

def peak(files, limit):
    corpora.read(DataConfig(name="csv", label_column=sys.argv[1], limit=limit, **{f"{name}_file": file for name, file in files.items()}))
    # of this program alone, where getrusage knows what its parent had when it began
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

small, large = sys.argv[2:]
first = peak({"train": small}, 0)  # what reading takes of anything
three = peak(dict.fromkeys(("train", "valid", "test"), large), 300) if not sys.argv[1] else first
print(three - first, peak({"train": large}, 0) - first)
"""


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="only Linux says how much memory a process had")
@pytest.mark.parametrize("label", ["", "topic"])
def test_a_table_takes_about_twice_its_size_of_memory_and_little_where_few_rows_are_wanted(tmp_path, label):
    rows = [f"{' '.join(f'word{(i * j) % 997}' for j in range(1, 25))},{'ab'[i % 2]}\n" for i in range(1000)]
    sizes = {}
    for name, times in (("small", 80), ("large", 480)):
        (tmp_path / f"{name}.csv").write_text("text,topic\n" + "".join(rows) * times)
        sizes[name] = (tmp_path / f"{name}.csv").stat().st_size
    command = [sys.executable, "-c", MEASURE, label, str(tmp_path / "small.csv"), str(tmp_path / "large.csv")]
    limited, whole = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    more = sizes["large"] - sizes["small"]
    # Arrow's allocator and its threads, which read ahead, make either vary by tens of megabytes
    assert more > 70e6 and 0.8 * more < whole < 2.4 * more and limited < 0.7 * more, (more, limited, whole)


@pytest.mark.parametrize("place", ["file.schema_arrow", "names = ", "column.to_pylist()"])
def test_a_parquet_file_that_brings_arrow_down_is_damaged(tmp_path, monkeypatch, place):
    path = str(tmp_path / "t.parquet")
    pa.parquet.write_table(pa.table({"text": [f"text {i}" for i in range(2000)]}), path)
    monkeypatch.setattr(forerunner, "_PROGRAM", forerunner._PROGRAM.replace(place, f"__import__('os').abort(); {place}"))
    with pytest.raises(UserError, match=r"t\.parquet: Arrow's reader breaks down on it"):
        read_texts(path, "parquet")


def test_a_parquet_file_is_read_as_far_as_is_asked(tmp_path):
    path = str(tmp_path / "t.parquet")
    pa.parquet.write_table(pa.table({"text": [f"text {i}" for i in range(5000)]}), path)
    assert len(read_texts(path, "parquet").texts) == 5000
    assert list(read_texts(path, "parquet", most=3).texts) == ["text 0", "text 1", "text 2"]
