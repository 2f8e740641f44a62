"""Shards on disk: the same words, ids, batches and figures as of texts in memory."""

import json
import re
import shutil

import numpy as np
import pytest

from tfvae.cli.model import SMOKE
from tfvae.config import DataConfig
from tfvae.data import corpora, shards
from tfvae.data.batching import evaluation_batches, steps_per_epoch, tokenize_split, training_batches
from tfvae.data.sharded import ShardedExamples
from tfvae.data.sharding import write_shards
from tfvae.data.shares import Shares
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.modalities.words import Words
from tfvae.registry import resolve
from tfvae.training.fit import fit

READING = {"lowercase": True, "split_punctuation": True, "unicode": "NFC"}


def texts_of(count):
    rng = np.random.default_rng(0)
    words = ["Café", "Cafe\u0301", "train", "late,", "<unk>", "very…", "東京", "(slow)", *(f"w{i}" for i in range(30))]
    return [" ".join(rng.choice(words, rng.integers(1, 15))) for _ in range(count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Shards of two files, some of whose lines hold no text, and the texts."""
    root = tmp_path_factory.mktemp("shards")
    texts = texts_of(400)
    (root / "a.txt").write_text("".join(f"{text}\n" for text in texts[:300]) + "\n   \n")
    (root / "b.txt").write_bytes("".join(f"label\t{text}\r\n" for text in texts[300:]).encode() + b"bad \xff\n")
    said = []
    data = DataConfig(name="text", min_count=3, vocabulary_size=25, **READING)
    write_shards([str(root / "a.txt"), str(root / "b.txt")], str(root / "out"), data, held_out=0.1, piece_bytes=4000, say=said.append)
    assert said[-1].startswith("400 texts, ") and said[-1].endswith("3 lines without a text")
    return root / "out", texts


def config(folder, **more):
    return DataConfig(name="shards", dir=str(folder), **READING, **more)


def test_words_and_texts_are_those_of_the_files(folder):
    path, texts = folder
    corpus = corpora.read(config(path))
    expected = Vocabulary.from_texts(texts, size=25, min_count=3, **READING)
    assert tuple(corpus.words) == expected.words
    assert len(list(path.glob("train-*.tokens.npy"))) > 3 and not list(path.glob("piece-*"))
    found = [text for name in ("train", "valid", "test") for text in corpus.split(name).items]
    whole = tokenize_split(corpus.train.__class__(texts, {}, "", np.arange(400)), expected, 0)
    ids = sorted(tuple(expected.tokenize([text])[0].numpy()) for text in found)
    assert ids == sorted(tuple(whole.tokens[a:b]) for a, b in zip(whole.row_splits, whole.row_splits[1:], strict=False))
    assert 20 < len(corpus.valid) < 70 and 20 < len(corpus.test) < 70
    assert corpus.train.items[-1] == corpus.train.items[len(corpus.train) - 1] == list(corpus.train.items)[-1]


@pytest.mark.parametrize("max_length", [0, 6])
def test_batches_are_those_of_texts_in_memory(folder, max_length):
    corpus = corpora.read(config(folder[0]))
    words = Words.learn(corpus, config(folder[0]))
    own = ShardedExamples(corpus.train.items, max_length)
    whole = tokenize_split(corpus.train.__class__(list(corpus.train.items), {}, "", corpus.train.lines), words.vocabulary, max_length)
    assert isinstance(words.examples(corpus.train), ShardedExamples)
    for name in ("tokens", "row_splits", "length", "cost", "whole_length", "cut"):
        np.testing.assert_array_equal(getattr(own, name), getattr(whole, name))
    for make in (lambda examples: training_batches(examples, 7, 3, epochs=2), lambda examples: evaluation_batches(examples, 7)):
        for batch, other in zip(make(own), make(whole), strict=True):
            assert batch.keys() == other.keys()
            for name in batch.keys() - {"labels"}:
                np.testing.assert_array_equal(batch[name], other[name])


def test_training_has_the_figures_of_texts_in_memory(folder, tmp_path):
    path, corpus = folder[0], corpora.read(config(folder[0]))
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{text}\n" for text in corpus.split(name).items))
    files = {f"data.{name}_file": str(tmp_path / f"{name}.txt") for name in ("train", "valid", "test")}
    shared = {**SMOKE, "data.limit": 0, "training.epochs": 2, **{f"data.{name}": value for name, value in READING.items()}}
    places = {"shards": {"data.dir": str(path)}, "text": {"data.vocabulary": str(path / "vocabulary.txt"), **files}}
    figures = {}
    for name, own in places.items():
        run = tmp_path / name
        fit(resolve("dem_vae", name, base={**shared, **own}), str(run), say=lambda message: None)
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        figures[name] = [{key: value for key, value in line.items() if key != "seconds"} for line in lines]
    assert figures["shards"] == figures["text"]


@pytest.mark.slow
def test_workers_write_the_same(folder, tmp_path):
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in texts_of(400)))
    data = DataConfig(name="text", **READING)
    for workers in (1, 2):
        write_shards([str(tmp_path / "a.txt")], str(tmp_path / str(workers)), data, workers=workers, piece_bytes=5000)
    for file in sorted((tmp_path / "1").iterdir()):
        assert file.read_bytes() == (tmp_path / "2" / file.name).read_bytes()


def damaged(folder, path, name, content):
    """A copy of shards with one file of another content."""
    shutil.copytree(folder, path)
    (path / name).write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("shards.json", b"{", "is damaged: not valid JSON"),
        ("shards.json", b"[]", "must hold a JSON object"),
        ("shards.json", b"{}", "is damaged: put it back"),
        ("shards.json", b'{"format": 9, "reading": {}, "splits": {"train": [], "valid": [], "test": []}}', "of format 9"),
        ("shards.json", b'{"format": 1, "reading": {}, "splits": {"train": [], "valid": [], "test": []}}', "split holds no text"),
        ("shards.json", b'{"format": 1, "reading": {}, "splits": {"train": [["x", 1, 2]], "valid": [], "test": []}}', "missing or damaged"),
        ("train-000000.tokens.npy", b"", "missing or damaged"),
        ("train-000000.length.npy", b"\x93NUMPY", "missing or damaged"),
        ("vocabulary.txt", b"", "the file is empty"),
    ],
)
def test_damaged_shards_are_one_line(folder, tmp_path, name, content, message):
    path = damaged(folder[0], tmp_path / "x", name, content)
    with pytest.raises(UserError, match=message) as refused:
        shards.read(config(path))
    assert "\n" not in str(refused.value)


def test_a_shorter_file_and_a_pickled_one_are_damaged(folder, tmp_path):
    for number, (array, allowed) in enumerate(((np.zeros(3, np.uint16), False), (np.zeros(3), False), (np.array([{}]), True))):
        file = tmp_path / "array.npy"
        np.save(file, array, allow_pickle=allowed)
        path = damaged(folder[0], tmp_path / str(number), "train-000000.tokens.npy", file.read_bytes())
        with pytest.raises(UserError, match=r"train-000000.tokens.npy: "):
            shards.read(config(path))


def test_other_words_and_other_reading_are_refused(folder, tmp_path):
    path = folder[0]
    with pytest.raises(UserError, match=r"add --config\.data\.lowercase=true"):
        shards.read(DataConfig(name="shards", dir=str(path), split_punctuation=True))
    with pytest.raises(UserError, match="what shards were written with"):
        shards.read(config(path, vocabulary=str(path)))
    with pytest.raises(UserError, match=r"holds no shards\.json; write shards by tfvae-shard"):
        shards.read(config(tmp_path))
    other = Words.of(Vocabulary(["a"]), config(path))
    with pytest.raises(UserError, match="the words that they were written with"):
        other.examples(corpora.read(config(path)).train)


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        (b"\n\n", [], "no line holds any text"),
        (b"", [], "no line holds any text"),
        (b"a b\n", ["--config.data.min_count=9"], "no word that occurs config.data.min_count = 9 times"),
        (b"a b\n", ["--tokenizer=wordpiece"], "shards are of whole words"),
        (b"a b\n", ["--held_out=0.9"], "held_out"),
        (None, [], "no such file"),
    ],
)
def test_what_cannot_be_sharded_is_one_line(refuse, tmp_path, content, flags, message):
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    assert message in refuse("shard", f"--input={tmp_path / 'a.txt'}", f"--output={tmp_path / 'out'}", *flags)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_stays(refuse, tmp_path):
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    assert "holds something already" in refuse("shard", f"--input={tmp_path / 'a.txt'}", f"--output={tmp_path / 'out'}")
    assert re.search("both needed", refuse("shard", "--output=x"))


def grouped(folder, groups):
    corpus = corpora.read(config(folder, groups=groups))
    return corpus.train.items, ShardedExamples(corpus.train.items, 0)


@pytest.mark.parametrize("groups", [2, 3])
def test_groups_of_shards_share_each_batch_whoever_reads_them(folder, groups):
    texts, examples = grouped(folder[0], groups)
    owner = np.zeros(len(texts), int)
    for group, own in enumerate(texts.groups):
        owner[own] = group
    whole = [batch["index"].numpy() for batch in training_batches(examples, 12, 3, epochs=2)]
    assert len(whole) == 2 * steps_per_epoch(examples, 12)
    epoch = np.concatenate(whole[: len(whole) // 2])
    assert sorted(epoch) == list(range(len(texts)))
    assert any(len(np.unique(owner[index])) == groups and len(index) > 9 for index in whole)
    for each in (1, 2):  # replicas of a group
        count = groups * each
        shares = [list(training_batches(examples, 12, 3, epochs=2, shares=Shares(count, first))) for first in range(count)]
        for first, share in enumerate(shares):
            assert {group for batch in share for group in owner[batch["index"].numpy()]} == {first // each}
        for step, index in enumerate(whole):
            parts = [share[step] for share in shares]
            assert len({len(part["index"]) for part in parts}) == 1
            found = np.concatenate([part["index"].numpy()[part["weight"].numpy() > 0] for part in parts])
            assert sorted(found) == sorted(index)


def test_a_host_needs_the_ids_of_its_own_group_alone(folder, tmp_path):
    shutil.copytree(folder[0], tmp_path / "own")
    names = sorted(path.name for path in (tmp_path / "own").glob("train-*.tokens.npy"))
    for name in names[1::2]:
        (tmp_path / "own" / name).unlink()
    texts, examples = grouped(tmp_path / "own", 2)
    for batch in training_batches(examples, 12, 3, shares=Shares(2, 0)):
        assert batch["tokens"].shape[0]
    with pytest.raises(UserError, match="missing or damaged"):
        texts[texts.groups[1][0]]
    with pytest.raises(UserError, match="missing or damaged"):
        corpora.read(config(tmp_path / "own"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"groups": 99, "batch_size": 99}, "99: .* training shards: write smaller ones"),
        ({"groups": 7, "batch_size": 30}, "batch_size = 30 is no multiple"),
    ],
)
def test_groups_that_do_not_do_are_told(folder, more, message):
    with pytest.raises(UserError, match=message):
        fit(resolve("vae", "shards", base={"data.dir": str(folder[0]), **{f"data.{k}": v for k, v in (READING | more).items()}}))


def test_only_shards_have_groups():
    with pytest.raises(UserError, match="demo is in memory"):
        resolve("vae", "demo", overrides={"data.groups": 2})
