"""Users' own files: one text a line, optionally `label TAB text`."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.files import WHITE_SPACE, read_lines
from tfvae.errors import UserError

LABEL = "label"
"""The name under which the labels of a file are known."""


@dataclasses.dataclass(frozen=True)
class _Part:
    """A file or a part of one: N texts, their labels' names or None, and the lines they stand on, int64 [N]."""

    texts: Sequence[str]
    names: Sequence[str] | None
    origin: str
    lines: np.ndarray

    def take(self, index: np.ndarray) -> "_Part":
        names = None if self.names is None else [self.names[i] for i in index]
        return _Part([self.texts[i] for i in index], names, self.origin, self.lines[index])


def read(data: DataConfig) -> Corpus:
    """Reads `train_file`, `valid_file` and `test_file`; those of the latter two that are not named are split off the training file.

    Args:
      data: the files, in `dir` where that is set, and the fractions to split off.

    Returns:
      A corpus whose labels, where the files have them, are called "label"; the classes are their sorted names over all splits.

    Raises:
      UserError: no training file is named, a file cannot be read, lines with and without labels are mixed, or there are too few texts.
    """
    if not data.train_file:
        raise UserError("the text corpus needs a training file, one text a line: name it in config.data.train_file")
    parts = {name: _read_part(data, name) for name in SPLITS if getattr(data, f"{name}_file")}
    for part in parts.values():
        if (part.names is None) != (parts["train"].names is None):
            have, lack = (part, parts["train"]) if part.names else (parts["train"], part)
            raise UserError(f"{have.origin} has labels, {lack.origin} has none: write all files as 'label TAB text' or none")
    parts.update(_split_off(parts["train"], data))
    classes = sorted({name for part in parts.values() for name in part.names or ()})
    numbers = {name: number for number, name in enumerate(classes)}
    train, valid, test = (_to_split(parts[name], numbers) for name in SPLITS)
    return Corpus("text", train, valid, test, {LABEL: classes} if classes else {})


def _to_split(part: _Part, numbers: dict[str, int]) -> Split:
    labels = {} if part.names is None else {LABEL: np.array([numbers[name] for name in part.names], np.int32)}
    return Split(part.texts, labels, part.origin, part.lines)


def _read_part(data: DataConfig, name: str) -> _Part:
    path = os.path.expanduser(os.path.join(data.dir, getattr(data, f"{name}_file")))
    lines, numbers = read_lines(path, advice=f"check config.data.{name}_file")
    labelled = "\t" in lines[0]
    names, texts = [], []
    for line, number in zip(lines, numbers, strict=True):
        fields = [field.strip(WHITE_SPACE) for field in line.split("\t")]
        if problem := _problem(fields, labelled):
            raise UserError(f"{path}:{number}: {problem}; a file has 'label TAB text' on every line, or a text without tabs")
        names.append(fields[0])
        texts.append(fields[-1])
    return _Part(texts, names if labelled else None, path, numbers)


def _problem(fields: list[str], labelled: bool) -> str:
    """What is wrong with a line's tab-separated fields in a file whose first line tells that it is labelled or not."""
    if len(fields) > 2:
        return f"{len(fields) - 1} tabs"
    if len(fields) == 2 and not labelled:
        return "a tab where the lines before have none"
    if len(fields) == 1 and labelled:
        return "no tab where the lines before have one"
    if not fields[0]:
        return "no label before the tab"
    if not fields[-1]:
        return "no text after the tab"
    return ""


def _split_off(part: _Part, data: DataConfig) -> dict[str, _Part]:
    """Returns the splits that have no file of their own, and what they leave of the training file, each in the file's order."""
    # test first, so that it is the same whether or not validation has a file
    fractions = {"test": data.test_fraction, "valid": data.valid_fraction}
    wanted = [name for name in fractions if not getattr(data, f"{name}_file")]
    total = len(part.texts)
    if total <= len(wanted):
        files = " and ".join(f"config.data.{name}_file" for name in wanted)
        raise UserError(
            f"{part.origin}: too few sentences: {total}, at least {len(wanted) + 1} needed to split off {' and '.join(wanted)}; "
            f"add sentences or name {files}"
        )
    order = np.random.default_rng(data.split_seed).permutation(total)
    # rounded down, so that fractions just below 1/2 leave something to train on
    ends = np.cumsum([max(1, int(total * fractions[name])) for name in wanted], dtype=int)
    pieces = np.split(order, ends)
    return {name: part.take(np.sort(piece)) for name, piece in zip([*wanted, "train"], pieces, strict=True)}
