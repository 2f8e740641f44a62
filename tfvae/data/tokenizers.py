"""From the settings of a corpus to its vocabulary."""

import os
from collections.abc import Sequence

from tfvae.config import DataConfig
from tfvae.data.vocabulary import Vocabulary


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
        return Vocabulary(closed, data.lowercase, data.split_punctuation)
    return kind.from_texts(
        texts, size=data.vocabulary_size, min_count=data.min_count, lowercase=data.lowercase, split_punctuation=data.split_punctuation
    )


def load_vocabulary(path: str | os.PathLike[str], data: DataConfig) -> Vocabulary:
    """Reads the vocabulary that was saved for these settings.

    Raises:
      UserError: the file cannot be read or is not a vocabulary.
    """
    return vocabulary_class(data.tokenizer).load(path, lowercase=data.lowercase, split_punctuation=data.split_punctuation)
