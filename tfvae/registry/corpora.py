"""Settings that suit a corpus, whatever the model.

The defaults are those of PTB (Shi et al. 2020, section 4.1), with one posterior sample.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tfvae.config import DataConfig
from tfvae.data import corpora
from tfvae.data.corpus import Corpus

# An example's words without their order.
_DOCUMENTS: Mapping[str, Any] = {"encoder.kind": "bag_of_words", "decoder.kind": "bag_of_words"}
# 50 dimensions, perceptrons (Dieng et al. 2019, table 3), which train on a processor; --encoder=residual --decoder=pixel_cnn are their
# convolutional networks.
_IMAGES: Mapping[str, Any] = {
    "data.modality": "pixels",
    "data.batch_size": 50,
    "data.eval_batch_size": 50,
    "encoder.kind": "perceptron",
    "decoder.kind": "perceptron",
    "latent.variables": 5,
    "latent.components": 10,
    "latent.dim": 10,
    "training.clip_norm": 5.0,
}

_OWN_FILES: Mapping[str, Any] = {
    "data.split_punctuation": True,
    "encoder.embedding_dim": 256,
    "encoder.hidden_dim": 256,
    "decoder.embedding_dim": 256,
    "decoder.hidden_dim": 256,
    "latent.variables": 3,
    "latent.dim": 5,
    "latent.hidden_dim": 256,
}

CORPORA: dict[str, Mapping[str, Any]] = {
    "ptb": {},
    "demo": {
        "encoder.embedding_dim": 64,
        "encoder.hidden_dim": 128,
        "decoder.embedding_dim": 128,
        "decoder.hidden_dim": 128,
        "latent.variables": 2,
        "latent.components": 4,
        "latent.dim": 5,
        "latent.hidden_dim": 128,
        "objective.schedule.slope": 0.01,
        "objective.schedule.midpoint": 400,
        "training.epochs": 16,
    },
    # Turns of a conversation; 125 codes of three variables (Shi et al. 2020, section 4.1).
    "daily_dialog": {"data.lowercase": True, "latent.variables": 3, "latent.dim": 5},
    # A code an intent.
    "home_assistant": {**_OWN_FILES, "latent.variables": 1, "latent.components": 40},
    # 48 continuous dimensions, the sizes of its utterance encoder (Shi et al. 2020, section 4.1 and their code).
    "smd": {
        "data.lowercase": True,
        "data.split_punctuation": True,
        "encoder.embedding_dim": 200,
        "encoder.hidden_dim": 256,
        "latent.variables": 3,
        "latent.dim": 16,
    },
    # Documents of 80 tokens; 32 dimensions (Kim et al. 2018).
    "yahoo": {
        "data.vocabulary_size": 20_000,
        "data.train_max_length": 0,
        "data.batch_size": 32,
        "encoder.hidden_dim": 1024,
        "decoder.hidden_dim": 1024,
        "decoder.tied_embeddings": False,
        "latent.variables": 16,
        "latent.dim": 2,
    },
    # Bags of words: 50 dimensions (Miao et al. 2016), batches and network of Xu and Durrett 2018; a mixture of as many topics as groups.
    # Dropout and the slow fall of the learning rate were chosen by the perplexity of validation.
    "20ng": {
        **_DOCUMENTS,
        "encoder.dropout": 0.4,
        "data.batch_size": 50,
        "data.train_max_length": 0,
        "data.eval_max_length": 20_000,
        "latent.variables": 1,
        "latent.components": 20,
        "latent.dim": 50,
        "training.epochs": 200,
        "training.min_improvement": 3e-4,
        "training.patience": 15,
        "training.lr_patience": 5,
    },
    "mnist": _IMAGES,
    "omniglot": _IMAGES,
    **dict.fromkeys(corpora.FILES, _OWN_FILES),
    "shards": _OWN_FILES,
    "dialogues": {**_OWN_FILES, "data.context": 10},
}

BAGS = ("20ng",)
"""Corpora that come as counts of words: with a vocabulary of their own, and without the order of words."""


def register_corpus(name: str, read: Callable[[DataConfig], Corpus], settings: Mapping[str, Any]) -> None:
    """Makes a corpus of one's own known as `config.data.name`.

    Args:
      name: a new name.
      read: makes it.
      settings: fields of the configuration that suit it, by their path.

    Raises:
      ValueError: the name is taken.
    """
    if name in CORPORA:
        raise ValueError(f"the corpus {name!r} is there already")
    corpora.READERS[name] = read
    CORPORA[name] = settings
