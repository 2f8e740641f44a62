import contextlib
import hashlib
import http.server
import os
import threading

import pytest

from tfvae.data import corpora, sources
from tfvae.data.sources import SOURCES, Source
from tfvae.errors import UserError
from torture.places import ELSEWHERE, slip, tarred, zipped
from torture.workshop import Workshop

TEXT = b"one sentence\n"
SOURCE = Source(
    "free", {"train/a.txt": ("a_train.txt", hashlib.sha256(TEXT).hexdigest()), "b.txt": ("b.txt", "")}, "http://localhost/x.zip"
)


FILES = {"top/a_train.txt": TEXT, "top/b.txt": b"b", "__MACOSX/._a_train.txt": b"?", "top/other": b"?", "../../b.txt": b"evil"}


@pytest.mark.parametrize(
    "archive",
    [zipped(FILES), tarred(FILES), zipped({"top/inner.zip": zipped(FILES), "__MACOSX/._inner.zip": b"?"})],
    ids=["zip", "tgz", "zip in zip"],
)
def test_the_files_of_an_archive_come_to_their_places_and_no_others(tmp_path, archive):
    (tmp_path / "archive").write_bytes(archive)
    folder = tmp_path / "root" / "corpus"
    sources.unpack(SOURCE, str(tmp_path / "archive"), str(folder))
    files = {os.path.relpath(os.path.join(where, name), tmp_path) for where, _, names in os.walk(tmp_path) for name in names}
    assert files == {"archive", "root/corpus/train/a.txt", "root/corpus/b.txt"}
    assert ((folder / "train" / "a.txt").read_bytes(), (folder / "b.txt").read_bytes()) == (TEXT, b"b")
    [remark] = sources.verify(SOURCE, str(folder))
    assert "b.txt: its checksum was never recorded" in remark


def test_members_whose_names_lead_elsewhere_are_written_nowhere_else(tmp_path):
    outcome = slip(Workshop(tmp_path))
    assert (outcome.tried, outcome.broken) == (4 * len(ELSEWHERE), [])


def test_another_edition_is_refused_before_it_is_written_unless_it_is_accepted(tmp_path):
    (tmp_path / "archive").write_bytes(zipped({"a_train.txt": b"another", "b.txt": b"b"}))
    found, expected = hashlib.sha256(b"another").hexdigest(), hashlib.sha256(TEXT).hexdigest()
    said = f"train/a.txt: another edition: its sha256 is {found}, that of the tested one {expected}"
    with pytest.raises(UserError, match=f"{said}; get that one .*--accept_other_edition$"):
        sources.unpack(SOURCE, str(tmp_path / "archive"), str(tmp_path))
    assert not (tmp_path / "train").exists()
    sources.unpack(SOURCE, str(tmp_path / "archive"), str(tmp_path), accept_other_edition=True)
    with pytest.raises(UserError, match=said):
        sources.verify(SOURCE, str(tmp_path))
    assert sources.verify(SOURCE, str(tmp_path), accept_other_edition=True)[0] == f"{tmp_path}/{said}; accepted"


def test_a_file_may_have_several_tested_editions(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    both = f"{hashlib.sha256(TEXT).hexdigest()} {hashlib.sha256(b'x').hexdigest()}"
    assert sources.verify(Source("free", {"a": ("a", both)}), str(tmp_path)) == []


def test_a_file_that_is_there_and_differs_is_not_touched_unless_asked(tmp_path):
    (tmp_path / "archive").write_bytes(zipped(FILES))
    (tmp_path / "b.txt").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"b\.txt: is there and differs from the archive's; --overwrite replaces it"):
        sources.unpack(SOURCE, str(tmp_path / "archive"), str(tmp_path))
    assert (tmp_path / "b.txt").read_bytes() == b"mine"
    sources.unpack(SOURCE, str(tmp_path / "archive"), str(tmp_path), overwrite=True)
    assert (tmp_path / "b.txt").read_bytes() == b"b"
    sources.unpack(SOURCE, str(tmp_path / "archive"), str(tmp_path))  # the same


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (zipped({"a_train.txt": TEXT}), r"holds no b\.txt; is it the right archive"),
        (b"<html>not found</html>", "no zip or tar archive that can be read"),
        (zipped(FILES)[:-40], "no zip or tar archive that can be read"),
        (tarred({"a_train.txt": os.urandom(100_000), "b.txt": TEXT})[:50_000], "no zip or tar archive that can be read"),
        (b"", "no zip or tar archive that can be read"),
    ],
    ids=["lacks a file", "a web page", "cut zip", "cut tgz", "empty"],
)
def test_an_archive_that_cannot_be_read_is_an_error(tmp_path, archive, message):
    (tmp_path / "archive").write_bytes(archive)
    with pytest.raises(UserError, match=message):
        sources.unpack(SOURCE, str(tmp_path / "archive"), str(tmp_path / "corpus"))


