"""Fixtures that all tests share."""

import os
import pathlib

import pytest


@pytest.fixture(scope="session")
def data_dir() -> pathlib.Path:
    """The folder of real corpora: $TFVAE_DATA_DIR, or shared/data beside the repository; tests that need it are skipped without it."""
    beside = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = pathlib.Path(os.environ.get("TFVAE_DATA_DIR") or beside)
    if not folder.is_dir():
        pytest.skip(f"no corpora: {folder} is no folder; set TFVAE_DATA_DIR")
    return folder
