"""Readers of users' files, each with a file that it reads: what is damaged, and who must not fall over it."""

import io
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from tfvae.config import DataConfig
from tfvae.data import corpora
from tfvae.data.features import KeptFeatures
from tfvae.data.files import iterate_lines
from tfvae.data.npz import read_arrays
from tfvae.data.tokenizers import load_vocabulary
from tfvae.evaluation.telling import HeldBack
from tfvae.training.word_vectors import read_vectors

_ROWS = [(f"the {'red' if i % 2 else 'blue'} bird number {i} sings", "ab"[i % 2], i) for i in range(40)]
_TABLE = pa.table({name: [row[i] for row in _ROWS] for i, name in enumerate(("text", "topic", "n"))})


def _bytes(write: Callable[[Any], Any]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def _corpus(kind: str, labels: str) -> Callable[[str], Any]:
    return lambda path: corpora.read(DataConfig(name=kind, train_file=path, label_column=labels))


READERS: Mapping[str, tuple[str, bytes, Callable[[str], Any]]] = {
    "text": ("x.txt", b"".join(f"{text}\n".encode() for text, _, _ in _ROWS), _corpus("text", "")),
    "labelled text": ("x.txt", b"".join(f"{topic}\t{text}\n".encode() for text, topic, _ in _ROWS), _corpus("text", "")),
    "csv": ("x.csv", b"text,topic,n\n" + b"".join(f'"{a}",{b},{c}\n'.encode() for a, b, c in _ROWS), _corpus("csv", "topic,n")),
    "jsonl": (
        "x.jsonl",
        b"".join(json.dumps({"text": a, "topic": b, "n": c}).encode() + b"\n" for a, b, c in _ROWS),
        _corpus("jsonl", "topic,n"),
    ),
    "parquet": ("x.parquet", _bytes(lambda stream: pa.parquet.write_table(_TABLE, stream)), _corpus("parquet", "topic,n")),
    "npz": (
        "x.npz",
        _bytes(lambda stream: np.savez(stream, x=np.zeros([3, 4], np.uint8), y=np.arange(3))),
        lambda path: read_arrays(path, {}),
    ),
    "features": (
        "x.npy",
        _bytes(lambda stream: np.save(stream, np.zeros([3, 4], np.float32))),
        lambda path: KeptFeatures(DataConfig(name="text", train_file="x", features=path))._arrays,
    ),
    "vocabulary": (
        "x.txt",
        b"".join(f"{word}\n".encode() for word in ("<pad>", "<unk>", "<s>", "</s>", "the", "bird", "sings", "où")),
        lambda path: load_vocabulary(path, DataConfig()),
    ),
    "word vectors": ("x.vec", b"2 3\nbird 0.1 0.2 0.3\nsings 1e-3 2 3\n", lambda path: list(read_vectors(path, ""))),
    "stop words": ("x.txt", b"the\na\nof\n", HeldBack.named),
    "texts to encode": ("x.txt", b"a text\nanother\n", lambda path: list(iterate_lines(path))),
}
"""By name: a file's name, what it holds where nothing is off, and who reads it."""


def write(folder: pathlib.Path, name: str, content: bytes) -> str:
    """Writes a file and returns its path."""
    path = folder / name
    path.write_bytes(content)
    return str(path)
