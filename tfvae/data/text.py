"""Users' own files: one text a line, optionally `label TAB text`."""

import logging
import os
import re
from collections.abc import Sequence

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus
from tfvae.data.files import WHITE_SPACE, read_lines
from tfvae.data.labelled_texts import LABEL, LabelledTexts, corpus_of
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


def read(data: DataConfig) -> Corpus:
    """Reads `train_file`, `valid_file` and `test_file`; those of the latter two that are not named are split off the training file.

    Args:
      data: the files, in `dir` where that is set, and the fractions to split off.

    Returns:
      A corpus whose labels, where the files have them, are called "label"; the classes are their sorted names over all splits.

    Raises:
      UserError: no training file is named, a file cannot be read, lines with and without labels are mixed, or there are too few texts.
    """
    return corpus_of({name: read_texts(path, advice=f"check config.data.{name}_file") for name, path in own_files(data).items()}, data)


def read_texts(path: str, *, advice: str = "check the path") -> LabelledTexts:
    """Reads a text a line, optionally 'label TAB text'.

    Raises:
      UserError: as `read_lines`, or lines with and without labels are mixed.
    """
    lines, numbers = read_lines(path, advice=advice)
    _warn_of_tables(path, lines)
    labelled = "\t" in lines[0]
    names, texts = [], []
    for line, number in zip(lines, numbers, strict=True):
        fields = [field.strip(WHITE_SPACE) for field in line.split("\t")]
        if problem := _problem(fields, labelled):
            raise UserError(f"{path}:{number}: {problem}; a file has 'label TAB text' on every line, or a text without tabs")
        names.append(fields[0])
        texts.append(fields[-1])
    return LabelledTexts(texts, {LABEL: names} if labelled else {}, path, numbers)


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


def _warn_of_tables(path: str, lines: Sequence[str]) -> None:
    """Logs that a file looks like a table."""
    some = lines[:_LOOKED_AT]
    if all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in some):
        log.warning("%s looks like JSON lines: --data=jsonl reads them; as it is, braces and names are words", path)
        return
    quoted = sum(_CELLS.search(line) is not None for line in some)
    if path.lower().removesuffix(".gz").endswith((".csv", ".tsv")) or (len(some) > 1 and quoted > len(some) / 2):
        log.warning("%s looks like comma-separated values: --data=csv reads them; as it is, a line is a text", path)
