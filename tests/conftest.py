"""Fixtures that all tests share."""

import importlib
import os
import pathlib
import sys

import pytest

from tfvae.cli.model import SMOKE
from tfvae.data import corpora
from tfvae.models.build import build_vae
from tfvae.models.labels import save_labels
from tfvae.registry import resolve
from tfvae.registry.applicable import modality_of
from tfvae.training.run import Run
from tfvae.training.supervision import supervision_of


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    """The folder of real corpora: $TFVAE_DATA_DIR, or shared/data beside the repository; tests that need it are skipped without it."""
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("TFVAE_DATA_DIR") or beside)
    if not folder.is_dir():
        pytest.skip(f"no corpora: {folder} is no folder; set TFVAE_DATA_DIR")
    return folder


@pytest.fixture(scope="session")
def untrained():
    """Makes a run directory of an untrained tiny model; keywords are fields, with __ for a point."""

    def make(path, model, **fields):
        overrides = {name.replace("__", "."): value for name, value in fields.items()}
        config = resolve(model, "demo", overrides=overrides, base={**SMOKE, "data.limit": 100, "training.epochs": 1})
        corpus = corpora.read(config.data)
        run, modality = Run(path), modality_of(config).learn(corpus, config.data)
        run.create(config)
        modality.save(run.path)
        if labels := supervision_of(config, corpus).labels:
            save_labels(labels, run.path)
        build_vae(config, modality.shape).save_weights(run.weights_file)
        return run

    return make


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
