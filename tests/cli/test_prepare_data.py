"""The command that gets corpora, against archives made here."""

import io
import zipfile

import pytest

from tfvae.cli import prepare_data
from tfvae.data.sources import Source

TEXTS = {f"ptb.{name}.txt": f" a {name} sentence \n b\n".encode() for name in ("train", "valid", "test")}
FILES = {name.removeprefix("ptb."): (name, "") for name in TEXTS}


@pytest.fixture
def archive(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name, data in TEXTS.items():
            file.writestr(f"data/{name}", data)
    (tmp_path / "a.zip").write_bytes(stream.getvalue())
    return tmp_path / "a.zip"


@pytest.fixture
def sources(monkeypatch):
    """Penn Treebank at an address where nothing listens, and Yahoo Answers at none."""
    known = {
        "ptb": Source("free", FILES, "http://127.0.0.1:9/a.zip"),
        "yahoo": Source("free", FILES, by_hand="ask for it"),
    }
    monkeypatch.setattr(prepare_data, "SOURCES", known)


def test_an_archive_that_was_fetched_by_hand_becomes_a_corpus(command, sources, archive, tmp_path):
    status, out, err = command("prepare_data", "--corpus=ptb", f"--archive={archive}", "--dir=corpora")
    assert status == 0, err
    assert "ptb: 2 / 2 / 2 texts of training / validation / test" in out and "never recorded" in out
    assert out.splitlines()[-1].startswith(f"export TFVAE_DATA_DIR={tmp_path / 'corpora'}")
    assert command("prepare_data", "--corpus=ptb", "--dir=corpora")[0] == 0  # all is there: nothing is fetched


def test_what_cannot_be_had_is_said_a_line_each(command, refuse, sources, archive):
    assert "ptb: http://127.0.0.1:9/a.zip: cannot be fetched" in refuse("prepare_data", "--corpus=ptb", "--dir=corpora")
    lacking = "lacks train.txt, valid.txt, test.txt: ask for it"
    assert lacking in refuse("prepare_data", "--corpus=yahoo", "--dir=corpora")
    status, out, err = command("prepare_data", "--dir=corpora", "--corpus=ptb,yahoo")
    assert status == 2 and "ptb: http://" in err and "yahoo: has no" in err and "error: not prepared, see above: ptb, yahoo" in err
    assert "export" not in out
    command("prepare_data", "--corpus=ptb", f"--archive={archive}", "--dir=corpora")
    status, out, err = command("prepare_data", "--dir=corpora", "--corpus=ptb,yahoo")
    assert status == 2 and "export TFVAE_DATA_DIR=" in out and "not prepared, see above: yahoo" in err


def test_files_that_are_there_are_checked_though_others_are_missing(command, monkeypatch, tmp_path):
    known = {"yahoo": Source("free", {"yahoo.train.txt": ("x", ""), "yahoo.valid.txt": ("y", "0" * 64)}, by_hand="ask for it")}
    monkeypatch.setattr(prepare_data, "SOURCES", known)
    (tmp_path / "corpora" / "yahoo").mkdir(parents=True)
    (tmp_path / "corpora" / "yahoo" / "yahoo.valid.txt").write_text("a\n")
    status, out, err = command("prepare_data", "--corpus=yahoo", "--dir=corpora")
    assert status == 2 and "yahoo.valid.txt: another edition" in err and "lacks" not in err
    status, out, err = command("prepare_data", "--corpus=yahoo", "--dir=corpora", "--accept_other_edition")
    assert status == 2 and f"the tested one {'0' * 64}; accepted" in out and "lacks yahoo.train.txt: ask for it" in err


def test_another_edition_is_an_error_unless_it_is_accepted(command, refuse, monkeypatch, archive, tmp_path):
    monkeypatch.setattr(prepare_data, "SOURCES", {"ptb": Source("free", {name: (of, "0" * 64) for name, (of, _) in FILES.items()})})
    arguments = ("prepare_data", "--corpus=ptb", f"--archive={archive}", "--dir=corpora")
    said = refuse(*arguments)
    assert "another edition: its sha256 is " in said and "0" * 64 in said and "--accept_other_edition" in said
    assert not list((tmp_path / "corpora").rglob("*.txt"))
    status, out, err = command(*arguments, "--accept_other_edition")
    assert status == 0 and out.count("; accepted") == 3 and "ptb: 2 / 2 / 2 texts" in out, err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--corpus=ptbb", "--dir=x"], "--corpus=ptbb: no such corpus, did you mean 'ptb'?"),
        (["--corpus=ptb"], "Name a folder with --dir or in $TFVAE_DATA_DIR"),
        (["--corpus=ptb,yahoo", "--dir=x", "--archive=a.zip"], "--archive is the archive of one corpus"),
        (["--corpus=ptb", "--dir=x", "--archive=none.zip"], "none.zip: no such file; name the archive in --archive"),
    ],
)
def test_a_mistake_is_one_line(refuse, sources, monkeypatch, arguments, message):
    monkeypatch.delenv("TFVAE_DATA_DIR", raising=False)
    assert message in refuse("prepare_data", *arguments)
