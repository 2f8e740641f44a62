import time

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import newsgroups
from tfvae.errors import UserError

FILES = {"vocab.new": "a 9\nb 7\nc 2\n", "train.feat": "1 3:2 1:1\n" * 19 + "20 2:1\n", "test.feat": "2 2:3\n7 1:1 3:1\n"}


def make(folder, **changed):
    for name, text in {**FILES, **changed}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return DataConfig(name="20ng", dir=str(folder))


def test_a_document_is_its_words_in_the_order_of_the_vocabulary_each_as_often_as_it_occurs(tmp_path):
    corpus = newsgroups.read(make(tmp_path))
    assert corpus.words == ["a", "b", "c"]
    assert corpus.test.items == ["b b b", "a c"] and corpus.test.lines.tolist() == [1, 2]
    assert {*corpus.train.items, *corpus.valid.items} == {"a c c", "b"}
    assert corpus.test.labels["newsgroup"].tolist() == [1, 6] and corpus.test.labels["newsgroup"].dtype == np.int32
    assert [corpus.label_names["newsgroup"][i] for i in (0, 6, 19)] == ["alt.atheism", "misc.forsale", "talk.religion.misc"]


def test_validation_is_drawn_from_the_training_file_by_its_own_seed(tmp_path):
    corpus = newsgroups.read(make(tmp_path))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [18, 2, 2]
    assert sorted([*corpus.train.lines, *corpus.valid.lines]) == list(range(1, 21))
    drawn = [newsgroups.read(DataConfig(name="20ng", dir=str(tmp_path), split_seed=seed)).valid.lines.tolist() for seed in (0, 1)]
    assert drawn[0] == corpus.valid.lines.tolist() != drawn[1]
    assert len(newsgroups.read(DataConfig(name="20ng", dir=str(tmp_path), valid_fraction=0.25)).valid) == 5


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("train.feat", "1", ":2: a document without words; give it some, or delete the line"),
        ("train.feat", "x 1:1", ":2: 'x' is no newsgroup, a number from 1 to 20; mend"),
        ("test.feat", "0 1:1", ":2: '0' is no newsgroup"),
        ("test.feat", "21 1:1", ":2: '21' is no newsgroup"),
        ("test.feat", "1:1 2:1", ":2: '1:1' is no newsgroup"),
        ("train.feat", "1 1:1 2", ":2: '2' is no word's number and count, two numbers of 1 to 999999 as in 17:2; mend"),
        ("train.feat", "1 0:1", ":2: '0:1' is no word's number and count"),
        ("train.feat", "1 1:0", ":2: '1:0' is no word's"),
        ("train.feat", "1 1:-2", ":2: '1:-2' is no word's"),
        ("train.feat", "1 1:1.5", ":2: '1:1.5' is no word's"),
        ("train.feat", "1 1:\u0662", ":2: '1:\u0662' is no word's"),
        ("train.feat", "1 1:9999999", ":2: '1:9999999' is no word's"),
        ("train.feat", "1 1:999999 2:2", ":2: 1,000,001 words, more than the 1,000,000 that a document may have"),
        ("train.feat", "1 4:1", ":2: '4:1': there is no word 4, vocab.new has 3; mend"),
        ("train.feat", "1 2:1 2:1", ":2: '2:1': the word 2 is counted twice; mend"),
        ("vocab.new", "d", ":2: 'd' is no word and its frequency; mend"),
        ("vocab.new", "d e", ":2: 'd e' is no word and its frequency"),
        ("vocab.new", "a 1", ":2: the word 'a' is on line 1 already; mend"),
        ("vocab.new", "", ":2: a blank line, and a word's number is its line's; mend"),
    ],
)
def test_a_line_that_is_off_is_named(tmp_path, name, line, message):
    first, _, rest = FILES[name].partition("\n")
    with pytest.raises(UserError) as caught:
        newsgroups.read(make(tmp_path, **{name: f"{first}\n{line}\n{rest}"}))
    assert str(caught.value).startswith(f"{tmp_path / name}{message}") and "\n" not in str(caught.value)


def test_one_document_is_too_few(tmp_path):
    with pytest.raises(UserError, match=r"train\.feat: one document, and validation takes one"):
        newsgroups.read(make(tmp_path, **{"train.feat": "1 1:1\n"}))


def test_the_real_corpus_has_its_published_counts(data_dir):
    if not (data_dir / "20ng").is_dir():
        pytest.skip(f"no {data_dir / '20ng'}")
    start = time.process_time()
    corpus = newsgroups.read(DataConfig(name="20ng", dir=str(data_dir / "20ng")))
    assert time.process_time() - start < 8  # 1 second where nothing else runs
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [10_142, 1_126, 7_505]
    lengths = {name: sum(text.count(" ") + 1 for text in corpus.split(name).items) for name in ("train", "valid", "test")}
    assert lengths["train"] + lengths["valid"] == 1_128_881 and lengths["test"] == 720_898
    assert len(corpus.words) == 2_000 and corpus.words[:3] == ["who", "out", "which"]
    assert set(corpus.words) == {word for text in corpus.train.items for word in text.split()}
    # Groups are numbered as named: a word of each is commonest there.
    words = ["atheism", "jpeg", "microsoft", "scsi", "apple", "widget", "shipping", "cars", "bike", "baseball"]
    words += ["hockey", "encryption", "circuit", "patients", "orbit", "church", "firearms", "israel", "stephanopoulos", "sandvik"]
    for group, word in enumerate(words):
        counts = np.zeros(20)
        for text, number in zip(corpus.test.items, corpus.test.labels["newsgroup"], strict=True):
            counts[number] += text.split().count(word)
        assert counts.argmax() == group, (word, counts)
