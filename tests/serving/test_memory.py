import pathlib

import pytest

from tfvae.cli.model import SMOKE
from tfvae.export.saved_model import export
from tfvae.export.settings import Settings
from tfvae.registry import resolve
from tfvae.serving.limits import Limits
from tfvae.serving.memory import give_back_memory
from tfvae.serving.runtime import ExportedModel
from tfvae.training.fit import fit


@pytest.mark.slow
def test_versions_that_come_and_go_leave_no_memory_behind(tmp_path):
    statm = pathlib.Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("only Linux says how much memory a process has")
    config = resolve("dem_vae", "demo", base={**SMOKE, "data.limit": 100, "training.epochs": 1})
    fit(config, str(tmp_path / "run"), say=lambda line: None)
    path = export(str(tmp_path / "run"), str(tmp_path / "models"), settings=Settings(samples=5, steps=3, max_length=10))
    pages = []
    for _ in range(22):
        model = ExportedModel(path, Limits())
        model.warm_up()
        del model
        give_back_memory()
        pages.append(int(statm.read_text().split()[1]))
    # loaded eagerly, each version would leave some 200 MB
    assert (pages[-1] - pages[1]) * 4096 < 20 * 10e6
