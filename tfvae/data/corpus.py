"""What a corpus is: three splits of texts with optional labels."""

import dataclasses
import types
from collections.abc import Mapping, Sequence

import numpy as np

SPLITS = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True)
class Split:
    """Texts in order, each with its labels and where it came from.

    Attributes:
      texts: one string an example, tokens separated by white space.
      labels: for each label name the class of every text, int32 [N].
      origin: where the texts come from, a file's path or the corpus's name.
      lines: for each text the line of `origin` it stands on, counted from 1, int64 [N].
      unit: what `lines` counts, where it is not lines, as in "dialogue".
    """

    texts: Sequence[str]
    labels: Mapping[str, np.ndarray]
    origin: str
    lines: np.ndarray
    unit: str = ""

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, index: np.ndarray) -> "Split":
        """Returns the texts of the given numbers, int [M], in their order."""
        labels = {name: classes[index] for name, classes in self.labels.items()}
        return Split([self.texts[i] for i in index], labels, self.origin, self.lines[index], self.unit)

    def head(self, limit: int) -> "Split":
        """Returns the first `limit` texts."""
        return self.take(np.arange(min(limit, len(self))))

    def where(self, index: int) -> str:
        """Returns "file:line" of a text, for messages."""
        return f"{self.origin}: {self.unit} {self.lines[index]}" if self.unit else f"{self.origin}:{self.lines[index]}"


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Training, validation and test splits.

    Attributes:
      name: the corpus's name.
      train: the split the vocabulary and the model are made from.
      valid: the split that selects an epoch.
      test: the split that figures are reported on.
      label_names: for each label the names of its classes, in the order of their numbers.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    label_names: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=lambda: types.MappingProxyType({}))

    def split(self, name: str) -> Split:
        """Returns the split called `name`, one of SPLITS."""
        return getattr(self, name)

    def head(self, limit: int) -> "Corpus":
        """Returns the first `limit` texts of each split."""
        return Corpus(self.name, self.train.head(limit), self.valid.head(limit), self.test.head(limit), self.label_names)
