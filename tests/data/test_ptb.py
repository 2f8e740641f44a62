import pytest

from tfvae.config import DataConfig
from tfvae.data import ptb
from tfvae.errors import UserError


def make(folder, pattern, splits=("train", "valid", "test")):
    folder.mkdir(exist_ok=True)
    for split in splits:
        (folder / pattern.format(split)).write_text(f" a {split} <unk> \n\n N words \n", encoding="utf-8")


@pytest.mark.parametrize("pattern", ["{}.txt", "ptb.{}.txt"])
def test_both_spellings_of_the_files_are_read(tmp_path, pattern):
    make(tmp_path, pattern)
    corpus = ptb.read(DataConfig(name="ptb", dir=str(tmp_path)))
    for name in ("train", "valid", "test"):
        split = corpus.split(name)
        assert list(split.items) == [f"a {name} <unk>", "N words"]
        assert split.where(1) == f"{tmp_path / pattern.format(name)}:3"
        assert split.labels == {}
    assert corpus.name == "ptb"
    assert corpus.label_names == {}


def test_the_folder_may_come_from_the_environment(tmp_path, monkeypatch):
    make(tmp_path / "ptb", "{}.txt")
    monkeypatch.setenv("TFVAE_DATA_DIR", str(tmp_path))
    assert len(ptb.read(DataConfig(name="ptb")).train) == 2


def test_no_folder_is_an_error_that_says_where_to_get_the_corpus(monkeypatch):
    monkeypatch.delenv("TFVAE_DATA_DIR", raising=False)
    with pytest.raises(UserError, match=r"config\.data\.dir.*Mikolov"):
        ptb.read(DataConfig(name="ptb"))


def test_a_missing_file_is_an_error_that_names_what_was_looked_for(tmp_path):
    make(tmp_path, "{}.txt", splits=("train", "valid"))
    with pytest.raises(UserError, match=r"holds neither test\.txt nor ptb\.test\.txt"):
        ptb.read(DataConfig(name="ptb", dir=str(tmp_path)))


def test_the_real_corpus_has_its_published_counts(data_dir):
    if not (data_dir / "ptb").is_dir():
        pytest.skip(f"no {data_dir / 'ptb'}")
    corpus = ptb.read(DataConfig(name="ptb", dir=str(data_dir / "ptb")))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [42068, 3370, 3761]
    assert sum(len(text.split(" ")) for text in corpus.train.items) == 887521


def test_no_more_lines_are_read_than_are_wanted(tmp_path):
    make(tmp_path, "{}.txt")
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes() + b"\xff\n")
    corpus = ptb.read(DataConfig(name="ptb", dir=str(tmp_path), limit=2))
    assert [len(split) for split in (corpus.train, corpus.valid, corpus.test)] == [2, 2, 2]
