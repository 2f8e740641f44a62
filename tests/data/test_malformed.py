"""Every reader of files, and files that are no text: one line says which file, where in it, and what to do."""

import pytest

from tfvae.config import DataConfig
from tfvae.data import corpora
from tfvae.errors import UserError
from tfvae.models.registry import CORPORA

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
}


def make(folder, corpus, **changed):
    for name, data in {**FILES[corpus], **changed}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    if corpus == "text":
        return DataConfig(name="text", train_file=str(folder / "train.txt"))
    return DataConfig(name=corpus, dir=str(folder))


def test_every_corpus_of_files_is_here():
    assert set(FILES) == set(CORPORA) - {"demo"}


@pytest.mark.parametrize("corpus", FILES)
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


@pytest.mark.parametrize("corpus", FILES)
def test_a_file_that_is_missing_is_named(tmp_path, corpus):
    data = make(tmp_path, corpus)
    name = next(iter(FILES[corpus]))
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=name.rpartition("/")[2].replace(".", r"\.")):
        corpora.read(data)