def test_where_the_archive_is_the_file_itself_it_is_copied_as_it_is(tmp_path):
    data = zipped({"x.npy": TEXT})
    (tmp_path / "any.zip").write_bytes(data)
    source = Source("free", {"a.npz": ("", hashlib.sha256(data).hexdigest())})
    sources.unpack(source, str(tmp_path / "any.zip"), str(tmp_path / "corpus"))
    assert (tmp_path / "corpus" / "a.npz").read_bytes() == data and os.listdir(tmp_path / "corpus") == ["a.npz"]
    assert sources.verify(source, str(tmp_path / "corpus")) == []
    (tmp_path / "any.zip").write_bytes(TEXT)
    with pytest.raises(UserError, match=r"a\.npz: is there and differs from the archive's; --overwrite replaces it"):
        sources.unpack(source, str(tmp_path / "any.zip"), str(tmp_path / "corpus"), accept_other_edition=True)
    with pytest.raises(UserError, match=r"none\.npz: no such file; name the archive in --archive"):
        sources.unpack(source, str(tmp_path / "none.npz"), str(tmp_path / "corpus"))


def test_a_file_larger_than_any_corpus_is_not_taken_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_LARGEST", 1 << 20)
    (tmp_path / "a.npz").write_bytes(bytes(3 << 20))
    with pytest.raises(UserError, match=r"a\.npz: 3 MiB, more than the 1 of any corpus here; is it the right file"):
        sources.unpack(Source("free", {"a.npz": ("", "")}), str(tmp_path / "a.npz"), str(tmp_path / "corpus"))


def test_a_corpus_whose_archive_is_a_file_has_no_other():
    assert all(len(source.files) == 1 for source in SOURCES.values() if any(not name for name, _ in source.files.values()))


def test_every_corpus_of_files_that_comes_from_elsewhere_is_here():
    assert set(SOURCES) == set(corpora.names()) - {"demo", "shards", *corpora.FILES}
    assert all(source.licence and bool(source.address) != bool(source.by_hand) for source in SOURCES.values())


@contextlib.contextmanager
def server(answer):
    """A server on loopback that answers every request with `answer(handler)`; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/archive.zip"
        listening.shutdown()


def send(handler, body, length):
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    handler.wfile.write(body)


def test_an_archive_is_fetched_and_its_progress_told(tmp_path):
    body, told = os.urandom(3_000_000), []
    with server(lambda handler: send(handler, body, len(body))) as address:
        sources.fetch(Source("", {}, address), str(tmp_path / "x"), lambda *progress: told.append(progress))
    assert (tmp_path / "x").read_bytes() == body
    assert told[-1] == (3_000_000, 3_000_000)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda handler: handler.send_error(404), "the server answers 404 Not Found; on a machine without network"),
        (lambda handler: send(handler, b"x" * 1000, 2000), "the connection ended after 1000 of 2000 bytes|IncompleteRead"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n"), "cannot be fetched: BadStatusLine"),
    ],
)
def test_a_server_that_does_not_answer_well_is_an_error(tmp_path, answer, message):
    with server(answer) as address, pytest.raises(UserError, match=message):
        sources.fetch(Source("", {}, address), str(tmp_path / "x"))


def test_without_network_the_message_says_what_to_do(tmp_path):
    with server(lambda handler: None) as address:
        pass
    with pytest.raises(UserError, match=r"cannot be fetched: .*; on a machine without network, fetch it elsewhere .*--archive"):
        sources.fetch(Source("", {}, address), str(tmp_path / "x"))


@pytest.mark.parametrize("name", SOURCES)
def test_the_corpora_that_figures_were_made_with_are_those_of_the_sources(data_dir, name):
    folder = data_dir / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    assert sources.verify(SOURCES[name], str(folder)) == []
