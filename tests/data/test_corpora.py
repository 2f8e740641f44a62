import dataclasses

import pytest

from tfvae.config import DataConfig
from tfvae.data import corpora
from tfvae.data.corpus import Corpus
from tfvae.errors import UserError


def test_every_corpus_is_listed():
    assert corpora.names() == [
        "20ng",
        "csv",
        "daily_dialog",
        "demo",
        "dialogues",
        "home_assistant",
        "jsonl",
        "mnist",
        "omniglot",
        "parquet",
        "ptb",
        "shards",
        "smd",
        "text",
        "yahoo",
    ]


def test_the_demo_corpus_is_read_without_files():
    corpus = corpora.read(DataConfig())
    assert isinstance(corpus, Corpus)
    assert min(len(corpus.split(name)) for name in ("train", "valid", "test")) > 0


def test_the_seed_of_splits_reaches_the_reader_of_text(tmp_path):
    (tmp_path / "a").write_text("\n".join(map(str, range(40))), encoding="utf-8")
    data = DataConfig(name="text", train_file=str(tmp_path / "a"))
    test = [list(corpora.read(dataclasses.replace(data, split_seed=seed)).test.items) for seed in (1, 1, 2)]
    assert test[0] == test[1] != test[2]


def test_an_unknown_corpus_is_told_with_the_nearest_name():
    with pytest.raises(UserError, match=r"config\.data\.name = 'ptbb': no such corpus, did you mean 'ptb'\?"):
        corpora.read(DataConfig(name="ptbb"))
    with pytest.raises(UserError, match=r"known: 20ng, csv, daily_dialog, demo, dialogues, home_assistant, jsonl, mnist, .*, yahoo"):
        corpora.read(DataConfig(name="wikipedia"))


@pytest.mark.parametrize("field", ["train_file", "valid_file", "test_file"])
def test_a_file_that_the_corpus_would_not_read_is_an_error(field):
    with pytest.raises(UserError, match=rf"config\.data\.{field} is read by the corpora text, csv, jsonl, parquet, dialogues, not by demo"):
        corpora.read(DataConfig(**{field: "a.txt"}))
