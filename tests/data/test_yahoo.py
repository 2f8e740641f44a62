import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import yahoo
from tfvae.errors import UserError


def make(folder, splits=("train", "valid", "test"), pattern="yahoo.{}.txt"):
    for name in splits:
        (folder / pattern.format(name)).write_text("".join(f"{name} {i} _UNK\n" for i in range(50)), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("pattern", ["yahoo.{}.txt", "{}.txt"])
def test_both_spellings_of_the_files_are_read(tmp_path, pattern):
    corpus = yahoo.read(DataConfig(name="yahoo", dir=make(tmp_path, pattern=pattern)))
    assert [corpus.split(name).items[1] for name in ("train", "valid", "test")] == ["train 1 _UNK", "valid 1 _UNK", "test 1 _UNK"]


def test_without_the_training_part_the_message_says_where_it_is_and_what_can_be_done_without(tmp_path):
    folder = make(tmp_path, ("valid", "test"))
    with pytest.raises(UserError, match=r"neither yahoo\.train\.txt nor train\.txt; get .*harvardnlp/sa-vae.*--split=8000,1000,1000"):
        yahoo.read(DataConfig(name="yahoo", dir=folder))


def test_three_splits_can_be_drawn_from_the_validation_file(tmp_path):
    folder = make(tmp_path, ("valid",))
    corpus = yahoo.read(DataConfig(name="yahoo", dir=folder, split="30,8,5"))
    splits = [corpus.split(name) for name in ("train", "valid", "test")]
    assert [len(split) for split in splits] == [30, 8, 5]
    lines = np.concatenate([split.lines for split in splits])
    assert len(set(lines)) == 43
    for split in splits:
        np.testing.assert_array_equal(split.lines, np.sort(split.lines))
        assert list(split.items) == [f"valid {line - 1} _UNK" for line in split.lines]
    again = yahoo.read(DataConfig(name="yahoo", dir=folder, split="30,8,5"))
    other = yahoo.read(DataConfig(name="yahoo", dir=folder, split="30,8,5", split_seed=1))
    np.testing.assert_array_equal(corpus.test.lines, again.test.lines)
    assert not np.array_equal(corpus.train.lines, other.train.lines)


@pytest.mark.parametrize("split", ["30,8", "30,8,0", "30,8,-5", "30,8,x", "30;8;5", "30,8,5,1"])
def test_sizes_that_are_not_three_numbers_above_0_are_an_error(tmp_path, split):
    with pytest.raises(UserError, match=r"config\.data\.split = .*: three sizes above 0 are wanted, as in 8000,1000,1000"):
        yahoo.read(DataConfig(name="yahoo", dir=make(tmp_path), split=split))


def test_more_documents_than_there_are_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"'40,8,5': 53 documents, and .*yahoo\.valid\.txt has 50; ask for fewer"):
        yahoo.read(DataConfig(name="yahoo", dir=make(tmp_path), split="40,8,5"))


def test_the_real_corpus_has_its_published_counts(data_dir):
    if not (data_dir / "yahoo").is_dir():
        pytest.skip(f"no {data_dir / 'yahoo'}")
    corpus = yahoo.read(DataConfig(name="yahoo", dir=str(data_dir / "yahoo"), split="8000,1000,1000"))
    assert sum(len(corpus.split(name)) for name in ("train", "valid", "test")) == 10_000
