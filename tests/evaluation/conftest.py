import pytest

from tfvae.cli.model import SMOKE
from tfvae.data import corpora
from tfvae.data.tokenizers import learn_vocabulary
from tfvae.models.build import build_vae
from tfvae.models.registry import resolve
from tfvae.training.run import Run


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
