import pytest

from tfvae.registry import resolve

TINY = {
    "data.limit": 120,
    "data.batch_size": 20,
    "encoder.embedding_dim": 4,
    "encoder.hidden_dim": 4,
    "decoder.embedding_dim": 8,
    "decoder.hidden_dim": 8,
    "latent.dim": 2,
    "training.epochs": 3,
    "training.snapshot_sentences": 10,
}


@pytest.fixture
def tiny():
    """Makes a configuration that trains in seconds."""

    def make(model="dem_vae", **overrides):
        return resolve(model, "demo", base={**TINY, **{name.replace("__", "."): value for name, value in overrides.items()}})

    return make
