import pathlib
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def test_a_process_ends_when_its_starter_lets_go():
    code = "import time; from tuning.following import follow; follow(); print('on', flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout.readline() == b"on\n" and process.poll() is None
        process.stdin.write(b"anything")
        process.stdin.flush()
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(timeout=60) == 2 and b"the chief is gone" in process.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_chief(number, tmp_path):
    command = [sys.executable, "-m", "tfvae.cli.tune", "--smoke", "--workers=2", "--trials=50", f"--search={tmp_path / 's'}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as chief:
        children = pathlib.Path(f"/proc/{chief.pid}/task/{chief.pid}/children")
        end = time.monotonic() + 120
        while time.monotonic() < end and len(workers := children.read_text().split()) < 2:
            time.sleep(0.2)
        time.sleep(5)
        chief.send_signal(number)
        chief.wait(timeout=10)
    time.sleep(2)
    assert [state(worker) for worker in workers] == ["ended"] * 2


def state(process):
    """Whether a process runs; one that ended may wait for somebody to ask how."""
    try:
        line = pathlib.Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return "ended"
    return "ended" if line.rpartition(")")[2].split()[0] == "Z" else line
