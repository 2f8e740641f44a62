"""Fixtures that all tests share."""

import os
import pathlib

import pytest

from tfvae.cli.model import SMOKE
from tfvae.data import corpora
from tfvae.data.tokenizers import learn_vocabulary
from tfvae.models.build import build_vae
from tfvae.models.registry import resolve
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
        run, vocabulary = Run(path), learn_vocabulary(corpora.read(config.data).train.texts, config.data)
        run.create(config)
        vocabulary.save(run.vocabulary_file)
        build_vae(config, vocabulary.size).save_weights(run.weights_file)
        return run

    return make
