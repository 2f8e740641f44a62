"""Fixtures that all tests share."""

import os
import pathlib

import pytest

from tfvae.cli.model import SMOKE
from tfvae.data import corpora
from tfvae.models.build import build_vae
from tfvae.registry import resolve
from tfvae.registry.applicable import modality_of
from tfvae.training.run import Run


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
        run, modality = Run(path), modality_of(config).learn(corpora.read(config.data), config.data)
        run.create(config)
        modality.save(run.path)
        build_vae(config, modality.shape).save_weights(run.weights_file)
        return run

    return make
