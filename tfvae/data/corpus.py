"""What a corpus is: three splits of items, such as texts or images, with optional labels."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.data.packed import taken

SPLITS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class Split:
    """Items in order, each with its labels and where it came from.

    Attributes:
      items: an example each: N strings, tokens separated by white space, or an array [N, ...] of images and the like.
      labels: for each label name the class of every item, int32 [N].
      origin: where the items come from, a file's path or the corpus's name.
      lines: for each item the line of `origin` it stands on, counted from 1, int [N].
      unit: what `lines` counts, where it is not lines, as in "dialogue".
      features: of the items, [N, F], where they come with some from memory.
    """

    items: Any
    labels: Mapping[str, np.ndarray]
    origin: str
    lines: np.ndarray
    unit: str = ""
    features: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.items)

    def take(self, index: np.ndarray) -> "Split":
        """Returns the items of the given numbers, int [M], in their order."""
        labels = {name: classes[index] for name, classes in self.labels.items()}
        features = None if self.features is None else self.features[index]
        return Split(taken(self.items, index), labels, self.origin, self.lines[index], self.unit, features)

    def head(self, limit: int) -> "Split":
        """Returns the first `limit` items."""
        return self.take(np.arange(min(limit, len(self))))

    def hold_out(self, share: float, seed: int) -> tuple["Split", "Split"]:
        """Returns a share of the items, one at least, drawn by the seed, and the others; both in their order."""
        order = np.random.default_rng(seed).permutation(len(self))
        held, rest = np.split(order, [max(1, int(len(self) * share))])
        return self.take(np.sort(held)), self.take(np.sort(rest))

    def where(self, index: int) -> str:
        """Returns "file:line" of an item, for messages."""
        return f"{self.origin}: {self.unit} {self.lines[index]}" if self.unit else f"{self.origin}:{self.lines[index]}"


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Training, validation and test splits.

    Attributes:
      name: the corpus's name.
      train: the split the model is made from, and its vocabulary.
      valid: the split that selects an epoch.
      test: the split that figures are reported on.
      label_names: for each label the names of its classes, in the order of their numbers.
      ordered: whether the words of an item are in the order of the text.
      words: the words that the corpus comes with, in order, where its vocabulary is closed; empty where it is learnt.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    label_names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=lambda: types.MappingProxyType({}))
    words: Sequence[str] = ()
    ordered: bool = True

    def split(self, name: str) -> Split:
        """Returns the split called `name`, one of SPLITS."""
        return getattr(self, name)

    def head(self, limit: int) -> "Corpus":
        """Returns the first `limit` items of each split."""
        train, valid, test = (self.split(name).head(limit) for name in SPLITS)
        return dataclasses.replace(self, train=train, valid=valid, test=test)
