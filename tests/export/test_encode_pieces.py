"""Files encoded by workers: the parts, one after the other, are what one process writes."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from benchmarks.large.watched import descendants, works
from tfvae.data.pieces import pieces_of
from tfvae.errors import UserError
from tfvae.export.encode_file import encode_file
from tfvae.export.encode_pieces import encode_pieces
from tfvae.training.fit import load

ENGINES = [pytest.param("local", marks=pytest.mark.slow)] + [
    pytest.param(name, marks=[pytest.mark.slow, pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"no {module}")])
    for name, module in (("spark", "pyspark"), ("ray", "ray"), ("beam", "apache_beam"))
]


@pytest.fixture(scope="module")
def run(untrained, tmp_path_factory):
    return str(untrained(tmp_path_factory.mktemp("runs") / "dem_vae", "dem_vae").path)


def write(path, count):
    path.write_text(
        "".join(f"the train number {i} was {'slow' if i % 3 else 'late again'} .\n" + "\n" * (i % 7 == 0) for i in range(count))
    )
    return path


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("size", [1, 7, 30, 1000, 10**6])
@pytest.mark.parametrize("text", ["", "\n", "a", "a\nbb\n\nccc", "a\r\nb\n" * 40, "x" * 500 + "\ny\n"])
def test_pieces_are_the_lines_of_the_files_once_each(tmp_path, text, size):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    for path in paths:
        path.write_bytes(text.encode())
    pieces = pieces_of(list(map(str, paths)), size)
    assert [piece.number for piece in pieces] == list(range(len(pieces)))
    for path in paths:
        found = [line for piece in pieces if piece.path == str(path) for line in piece.lines()]
        assert found == list(enumerate(text.encode().splitlines(keepends=True), 1))
    if size == 1:
        assert len(pieces) == 2 * text.count("\n") + 2 * bool(text and not text.endswith("\n"))


def test_numbers_of_lines_go_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("tfvae.data.pieces._BLOCK", 10)
    (tmp_path / "a.txt").write_text("".join(f"{i}\n" for i in range(1000)))
    pieces = pieces_of([str(tmp_path / "a.txt")], 999)
    assert len(pieces) > 3
    assert [(number, int(line) + 1) for piece in pieces for number, line in piece.lines()] == [(i, i) for i in range(1, 1001)]


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_are_what_one_process_writes(engine, run, tmp_path):
    sources = [write(tmp_path / "one.txt", 100), write(tmp_path / "two.txt", 41)]
    report = encode_pieces(run, list(map(str, sources)), str(tmp_path / "parts"), engine=engine, workers=2, piece_bytes=1500)
    model, expected = load(run), []
    for source in sources:
        whole = encode_file(model, str(source), str(tmp_path / "whole.jsonl"))
        expected += read(tmp_path / "whole.jsonl")
    parts = sorted((tmp_path / "parts").glob("part-*.jsonl"))
    found = [line for part in parts for line in read(part)]
    assert len(parts) > 3 and report.encoded == len(expected) == 141 and whole.encoded == 41
    for own, other in zip(found, expected, strict=True):
        assert {name: own[name] for name in ("line", "text", "codes")} == {name: other[name] for name in ("line", "text", "codes")}
        assert own["mean"] == pytest.approx(other["mean"], rel=1e-4, abs=1e-5)
    assert "21 lines" in report.lines()[0] and "are blank: skipped" in report.lines()[0]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES[:-1])  # Beam's runner of one machine ends where a worker does
def test_a_worker_that_is_killed_loses_no_line_and_doubles_none(engine, run, tmp_path):
    source, before = write(tmp_path / "texts.txt", 4000), descendants(os.getpid())
    killed = []

    def kill():
        give_up = time.monotonic() + 200
        while not killed and time.monotonic() < give_up:
            if list((tmp_path / "parts").glob("part-*.jsonl")):
                busy = [child for child in descendants(os.getpid()) - before if works(child)]
                if busy:
                    os.kill(busy[0], signal.SIGKILL)
                    killed.append(busy[0])
            time.sleep(0.01)

    thread = threading.Thread(target=kill)
    thread.start()
    encode_pieces(run, [str(source)], str(tmp_path / "parts"), engine=engine, workers=2, piece_bytes=4000, batch_size=16)
    thread.join()
    assert killed
    encode_file(load(run), str(source), str(tmp_path / "whole.jsonl"))
    found = [line for part in sorted((tmp_path / "parts").glob("part-*.jsonl")) for line in read(part)]
    expected = read(tmp_path / "whole.jsonl")
    assert [(line["line"], line["codes"]) for line in found] == [(line["line"], line["codes"]) for line in expected]


def test_a_job_goes_on_and_another_one_is_refused(run, tmp_path, caplog):
    source, parts, said = write(tmp_path / "texts.txt", 60), tmp_path / "parts", []
    options = {"piece_bytes": 700, "workers": 1}
    encode_pieces(run, [str(source)], str(parts), **options)
    whole = [part.read_text() for part in sorted(parts.glob("part-*"))]
    (parts / "part-000001.jsonl").unlink()
    encode_pieces(run, [str(source)], str(parts), **options, say=said.append)
    assert said[0] == f"{len(whole) - 1} of {len(whole)} parts are there already"
    assert [part.read_text() for part in sorted(parts.glob("part-*"))] == whole
    with pytest.raises(UserError, match="the parts of another job"):
        encode_pieces(run, [str(source)], str(parts), **{**options, "piece_bytes": 800})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").touch()
    with pytest.raises(UserError, match="holds something else"):
        encode_pieces(run, [str(source)], str(tmp_path / "mine"), **options)


def test_what_cannot_be_encoded_is_said_before_anything_is_written(run, tmp_path, refuse):
    (tmp_path / "empty.txt").touch()
    own = ["--run", run, "--output", str(tmp_path / "parts"), "--workers=2"]
    assert "no such file" in refuse("encode", *own, "--input", str(tmp_path / "absent.txt"))
    assert "no line holds any text" in refuse("encode", *own, "--input", str(tmp_path / "empty.txt"))
    assert "take a table's texts out first" in refuse("encode", *own, "--input", str(tmp_path / "empty.txt"), "--text_column=a")
    assert "workers need --run, --input and --output" in refuse("encode", "--workers=2", "--run", run)
    assert not (tmp_path / "parts").exists()


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="PySpark is there")
def test_an_engine_that_is_not_installed_is_named(run, tmp_path, refuse):
    source = write(tmp_path / "texts.txt", 3)
    said = refuse("encode", "--run", run, "--input", str(source), "--output", str(tmp_path / "parts"), "--engine=spark")
    assert "pip install 'tfvae[spark]'" in said


@pytest.mark.slow
def test_the_command_writes_parts(run, tmp_path):
    source = write(tmp_path / "texts.txt", 30)
    command = [sys.executable, "-m", "tfvae.cli.encode", f"--run={run}", f"--input={source}", f"--output={tmp_path / 'parts'}"]
    done = subprocess.run([*command, "--workers=2", "--parts=npz"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("30 texts into "), done.stderr
    assert [path.name for path in sorted((tmp_path / "parts").glob("*"))] == ["job.json", "part-000000.npz"]
