import pytest

from tfvae.cli.model import SMOKE
from tfvae.registry import resolve
from tuning import search as module
from tuning.search import Search, settings_of
from tuning.trial import COMPLETED, Result


@pytest.fixture
def config():
    """Makes the configuration of a tiny model."""

    def make(model="dem_vae", **overrides):
        return resolve(
            model, "demo", overrides={name.replace("__", "."): value for name, value in overrides.items()}, base={**SMOKE, "data.limit": 60}
        )

    return make


@pytest.fixture
def prepare(tmp_path, config):
    """Makes a search of a tiny model."""

    def make(model="dem_vae", space="beta,components", objective="", *, name="search", resume=False, overwrite=False, **fields):
        settings, _ = settings_of(config(model), space, objective, **fields)
        return Search.prepare(tmp_path / name, settings, resume=resume, overwrite=overwrite)

    return make


@pytest.fixture
def trained(monkeypatch):
    """Puts a formula in the place of training: returns the list of the directories that it was computed for."""
    ran = []

    def run_trial(config, values, directory, protocol, *, runs, epochs=0, deadline=0.0, say=None):
        found = Result.load(directory)
        if found is not None:
            return found
        ran.append(directory.name if runs == directory else f"{directory.name} on {runs.name}")
        score = (float(values.get("beta", 0.0)) - 0.3) ** 2
        figures = {"log_perplexity": 1 + score, "use": float(values.get("beta", 0.0)), "mutual_information": 1.5}
        result = Result(COMPLETED, values, score, figures, epochs=epochs or protocol.epochs, seconds=1.0)
        result.save(directory)
        return result

    monkeypatch.setattr(module, "run_trial", run_trial)
    return ran
