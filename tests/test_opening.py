"""What is read and what is not, by every reader of users' files."""

import gzip
import logging
import os
import pathlib
import socket

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tfvae import opening
from tfvae.config import DataConfig, read_json
from tfvae.data import tables, text
from tfvae.data.features import KeptFeatures
from tfvae.data.files import iterate_lines, read_lines, read_text
from tfvae.data.json_files import load_json
from tfvae.data.npz import read_arrays
from tfvae.data.sources import SOURCES, unpack
from tfvae.data.tokenizers import load_vocabulary
from tfvae.errors import UserError
from tfvae.evaluation.telling import HeldBack
from tfvae.opening import opened
from tfvae.training.word_vectors import read_vectors

READERS = {
    "lines": read_lines,
    "text": read_text,
    "encode": lambda path: list(iterate_lines(path)),
    "own texts": text.read_texts,
    **{kind: lambda path, kind=kind: tables.read_texts(path, kind) for kind in tables.KINDS},
    "npz": lambda path: read_arrays(path, {}),
    "features": lambda path: KeptFeatures(DataConfig(name="text", train_file="x", features=f"{path}.npy"))._arrays,
    "vocabulary": lambda path: load_vocabulary(path, DataConfig()),
    "stop words": HeldBack.named,
    "word vectors": lambda path: list(read_vectors(path, "check --embeddings")),
    "archive": lambda path: unpack(SOURCES["ptb"], path, f"{path}-out"),
    "configuration": read_json,
    "file of a run": lambda path: load_json(path, "put it back"),
    "single archive": lambda path: unpack(SOURCES["mnist"], path, f"{path}-out"),
}


@pytest.fixture
def irregular(tmp_path):
    def make(kind):
        path = str(tmp_path / "x.npy")
        if kind == "a folder":
            os.mkdir(path)
        elif kind == "a pipe":
            os.mkfifo(path)
        else:
            os.symlink("/dev/zero", path)
        return path

    return make


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a device"])
@pytest.mark.parametrize("reader", READERS)
def test_only_regular_files_are_read(irregular, reader, kind):
    path = irregular(kind)
    with pytest.raises(UserError) as caught:
        READERS[reader](path.removesuffix(".npy") if reader == "features" else path)
    assert f"{path}: is {kind} where a file is wanted" in str(caught.value) and "\n" not in str(caught.value)


def test_a_socket_is_told_for_what_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s")
        with pytest.raises(UserError, match=r"^s: is a socket where a file is wanted; save what it gives into one$"), opened("s"):
            pass


def bomb(size):
    return gzip.compress(b"a b c\n" * (size // 6))


@pytest.mark.parametrize("reader", ["lines", "text", "encode", "own texts", "csv", "jsonl", "vocabulary"])
def test_what_unpacks_without_end_is_not_read(tmp_path, monkeypatch, reader):
    path = tmp_path / "x.gz"
    path.write_bytes(bomb(3_000_000))
    monkeypatch.setattr(opening, "_SMALL", 1_000_000)
    with pytest.raises(UserError) as caught:
        READERS[reader](str(path))
    assert f"{path}: unpacks to more than 1 MB, 100 times its size" in str(caught.value) and "name the unpacked file" in str(caught.value)


def test_a_well_packed_text_is_read(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(bomb(3_000_000))
    assert len(read_lines(path)[0]) == 500_000


@pytest.mark.parametrize("suffix", ["bz2", "zst"])
def test_tables_are_bounded_in_all_compressions(tmp_path, monkeypatch, suffix):
    path = str(tmp_path / f"t.csv.{suffix}")
    with pa.output_stream(path, compression="detect") as file:
        file.write(b"text\n" + b"a b c\n" * 500_000)
    assert len(tables.read_texts(path, "csv").texts) == 500_000
    monkeypatch.setattr(opening, "_SMALL", 1_000_000)
    with pytest.raises(UserError, match="unpacks to more than 1 MB"):
        tables.read_texts(path, "csv")


@pytest.mark.parametrize("dictionary", [False, True], ids=["pages", "dictionary"])
def test_parquet_is_bounded_by_its_pages_and_by_what_they_stand_for(tmp_path, monkeypatch, dictionary):
    path = str(tmp_path / "t.parquet")
    pa.parquet.write_table(pa.table({"text": ["a b c" * 100] * 20_000}), path, use_dictionary=dictionary, compression="zstd")
    assert len(tables.read_texts(path, "parquet").texts) == 20_000
    monkeypatch.setattr(opening, "_SMALL", 1_000_000)
    with pytest.raises(UserError, match="unpacks to more than 1 MB"):
        tables.read_texts(path, "parquet")


def test_features_whose_header_is_wrong_are_told_and_not_given_memory(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros([2, 3]))
    whole = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(whole.replace(b"(2, 3), }" + b" " * 8, b"(200000000, 3), }"))
    with pytest.raises(UserError, match="no array that can be read"):
        READERS["features"](str(tmp_path / "x"))
    for header in (b"(2, 3),  ", b"(2, 3 , }", b"(2, 3\0, }", b"\xff" * 9):  # each of which NumPy tells otherwise
        (tmp_path / "x.npy").write_bytes(whole.replace(b"(2, 3), }", header))
        with pytest.raises(UserError, match="no array that can be read") as caught:
            READERS["features"](str(tmp_path / "x"))
        assert "\n" not in str(caught.value)


def test_a_large_file_is_announced_once_and_a_small_one_is_not(tmp_path, monkeypatch, caplog):
    for name, lines in (("small.csv", 10), ("large.csv", 1000)):
        (tmp_path / name).write_text("text\n" + "a b c d e\n" * lines)
    monkeypatch.setattr(opening, "_LARGE", 5_000)
    with caplog.at_level(logging.WARNING):
        for name in ("small.csv", "large.csv"):
            tables.read_texts(str(tmp_path / name), "csv")
            text.read_texts(str(tmp_path / name))
    large = pathlib.Path(tmp_path / "large.csv")
    assert caplog.messages.count(f"{large}: reading 0 MB") == 2 and not any("small.csv: reading" in said for said in caplog.messages)
