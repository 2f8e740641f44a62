"""What tests of baselines, rules and classifiers share."""

import types

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus, Split
from tfvae.evaluation.material import Material


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
