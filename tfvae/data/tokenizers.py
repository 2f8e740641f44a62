"""From the settings of a corpus to its vocabulary."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus
from tfvae.data.vocabulary import Vocabulary
from tfvae.tokens import EOS, UNK

log = logging.getLogger("tfvae")
_LOOKED_AT = 1000  # texts
_MOST, _LONG = 0.5, 8  # share of texts or words, and characters of a word, that say so

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
      data: how they are split, and how many words there are, or whose they are.
      closed: the words that the corpus comes with; then nothing is learnt of whole words.

    Raises:
      UserError: no token is left, or the size is too small for the texts.
    """
    kind = vocabulary_class(data.tokenizer)
    if data.vocabulary:
        path = os.path.expanduser(data.vocabulary)
        return load_vocabulary(os.path.join(path, "vocabulary.txt") if os.path.isdir(path) else path, data)
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


def warn_of_words(corpus: Corpus, vocabulary: Vocabulary) -> None:
    """Logs that most texts are a single long word, or that most words of validation are unknown: whole words do not suit such texts."""
    if type(vocabulary) is not Vocabulary:
        return
    train, valid = (_some(split.items) for split in (corpus.train, corpus.valid))
    words = vocabulary.split_words(train)
    length = tf.strings.length(words.flat_values, unit="UTF8_CHAR").numpy()
    single = float(np.mean(words.row_lengths().numpy() == 1))
    if single > _MOST and len(length) and length.mean() > _LONG:
        log.warning(
            "%s: %.0f %% of the texts are one word, of %.0f characters on average: for a script without spaces, or without white space "
            "between words, take --tokenizer=wordpiece",
            corpus.train.origin,
            100 * single,
            length.mean(),
        )
        return
    ids = vocabulary.tokenize(valid).flat_values.numpy()
    unknown = float(np.sum(ids == UNK) / max(1, np.sum(ids != EOS)))
    if unknown > _MOST:
        log.warning(
            "%s: %.0f %% of the words of validation are unknown to training: give more texts, or take --tokenizer=wordpiece, "
            "--config.data.lowercase=true or a larger --config.data.vocabulary_size",
            corpus.valid.origin,
            100 * unknown,
        )


def _some(texts: Sequence[str]) -> tf.Tensor:
    """Texts evenly spread."""
    return tf.constant([texts[i] for i in np.unique(np.linspace(0, len(texts) - 1, min(len(texts), _LOOKED_AT)).astype(int))])
