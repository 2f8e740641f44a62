"""Every reader of files, and files that are no text or no arrays: one line says which file, where in it, and what to do."""

import io

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import corpora, tables
from tfvae.errors import UserError
from tfvae.registry import CORPORA

TURNS = b"hello there __eou__ how are you ? __eou__\n"
DIALOGUE = b'[{"dialogue": [{"turn": "driver", "data": {"utterance": "hello"}}], "scenario": {"task": {"intent": "navigate"}}}]\n'
# For each corpus its files and what is in them where nothing is off.
FILES = {
    "ptb": {f"{name}.txt": b"a sentence\n" for name in ("train", "valid", "test")},
    "yahoo": {f"yahoo.{name}.txt": b"a document\n" for name in ("train", "valid", "test")},
    "smd": {f"kvret_{name}_public.json": DIALOGUE for name in ("train", "dev", "test")},
    "daily_dialog": {
        f"{name}/dialogues{kind}.txt": {"": TURNS, "_act": b"1 2\n", "_emotion": b"0 0\n"}[kind]
        for name in ("train", "validation", "test")
        for kind in ("", "_act", "_emotion")
    },
    "text": {"train.txt": b"a text\n" * 10},
    "dialogues": {"train.jsonl": b'{"dialogue": ["hello", "hello"]}\n' * 10},
    "home_assistant": {
        "en.json": b'{"intents": {"A": {"data": [{"sentences": ["{n} times"]}]}}, "expansion_rules": {}, '
        b'"lists": {"n": {"range": {"from": 1, "to": 90}}}}'
    },
    "20ng": {"vocab.new": b"here 2\nthere 1\n", **{f"{name}.feat": b"1 1:2 2:1\n" * 10 for name in ("train", "test")}},
}


def images(*parts):
    """For each part (name, N) N images x_<name> and their classes y_<name>, all 0."""
    arrays = {f"x_{name}": np.zeros((count, 28, 28), np.uint8) for name, count in parts}
    return arrays | {f"y_{name}": np.zeros(count, np.int16) for name, count in parts}


# For each corpus of images its file and the arrays in it where nothing is off.
IMAGES = {
    "mnist": ("mnist.npz", images(("train", 10_010), ("test", 5))),
    "omniglot": ("omniglot_28x28.npz", images(("background", 10), ("evaluation", 5))),
}


def saved(arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def make(folder, corpus, **changed):
    files = FILES[corpus] if corpus in FILES else {IMAGES[corpus][0]: saved(IMAGES[corpus][1])}
    for name, data in {**files, **changed}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    if corpus in ("text", "dialogues"):
        return DataConfig(name=corpus, train_file=str(folder / next(iter(FILES[corpus]))))
    return DataConfig(name=corpus, dir=str(folder))


def test_every_corpus_of_files_is_here():
    elsewhere = {"demo", "shards", *tables.KINDS}  # tests/data/test_shards.py, tests/data/test_tables.py
    assert {*FILES, *IMAGES} == set(CORPORA) - elsewhere == set(corpora.names()) - elsewhere


@pytest.mark.parametrize("corpus", [*FILES, *IMAGES])
def test_nothing_is_off_with_these_files(tmp_path, corpus):
    assert len(corpora.read(make(tmp_path, corpus)).train) > 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data.replace(b"e", b"\xe9", 1), r":1: byte 0xe9 at position \d+ is not UTF-8: convert the file to UTF-8"),
        (lambda data: data + b"\0\0", r":\d+: a NUL byte: this is a binary file or UTF-16"),
        (lambda data: data.decode().encode("utf-16"), r":1: (a NUL byte|byte 0xff)"),
        (lambda data: b"", r"the file is empty|:1: not JSON"),
        (lambda data: b" \n\n", r"the file is empty|:3: not JSON"),
    ],
    ids=["latin 1", "binary", "utf-16", "empty", "blank"],
)
@pytest.mark.parametrize("corpus", FILES)
def test_a_file_that_is_no_text_is_named_with_the_line(tmp_path, corpus, spoil, message):
    name, data = next(iter(FILES[corpus].items()))
    with pytest.raises(UserError, match=message) as caught:
        corpora.read(make(tmp_path, corpus, **{name: spoil(data)}))
    assert str(caught.value).startswith(str(tmp_path / name)) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda arrays, x, y: saved(arrays)[:-100], "no .npz file, or a damaged one: File is not a zip file"),
        (lambda arrays, x, y: b"an image\n" * 9, "no .npz file, or a damaged one: File is not a zip file"),
        (lambda arrays, x, y: b"", "no .npz file, or a damaged one: File is not a zip file"),
        (lambda arrays, x, y: saved(arrays | {x: arrays[x][:, :27]}), "{x}: has the shape ({n}, 27, 28) where (N, 28, 28) is wanted"),
        (lambda arrays, x, y: saved(arrays | {x: arrays[x] / 255}), "{x}: holds float64 where uint8 is wanted"),
        (lambda arrays, x, y: saved(arrays | {y: arrays[y].astype(object)}), "{y}: holds pickled objects, which are never read"),
        (lambda arrays, x, y: saved(arrays | {y: arrays[y][1:]}), "{y}: has {one_less:,} entries where {x} has {n:,}"),
        (lambda arrays, x, y: saved(arrays | {y: arrays[y] - 1}), "{y}: image 1 has the "),
        (lambda arrays, x, y: saved({name: array for name, array in arrays.items() if name != y}), "holds no array {y}, but '{x}'"),
    ],
    ids=["cut", "text", "empty", "wrong shape", "wrong type", "pickled", "a label too few", "no such class", "no labels"],
)
@pytest.mark.parametrize("corpus", IMAGES)
def test_a_file_that_holds_no_such_images_is_named_with_the_array(tmp_path, corpus, spoil, message):
    name, arrays = IMAGES[corpus]
    x = next(iter(arrays))
    y, count = x.replace("x", "y", 1), len(arrays[x])
    with pytest.raises(UserError) as caught:
        corpora.read(make(tmp_path, corpus, **{name: spoil(arrays, x, y)}))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / name}: {message.format(x=x, y=y, n=count, one_less=count - 1)}")
    assert f"prepare_data.py --corpus={corpus}" in said and "\n" not in said


@pytest.mark.parametrize("corpus", [*FILES, *IMAGES])
def test_a_file_that_is_missing_is_named(tmp_path, corpus):
    data = make(tmp_path, corpus)
    name = next(iter(FILES[corpus])) if corpus in FILES else IMAGES[corpus][0]
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=name.rpartition("/")[2].replace(".", r"\.")):
        corpora.read(data)
