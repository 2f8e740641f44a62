"""Users' own files: one text a line, optionally `label TAB text`."""

import array
import logging
import os
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus
from tfvae.data.files import WHITE_SPACE, numbered_lines
from tfvae.data.labelled_texts import LABEL, LabelledTexts, corpus_of
from tfvae.data.packed import Packing
from tfvae.errors import UserError

log = logging.getLogger("tfvae")
_LOOKED_AT = 20  # lines
_CELLS = re.compile(r'(^|[^,\s])[,;]("|[^,\s"]*$)')


def own_files(data: DataConfig) -> dict[str, str]:
    """Returns the paths of `train_file`, `valid_file` and `test_file`, of those that are named, by the split.

    Raises:
      UserError: no training file is named.
    """
    if not data.train_file:
        raise UserError(f"the {data.name} corpus needs a training file: name it in config.data.train_file")
    named = {name: getattr(data, f"{name}_file") for name in SPLITS}
    return {name: os.path.expanduser(os.path.join(data.dir, file)) for name, file in named.items() if file}


def most_of_each(data: DataConfig, files: Mapping[str, str]) -> int:
    """Returns how many texts of each file `data.limit` leaves, 0 for all: draws of a split are of all texts of the file."""
    return data.limit if len(files) == len(SPLITS) else 0


def read(data: DataConfig) -> Corpus:
    """Reads `train_file`, `valid_file` and `test_file`; those of the latter two that are not named are split off the training file.

    Args:
      data: the files, in `dir` where that is set, and the fractions to split off.

    Returns:
      A corpus whose labels, where the files have them, are called "label"; the classes are their sorted names over all splits.

    Raises:
      UserError: no training file is named, a file cannot be read, lines with and without labels are mixed, or there are too few texts.
    """
    files = own_files(data)
    most = most_of_each(data, files)
    return corpus_of({name: read_texts(path, advice=f"check config.data.{name}_file", most=most) for name, path in files.items()}, data)


def read_texts(path: str, *, advice: str = "check the path", most: int = 0) -> LabelledTexts:
    """Reads a text a line, optionally 'label TAB text'.

    Args:
      path: the file.
      advice: what to do when the file does not exist, for the message.
      most: texts that are wanted, 0 for all; what comes after them is not read where there are no labels, whose names all lines have.

    Raises:
      UserError: as `read_lines`, or lines with and without labels are mixed.
    """
    texts = Packing()
    names: list[str] = []
    numbers = array.array("q")
    known: dict[str, str] = {}  # so that a label is in memory once
    some: list[str] = []
    labelled = False
    for number, line in numbered_lines(path, advice=advice):
        labelled = labelled if numbers else "\t" in line
        fields = [field.strip(WHITE_SPACE) for field in line.split("\t")]
        if len(some) < _LOOKED_AT:
            some.append(line)
        if problem := _problem(fields, labelled):
            _warn_of_tables(path, some)
            raise UserError(f"{path}:{number}: {problem}; a file has 'label TAB text' on every line, or a text without tabs")
        if labelled:
            names.append(known.setdefault(fields[0], fields[0]))
        texts.add(fields[-1])
        numbers.append(number)
        if len(texts) == most and not labelled:
            break
    _warn_of_tables(path, some)
    return LabelledTexts(texts.packed(), {LABEL: names} if labelled else {}, path, np.array(numbers, np.int64))


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


def _warn_of_tables(path: str, some: Sequence[str]) -> None:
    """Logs that a file of some such lines looks like a table."""
    if all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in some):
        log.warning("%s looks like JSON lines: --data=jsonl reads them; as it is, braces and names are words", path)
        return
    quoted = sum(_CELLS.search(line) is not None for line in some)
    if path.lower().removesuffix(".gz").endswith((".csv", ".tsv")) or (len(some) > 1 and quoted > len(some) / 2):
        log.warning("%s looks like comma-separated values: --data=csv reads them; as it is, a line is a text", path)
