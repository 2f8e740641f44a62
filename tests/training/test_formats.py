"""Runs that earlier versions wrote, kept as they wrote them, with what those versions answered."""

import json
import pathlib
import shutil

import numpy as np
import pytest

import tfvae
from tfvae.config import Config
from tfvae.errors import UserError
from tfvae.training.fit import fit
from tfvae.training.formats import FORMAT, migrated
from tfvae.training.run import Run

STORED = pathlib.Path(__file__).parent / "formats"


@pytest.fixture(params=[str(number) for number in range(1, FORMAT)])
def stored(request, tmp_path):
    """A copy of a stored run, and what it answered."""
    shutil.copytree(STORED / request.param / "run", tmp_path / "run")
    return tmp_path / "run", json.loads((STORED / request.param / "expected.json").read_text())


def test_every_earlier_format_has_a_stored_run():
    assert {path.name for path in STORED.iterdir()} == {str(number) for number in range(1, FORMAT)}


def test_a_run_of_an_earlier_format_answers_as_it_did(stored):
    path, expected = stored
    model = tfvae.load(str(path))
    [(places, batch, _)] = model.modality.batches(expected["texts"], 256)
    assert sorted(places) == list(range(len(expected["texts"])))
    scored = {name: value.numpy()[np.argsort(places)] for name, value in model.vae.score({**batch, "index": places}, 20).items()}
    encoded = model.encode(expected["texts"])
    np.testing.assert_allclose(encoded["mean"], expected["mean"], rtol=1e-4, atol=1e-5)
    assert encoded["codes"].tolist() == expected["codes"]
    np.testing.assert_allclose(scored["elbo"], expected["elbo"], rtol=1e-4)
    np.testing.assert_allclose(scored["log_likelihood"], expected["log_likelihood"], rtol=1e-4)
    texts, codes = model.generate(4, component=[-1, 2], seed=3)
    assert codes.tolist() == expected["generated_codes"]
    assert texts == expected["generated"] and model.reconstruct(expected["texts"]) == expected["reconstructed"]


def test_a_run_of_an_earlier_format_goes_on(stored):
    path, _ = stored
    config = Run(path).config()
    done = config.training.epochs
    config.training.epochs = done + 1
    said = []
    fit(config, str(path), resume=True, say=said.append)
    assert f"resumed after epoch {done}" in said
    assert [line["epoch"] for line in Run(path).read_metrics()] == list(range(1, done + 2))
    assert json.loads((path / "config.json").read_text())["format"] == FORMAT


def test_a_configuration_of_this_format_stays_as_it_is():
    values = {"format": FORMAT, **Config().to_dict(), "versions": {}}
    assert migrated(values, "config.json") == values


@pytest.mark.parametrize(("version", "message"), [(FORMAT + 1, "install the version that wrote it"), ("x", "no number of a format")])
def test_what_no_version_here_wrote_is_an_error(stored, version, message):
    path, _ = stored
    values = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**values, "format": version}))
    with pytest.raises(UserError, match=message):
        Run(path).config()
