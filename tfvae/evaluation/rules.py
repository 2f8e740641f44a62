"""Clusters that a line of code makes: what codes must beat to be worth a model."""

import collections
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from tfvae.evaluation.material import Material

COMMON = 20
"""Values of a token that are clusters of their own; all others are one."""
_OF_ORDER = ("last token", "first token")  # rules that say nothing of texts whose order is lost


def _question_mark(material: Material, size: int) -> np.ndarray:
    """Whether a token has a question mark in it."""
    return np.array([any("?" in word for word in text) for text in material.words[1]], np.int64)


def _last(material: Material, size: int) -> np.ndarray:
    """The last token, if it is one of the 20 that are most often last in training texts."""
    return _token(material, -1)


def _first(material: Material, size: int) -> np.ndarray:
    """The first token, if it is one of the 20 that are most often first in training texts."""
    return _token(material, 0)


def _length(material: Material, size: int) -> np.ndarray:
    """The number of tokens, in bins that have as many training texts each."""
    train, lengths = ([len(text) for text in texts] for texts in material.words)
    return np.searchsorted(np.unique(np.quantile(train, np.arange(1, size) / size)), lengths, side="right")


def _token(material: Material, place: int) -> np.ndarray:
    train, texts = ([text[place] if text else "" for text in some] for some in material.words)
    number = {token: i for i, (token, _) in enumerate(collections.Counter(train).most_common(COMMON))}
    return np.array([number.get(token, COMMON) for token in texts], np.int64)


RULES: Mapping[str, Mapping[str, Callable[[Material, int], np.ndarray]]] = {
    "word": {"question mark": _question_mark, "last token": _last, "first token": _first, "length": _length},
}
"""Clusters [N] of a split's examples, by the unit of an observation, and by name; a rule that has sizes is told how many to make."""


def rules(material: Material, size: int) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yields the name of each rule that suits the examples, what it is, and its clusters [N].

    Args:
      material: training examples and the split's.
      size: how many clusters a rule makes that can make any number.
    """
    for name, rule in RULES.get(material.subject.model.modality.unit, {}).items():
        if material.subject.corpus.ordered or name not in _OF_ORDER:
            yield f"rule: {name}", str(rule.__doc__), rule(material, size)
