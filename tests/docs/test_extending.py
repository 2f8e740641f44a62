"""The page that adds a family, executed as a reader would."""

import pathlib
import re

import numpy as np

import tfvae
from tfvae.registry.families import FAMILIES

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "extending.md"


def test_the_page_runs_and_its_family_trains_saves_and_loads(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 3
    names: dict = {}
    try:
        for block in blocks:
            exec(block, names)
        model, loaded = names["model"], tfvae.load("runs/unit_gaussian")
        texts = ["is this soup fresh ?"]
        np.testing.assert_array_equal(loaded.encode(texts)["mean"], model.encode(texts)["mean"])
        assert type(loaded.vae.latent.family).__name__ == "UnitGaussian"
    finally:
        FAMILIES.pop("unit_gaussian", None)
    assert "[" in capsys.readouterr().out
