"""What all commands share."""

import logging
import pathlib
import subprocess
import sys

import pytest

from tfvae.cli.command import run_command
from tfvae.errors import UserError

COMMANDS = sorted(
    path.stem for path in (pathlib.Path(__file__).parents[2] / "scripts").glob("*.py") if path.stem not in ("benchmark", "scale", "torture")
)
LIGHT = """
import sys
sys.argv = ["tfvae", "--help"]
from tfvae.cli.{name} import main
main()
heavy = {{"tensorflow", "keras", "tensorflow_probability", "sklearn", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_that_takes_seconds(name):
    outcome = subprocess.run([sys.executable, "-c", LIGHT.format(name=name)], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert "--help: List the flags." in outcome.stdout and "--verbose" in outcome.stdout and not outcome.stderr


def test_no_message_of_tensorflow_s_is_seen_unless_it_is_asked_for(tmp_path):
    command = [sys.executable, "-m", "tfvae.cli.train", "--smoke", f"--run={tmp_path / 'run'}"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0 and not outcome.stderr, outcome.stderr
    command = [sys.executable, "-m", "tfvae.cli.generate", f"--run={tmp_path / 'run'}", "--verbose", "--num=1"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0 and "oneDNN" in outcome.stderr


def test_groups_of_figures_are_those_that_there_are():
    from tfvae.evaluation.groups import GROUPS
    from tfvae.evaluation.metrics import METRICS

    assert tuple(METRICS) == GROUPS


def test_no_control_character_of_a_text_reaches_the_terminal(monkeypatch, capfd):
    def say(values):
        print("text \x1b[31m\x9b2J\tüber")
        logging.getLogger("tfvae").warning("label \x1b]0;title\x07")
        raise UserError("column \x1b[2J")

    with pytest.raises(SystemExit):
        run_command("", lambda values: None, say, ["tfvae"])
    out, err = capfd.readouterr()
    assert out == "text \\u001b[31m\\u009b2J\tüber\n"
    assert "label \\u001b]0;title\\u0007\n" in err and "error: column \\u001b[2J\n" in err
    print("\x1b")
    assert capfd.readouterr().out == "\x1b\n"  # afterwards all is as it was
