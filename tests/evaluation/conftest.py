"""Subjects of evaluations: without a model, or with a tiny one that was not trained."""

import types

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import corpora
from tfvae.data.corpus import Corpus, Split
from tfvae.evaluation.material import Material
from tfvae.evaluation.subject import Subject
from tfvae.models.build import build_vae
from tfvae.models.model import Model
from tfvae.registry import resolve
from tfvae.registry.applicable import modality_of

TINY = {
    "data.limit": 40,
    "data.eval_batch_size": 40,
    "encoder.embedding_dim": 6,
    "encoder.hidden_dim": 8,
    "decoder.embedding_dim": 7,
    "decoder.hidden_dim": 7,
    "latent.hidden_dim": 4,
}


@pytest.fixture(scope="session")
def material():
    """Makes the material of training items and the split's, without a model; keywords are fields of the data's configuration."""

    def make(train, items, *, truth=((), ()), ordered=True, unit="word", **data):
        def split(items, classes):
            return Split(items, {"act": np.array(classes or [0] * len(items))}, "here", np.arange(len(items)) + 1)

        train, items = split(train, truth[0]), split(items, truth[1])
        subject = types.SimpleNamespace(
            corpus=Corpus("few", train, items, items, ordered=ordered),
            data=items,
            seed=0,
            config=types.SimpleNamespace(data=DataConfig(**data)),
            model=types.SimpleNamespace(modality=types.SimpleNamespace(unit=unit)),
            progress=lambda description, items, total: iter(items),
        )
        return Material(subject)

    return make


@pytest.fixture(scope="session")
def subject_of():
    """Makes the subject of a tiny untrained model on the demo; keywords are fields, with __ for a point."""

    def make(model, **settings):
        config = resolve(model, "demo", base={**TINY, **{name.replace("__", "."): value for name, value in settings.items()}})
        corpus = corpora.read(config.data)
        modality = modality_of(config).learn(corpus, config.data)
        return Subject(Model(modality, build_vae(config, modality.shape)), config, corpus, sentences=30)

    return make
