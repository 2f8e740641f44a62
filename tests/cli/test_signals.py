import signal
import subprocess
import sys

import pytest

STUCK = """
import atexit, os, signal, sys, time
from tfvae.cli import signals
from tfvae.cli.command import run_command

signals.PATIENCE = 1
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's background jobs ignore
atexit.register(time.sleep, 600)  # as threads that wait for each other
sys.argv = ["tfvae"]
run_command("Ends.", lambda values: None, lambda values: os.kill(os.getpid(), signal.{name}))
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_process_that_was_asked_to_end_does_so_whatever_is_stuck(name):
    outcome = subprocess.run([sys.executable, "-c", STUCK.format(name=name)], capture_output=True, text=True, timeout=120)
    assert outcome.returncode == -signal.SIGALRM
    assert outcome.stderr.startswith("error: interrupted" if name == "SIGINT" else "error: ended by SIGTERM")
