"""Yahoo Answers as Yang et al. drew it for language models: a document a line, rare words `_UNK`.

References:
  Yang et al. Improved Variational Autoencoders for Text Modeling using Dilated Convolutions. ICML 2017.
  Kim et al. Semi-Amortized Variational Autoencoders. ICML 2018.
"""

import os

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.files import WHITE_SPACE, corpus_folder, find_file, read_lines
from tfvae.errors import UserError

_ADVICE = (
    "get the archive with train.txt, val.txt and test.txt by the link in the README of github.com/harvardnlp/sa-vae "
    "and name the folder of its files in config.data.dir, or make it $TFVAE_DATA_DIR/yahoo"
)
_REDUCED = "; for an experiment on less, --split=8000,1000,1000 draws three splits from the validation file alone"


def read(data: DataConfig) -> Corpus:
    """Reads yahoo.train.txt, yahoo.valid.txt and yahoo.test.txt, or the same without the first word; val for valid is the archive's name.

    Args:
      data: `dir` is their folder; empty: $TFVAE_DATA_DIR/yahoo. `split`: sizes of splits to draw from the validation file instead.

    Raises:
      UserError: a file is missing or cannot be read, or `split` asks for more documents than there are.
    """
    folder = corpus_folder(data, advice=_ADVICE)
    if data.split:
        train, valid, test = _draw(_read_split(folder, "valid"), data)
    else:
        train, valid, test = (_read_split(folder, name, data.limit) for name in SPLITS)
    return Corpus("yahoo", train, valid, test)


def _read_split(folder: str, name: str, most: int = 0) -> Split:
    has_valid = any(os.path.exists(os.path.join(folder, file)) for file in _files("valid"))
    path = find_file(folder, _files(name), advice=_ADVICE + (_REDUCED if name == "train" and has_valid else ""))
    lines, numbers = read_lines(path, most=most)
    return Split([line.strip(WHITE_SPACE) for line in lines], {}, path, numbers)


def _files(name: str) -> list[str]:
    """Names that the file of a split may have."""
    return [f"{start}{end}.txt" for end in (name, *(["val"] if name == "valid" else [])) for start in ("yahoo.", "")]


def _draw(split: Split, data: DataConfig) -> list[Split]:
    """Draws splits of the sizes that `split` has, each in the file's order."""
    sizes = data.split
    counts = sizes.split(",")
    if len(counts) != len(SPLITS) or not all(count.isascii() and count.isdigit() and int(count) for count in counts):
        raise UserError(f"config.data.split = {sizes!r}: three sizes above 0 are wanted, as in 8000,1000,1000")
    ends = np.cumsum([int(count) for count in counts])
    if ends[-1] > len(split):
        raise UserError(f"config.data.split = {sizes!r}: {ends[-1]} documents, and {split.origin} has {len(split)}; ask for fewer")
    order = np.random.default_rng(data.split_seed).permutation(len(split))[: ends[-1]]
    return [split.take(np.sort(part)) for part in np.split(order, ends[:-1])]
