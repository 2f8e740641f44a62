"""From the settings of a corpus to its vocabulary."""

import os
from collections.abc import Sequence
from typing import Any

from tfvae.config import DataConfig
from tfvae.data.vocabulary import Vocabulary

READING = ("lowercase", "split_punctuation", "unicode")
"""Fields of `DataConfig` that say how texts become words."""


def vocabulary_class(tokenizer: str) -> type[Vocabulary]:
    """Returns the class for `config.data.tokenizer`; TensorFlow Text is imported only for the one that needs it."""
    if tokenizer == "wordpiece":
        from tfvae.data.wordpiece import WordpieceVocabulary

        return WordpieceVocabulary
    return Vocabulary


def learn_vocabulary(texts: Sequence[str], data: DataConfig, *, closed: Sequence[str] = ()) -> Vocabulary:
    """Makes the vocabulary of training texts.

    Args:
      texts: the training texts.
      data: how they are split, and how many words there are.
      closed: the words that the corpus comes with; then nothing is learnt of whole words.

    Raises:
      UserError: no token is left, or the size is too small for the texts.
    """
    kind = vocabulary_class(data.tokenizer)
    if closed and kind is Vocabulary:
        return Vocabulary(closed, **_reading(data))
    return kind.from_texts(texts, size=data.vocabulary_size, min_count=data.min_count, **_reading(data))


def load_vocabulary(path: str | os.PathLike[str], data: DataConfig) -> Vocabulary:
    """Reads the vocabulary that was saved for these settings.

    Raises:
      UserError: the file cannot be read or is not a vocabulary.
    """
    return vocabulary_class(data.tokenizer).load(path, **_reading(data))


def _reading(data: DataConfig) -> dict[str, Any]:
    return {name: getattr(data, name) for name in READING}
