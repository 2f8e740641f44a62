"""The page that adds a kind of example, executed as a reader would."""

import pathlib
import re

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

import tfvae
from tfvae.config.rules import KINDS
from tfvae.data import corpora
from tfvae.evaluation.evaluate import evaluate, figures_of
from tfvae.export.saved_model import export
from tfvae.registry.corpora import CORPORA
from tfvae.registry.parts import DECODERS, ENCODERS, MODALITIES
from tfvae.reports.report import report

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "modalities.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The names that the page's blocks leave, and the folder it ran in."""
    folder, names = tmp_path_factory.mktemp("page"), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in BLOCKS:
            exec(block, names)
        yield names, folder
    for table in (MODALITIES, ENCODERS, DECODERS):
        table.pop("letters", None)
    for name in ("data.modality", "encoder.kind", "decoder.kind"):
        KINDS[name].remove("letters")
    CORPORA.pop("pieces", None)
    corpora.READERS.pop("pieces", None)


def test_a_kind_of_example_with_its_networks_is_less_than_80_lines():
    lines = [line for block in BLOCKS[:2] for line in block.splitlines() if line.strip()]
    assert len(lines) < 80


def test_its_codes_find_the_families(made):
    names, folder = made
    model, test = names["model"], names["read"](names["tfvae"].resolve("dem_vae", "pieces").data).test
    codes = model.encode(test.items)["codes"][:, 0]
    assert adjusted_mutual_info_score(test.labels["family"], codes) > 0.5
    loaded = tfvae.load(str(folder / "runs" / "pieces"))
    np.testing.assert_array_equal(loaded.encode(test.items)["mean"], model.encode(test.items)["mean"])


def test_it_is_evaluated_reported_and_exported(made, tmp_path):
    _, folder = made
    run = str(folder / "runs" / "pieces")
    answer = evaluate(run, samples=5, sentences=20)
    figures = {figure.name: figure.value for figure in figures_of(answer)}
    assert figures["letters"] == 24 * 200 and 0 < figures["bits_per_dimension_bound"] < 2
    assert report(run).exists()
    assert (export(run, str(tmp_path)) / "saved_model.pb").exists()
