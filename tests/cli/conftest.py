"""Commands, run in this process."""

import importlib
import sys

import pytest


@pytest.fixture
def command(monkeypatch, capfd, tmp_path):
    """Runs a command in an empty directory: returns (status, standard output, standard error)."""

    def call(name, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"tfvae-{name}", *map(str, arguments)])
        try:
            importlib.import_module(f"tfvae.cli.{name}").main()
            status = 0
        except SystemExit as stop:
            status = stop.code
        out, err = capfd.readouterr()
        return status, out, err

    return call


@pytest.fixture
def refuse(command):
    """Checks that a command ends with status 2 and one line on standard error, and returns the line."""

    def call(name, *arguments):
        status, _, err = command(name, *arguments)
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert status == 2 and len(lines) == 1 and "Traceback" not in err, err
        return lines[0]

    return call
