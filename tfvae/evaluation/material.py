"""What baselines, rules and classifiers are fitted to and applied to, in the forms in which they read it."""

import functools

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import CountVectorizer

from tfvae.data.batching import spread
from tfvae.data.corpus import Split
from tfvae.data.vocabulary import split_words
from tfvae.evaluation.subject import Subject

FITTED = 20_000
"""Training examples, at most, that what is quick to fit is fitted to."""
_LARGE = 1000  # training texts from which on rare words are left out

Pair = tuple[scipy.sparse.csr_matrix, scipy.sparse.csr_matrix]
"""Of the training examples and of the split's: a row an example, the same columns."""


class Material:
    """Some training examples, spread over their split, and all of the split that is evaluated. Each form is made when it is first read.

    Attributes:
      subject: what is evaluated.
      train: the training examples.
      data: those of the split.
      seed: of what is drawn.
    """

    def __init__(self, subject: Subject, chosen: np.ndarray | None = None, data: Split | None = None) -> None:
        """Chooses the training examples, or takes those of the numbers `chosen`, int [M]; others than the split's may stand for them."""
        train = subject.corpus.train
        self.subject, self.seed, self.data = subject, subject.seed, subject.data if data is None else data
        self.train = train.take(spread(len(train), FITTED) if chosen is None else chosen)

    @functools.cached_property
    def large(self) -> bool:
        """Whether there are enough training texts to leave out words by how many have them."""
        return len(self.train) >= _LARGE

    @functools.cached_property
    def words(self) -> tuple[list[list[str]], list[list[str]]]:
        """The words of each training text and of each text of the split."""
        return self._words(self.train), self._words(self.data)

    @functools.cached_property
    def counts(self) -> Pair:
        """How often texts have each word, but for words that only one of a thousand training texts or more has."""
        return self.count(1)

    def count(self, neighbours: int) -> Pair:
        """Returns how often texts have each run of 1 to `neighbours` words, rare ones left out as in `counts`."""
        pairs = [[_runs(text, neighbours) for text in texts] for texts in self.words]
        counter = CountVectorizer(analyzer=list)
        if not any(pairs[0]):
            return tuple(scipy.sparse.csr_matrix((len(texts), 0), dtype=np.int64) for texts in pairs)  # type: ignore[return-value]
        train, data = counter.fit_transform(pairs[0]), counter.transform(pairs[1])
        kept = train.getnnz(axis=0) >= (2 if self.large else 1)
        return train[:, kept], data[:, kept]

    @functools.cached_property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """Intensities in [0, 1] of the training images and of those of the split, float32 [N, pixels]."""
        train, data = (np.asarray(split.items, np.float32).reshape(len(split), -1) / 255 for split in (self.train, self.data))
        return train, data

    @functools.cached_property
    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """Features that the model is given of the training examples and of those of the split, float32 [N, F]."""
        source = self.subject.model.modality.features  # type: ignore[attr-defined]
        return source.of_split(self.train), source.of_split(self.data)

    def _words(self, split: Split) -> list[list[str]]:
        data = self.subject.config.data
        words = split_words(split.items, lowercase=data.lowercase, split_punctuation=data.split_punctuation)
        return [[word.decode() for word in text] for text in words.to_list()]


def _runs(text: list[str], most: int) -> list[str]:
    """All runs of 1 to `most` words."""
    return [" ".join(text[i : i + size]) for size in range(1, most + 1) for i in range(len(text) - size + 1)]
