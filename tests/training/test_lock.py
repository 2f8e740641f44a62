import fcntl
import os
import signal
import socket
import subprocess
import sys

import pytest

from tfvae.errors import UserError
from tfvae.registry import resolve
from tfvae.training import lock
from tfvae.training.fit import fit
from tfvae.training.lock import FILE, Held, writing
from tfvae.training.run import Run

HOLD = """
import pathlib, sys
from tfvae.training.lock import writing
with writing(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
WAIT = """
import pathlib, sys
from tfvae.training.lock import writing
print("waits", flush=True)
with writing(pathlib.Path(sys.argv[1]), wait=True):
    print("has it", flush=True)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that writes into the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_told_who_writes_and_a_killed_one_lets_go(tmp_path, holder):
    told = rf"held by another process \(process {holder.pid} on {socket.gethostname()}\): wait until it is done"
    with pytest.raises(Held, match=told), writing(tmp_path):
        pytest.fail("two write at once")
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / FILE).exists()
    with writing(tmp_path):
        assert (tmp_path / FILE).read_text() == f"process {os.getpid()} on {socket.gethostname()}\n"
    assert not (tmp_path / FILE).exists()


def test_who_waits_writes_when_the_one_before_is_done(tmp_path, holder):
    waiting = subprocess.Popen([sys.executable, "-c", WAIT, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert waiting.stdout.readline() == "waits\n"
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        holder.send_signal(signal.SIGKILL)
        assert waiting.communicate(timeout=60)[0] == "has it\n" and not (tmp_path / FILE).exists()
    finally:
        waiting.kill()


def test_training_does_not_write_into_a_run_that_another_process_trains(tiny, tmp_path, holder):
    Run(tmp_path).create(tiny())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for how in ({"resume": True}, {"overwrite": True}, {}):
        with pytest.raises(UserError, match="is held by another process"):
            fit(tiny(), str(tmp_path), say=lambda line: None, **how)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_file_that_is_taken_away_by_the_one_before_is_not_relied_on(tmp_path, monkeypatch):
    flock, first = fcntl.flock, []

    def late(file, operation):
        flock(file, operation)
        if not first:
            first.append(file)
            (tmp_path / FILE).unlink()

    monkeypatch.setattr(lock.fcntl, "flock", late)
    with writing(tmp_path):
        monkeypatch.undo()
        with pytest.raises(Held), writing(tmp_path):
            pass


@pytest.mark.parametrize("error", [OSError(95, "not supported"), OSError(37, "no locks available")])
def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch, error):
    def unsupported(*_):
        raise error

    monkeypatch.setattr(lock.fcntl, "flock", unsupported)
    with writing(tmp_path), Run(tmp_path / "run").writing(resolve("vae")):
        pass
    assert Run(tmp_path / "run").config() == resolve("vae")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.json"]


def test_where_no_file_can_be_made_nobody_is_kept_out(tmp_path):
    (tmp_path / FILE).mkdir()
    with writing(tmp_path), writing(tmp_path), writing(tmp_path / "none"):
        pass
