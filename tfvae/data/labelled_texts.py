"""From texts that a user has, with labels or none, to a corpus."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.files import WHITE_SPACE
from tfvae.data.packed import PackedTexts, taken
from tfvae.errors import UserError, listed

log = logging.getLogger("tfvae")
LABEL = "label"
"""The name of labels that have no other."""
NO_LABEL = "(none)"
"""The class of a text that has no label where others have one."""
_OWN_LABELS = 0.5  # share of texts with a class of their own above which labels are taken for texts
_FEW = 20  # texts below which that says nothing


@dataclasses.dataclass(frozen=True)
class LabelledTexts:
    """A file, a part of one, or a column.

    Attributes:
      texts: N of them.
      labels: for each label name the name of every text's class.
      origin: where they come from, a file's path or "texts".
      lines: for each text the line of `origin` it stands on, counted from 1, int64 [N].
      unit: what `lines` counts, where it is not lines, as in "row".
      features: of the texts, [N, F], where they come with some from memory.
    """

    texts: Sequence[str]
    labels: Mapping[str, Sequence[str]]
    origin: str
    lines: np.ndarray
    unit: str = ""
    features: np.ndarray | None = None

    @classmethod
    def of_rows(cls, texts: Sequence[str | None], labels: Mapping[str, Sequence[Any]], origin: str, unit: str = "row") -> "LabelledTexts":
        """Makes them of columns; rows without a text are skipped, and logged, and a missing label is a class.

        Args:
          texts: N of them, some perhaps blank; packed ones are stripped.
          labels: for each label name N values, of which any may be missing.
          origin: where they come from.
          unit: what is counted, in the order of the columns from 1.

        Raises:
          UserError: no row has a text.
        """
        stripped: Sequence[str]
        if isinstance(texts, PackedTexts):
            stripped, kept = texts, np.flatnonzero(texts.length)
        else:
            stripped = [(text or "").strip(WHITE_SPACE) for text in texts]
            kept = np.flatnonzero([bool(text) for text in stripped])
        if not len(kept):
            raise UserError(f"{origin}: no {unit} holds any text")
        if lost := len(stripped) - len(kept):
            blank = listed(number for number, text in enumerate(stripped, 1) if not text)
            log.warning("%s: %d %ss have no text and are skipped: %s", origin, lost, unit, blank)
        known: dict[str, str] = {}  # so that a class is in memory once
        named = {name: [known.setdefault(found, found) for found in map(class_name, values)] for name, values in labels.items()}
        made = cls(stripped, named, origin, np.arange(1, len(stripped) + 1), unit)
        return made.take(kept) if lost else made

    def take(self, index: np.ndarray) -> "LabelledTexts":
        """Returns the texts of the given numbers, int [M], in their order."""
        labels = {name: [classes[i] for i in index] for name, classes in self.labels.items()}
        features = None if self.features is None else self.features[index]
        return dataclasses.replace(self, texts=taken(self.texts, index), labels=labels, lines=self.lines[index], features=features)


def class_name(value: Any) -> str:
    """Returns the name of a class, of whatever stands for it; `NO_LABEL` where nothing does."""
    missing = value is None or value == "" or value != value
    return NO_LABEL if missing else str(value)


def corpus_of(parts: Mapping[str, LabelledTexts], data: DataConfig) -> Corpus:
    """Makes a corpus; splits that are not given are drawn from the training texts.

    Args:
      parts: by the split's name, "train" at least.
      data: the corpus's name, the fractions to split off and their seed.

    Returns:
      a corpus whose classes are the sorted names over all splits.

    Raises:
      UserError: some parts have a label that others lack, or there are too few texts.
    """
    parts = dict(parts)
    for part in parts.values():
        if part.labels.keys() != parts["train"].labels.keys():
            have, lack = (part, parts["train"]) if part.labels.keys() - parts["train"].labels.keys() else (parts["train"], part)
            raise UserError(f"{have.origin} has labels, {lack.origin} has none: label all files or none")
    parts |= _split_off(parts["train"], {name: getattr(data, f"{name}_fraction") for name in ("test", "valid") if name not in parts}, data)
    classes = {name: sorted({found for part in parts.values() for found in part.labels[name]}) for name in parts["train"].labels}
    _check_labels(parts, classes)
    train, valid, test = (_to_split(parts[name], classes) for name in SPLITS)
    return Corpus(data.name, train, valid, test, classes)


def _split_off(part: LabelledTexts, fractions: Mapping[str, float], data: DataConfig) -> dict[str, LabelledTexts]:
    """Returns the splits of the given fractions, and what they leave of the training texts, each in the texts' order.

    The test split comes first, so that it is the same whether or not validation has a file.
    """
    total = len(part.texts)
    if total <= len(fractions):
        files = " and ".join(f"config.data.{name}_file" for name in fractions)
        raise UserError(
            f"{part.origin}: too few sentences: {total}, at least {len(fractions) + 1} needed to split off {' and '.join(fractions)}; "
            f"add sentences or name {files}"
        )
    order = np.random.default_rng(data.split_seed).permutation(total)
    # rounded down, so that fractions just below 1/2 leave something to train on
    ends = np.cumsum([max(1, int(total * fraction)) for fraction in fractions.values()], dtype=int)
    pieces = np.split(order, ends)
    return {name: part.take(np.sort(piece)) for name, piece in zip([*fractions, "train"], pieces, strict=True)}


def _to_split(part: LabelledTexts, classes: Mapping[str, Sequence[str]]) -> Split:
    labels = {}
    for name, known in classes.items():
        numbers = {found: number for number, found in enumerate(known)}
        labels[name] = np.array([numbers[found] for found in part.labels[name]], np.int32)
    return Split(part.texts, labels, part.origin, part.lines, part.unit, part.features)


def _check_labels(parts: Mapping[str, LabelledTexts], classes: Mapping[str, Sequence[str]]) -> None:
    total = sum(len(part.texts) for part in parts.values())
    for name, known in classes.items():
        if total >= _FEW and len(known) > _OWN_LABELS * total:
            log.warning(
                "%s: %d texts have %d different classes of %s: are the columns of texts and labels exchanged?",
                parts["train"].origin,
                total,
                len(known),
                name,
            )
