"""Corpora in shards on disk: token ids that stay there until a batch asks for them."""

import dataclasses
import functools
import os
import pathlib
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.files import corpus_folder, read_lines
from tfvae.data.json_files import load_json, to_json
from tfvae.data.packed import LazyTexts
from tfvae.errors import UserError
from tfvae.tokens import SPECIALS

MANIFEST, VOCABULARY = "shards.json", "vocabulary.txt"
WIDE = np.int32
"""The type of ids of vocabularies beyond 16 bits."""
_FORMAT = 1
_OPEN = 256  # shards whose files are open at a time
_ADVICE = "write shards by tfvae-shard"
_BACK = "put it back, or write the shards anew"


@dataclasses.dataclass(frozen=True, order=True)
class Shard:
    """Some texts of a split: NAME.tokens.npy, their ids one after the other, EOS at the end of each, and NAME.length.npy, of each how many.

    Attributes:
      name: of its files.
      texts: how many.
      tokens: how many, EOS included.
    """

    name: str
    texts: int
    tokens: int


class ShardedTexts(LazyTexts):
    """The texts of some shards, in order, each put together from its words when it is asked for."""

    def __init__(self, folder: pathlib.Path, shards: Sequence[Shard], words: Sequence[str], groups: int = 1) -> None:
        """Opens the files; of several groups, of which others may have the files, those that are asked for, when they are.

        Raises:
          UserError: one is missing or not as long as it was written.
        """
        self.words, self._folder, self._shards = words, folder, shards
        self._opened = functools.lru_cache(_OPEN)(self._open)
        for number in range(len(shards)) if groups == 1 else ():
            self._opened(number)
        lengths = [_array(folder / f"{shard.name}.length.npy", shard.texts).astype(np.int32, copy=False) for shard in shards]
        self.length = np.concatenate(lengths) if lengths else np.zeros(0, np.int32)
        self._first = np.cumsum([0, *(shard.texts for shard in shards)])
        owner = np.repeat(np.arange(len(shards)) % groups, [shard.texts for shard in shards])
        self.groups = [np.flatnonzero(owner == group).astype(np.int32) for group in range(groups)] if groups > 1 else ()
        kind: Any = np.int32 if all(shard.tokens < 1 << 31 for shard in shards) else np.int64
        self._start = np.concatenate([np.cumsum(length).astype(kind) - length for length in lengths]) if lengths else np.zeros(0, kind)

    def __len__(self) -> int:
        return len(self.length)

    def ids(self, index: int) -> np.ndarray:
        """Returns the tokens of a text, EOS included."""
        shard = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._opened(shard)(int(self._start[index]), int(self.length[index]))

    def _open(self, number: int) -> Callable[[int, int], np.ndarray]:
        """What reads tokens of a shard, from one of them on so many.

        They are read and not mapped: pages of a map count as this process's memory, and all of a corpus comes to be there.
        """
        shard = self._shards[number]
        path = self._folder / f"{shard.name}.tokens.npy"
        array = _array(path, shard.tokens, mmap_mode="r")
        kind, begin = array.dtype, array.offset  # type: ignore[attr-defined]
        file = os.open(path, os.O_RDONLY)

        def read(start: int, count: int) -> np.ndarray:
            return np.frombuffer(os.pread(file, count * kind.itemsize, begin + start * kind.itemsize), kind)

        weakref.finalize(read, os.close, file)
        return read

    def _text(self, index: int) -> str:
        """Returns a text, words apart by spaces, those that are not in the vocabulary as <unk>."""
        tokens = self.ids(index)[:-1]
        return " ".join([self.words[token - len(SPECIALS)] if token >= len(SPECIALS) else SPECIALS[token] for token in tokens.tolist()])


def read(data: DataConfig) -> Corpus:
    """Reads the shards in `data.dir`; held-out texts come into memory as texts, the training ones do not.

    Raises:
      UserError: the folder holds none, they are damaged, or texts become words in other ways than `data` says.
    """
    folder = pathlib.Path(corpus_folder(data, advice=_ADVICE))
    path = folder / MANIFEST
    if not path.exists():
        raise UserError(f"{folder}: holds no {MANIFEST}; {_ADVICE}")
    values = load_json(path, _BACK)
    try:
        shards = {name: [Shard(str(n), int(texts), int(tokens)) for n, texts, tokens in values["splits"][name]] for name in SPLITS}
        reading, known = dict(values["reading"]), values["format"] == _FORMAT
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path} is damaged: {_BACK}") from None
    if not known:
        raise UserError(f"{path}: of format {values['format']!r}, and this version reads {_FORMAT}: write the shards anew")
    for name, value in reading.items():
        if getattr(data, name) != value:
            raise UserError(f"{folder} was written with config.data.{name} = {value}: add --config.data.{name}={str(value).lower()}")
    if data.vocabulary or data.tokenizer != "word":
        raise UserError("config.data.vocabulary and tokenizer are what shards were written with: leave them out")
    words = read_lines(folder / VOCABULARY)[0][len(SPECIALS) :]
    if 1 < data.groups > len(shards["train"]):
        raise UserError(f"config.data.groups = {data.groups}: {folder} has {len(shards['train'])} training shards: write smaller ones")
    texts = {name: ShardedTexts(folder, shards[name], words, data.groups if name == "train" else 1) for name in SPLITS}
    for name, found in texts.items():
        if not len(found):
            raise UserError(f"{folder}: its {name} split holds no text; {_ADVICE} with a larger --held_out")

    def split(name: str, items: Sequence[str]) -> Split:
        return Split(items, {}, f"{folder}/{name}", np.arange(1, len(items) + 1, dtype=np.int32), "text")

    train = split("train", texts["train"])
    valid, test = (split(name, list(texts[name])) for name in ("valid", "test"))
    return Corpus("shards", train, valid, test, words=words)


def write_manifest(folder: pathlib.Path, splits: Mapping[str, Sequence[Shard]], reading: Mapping[str, Any]) -> None:
    """Writes the file that makes a folder one of shards, last of all."""
    listed = {name: [[shard.name, shard.texts, shard.tokens] for shard in shards if shard.texts] for name, shards in splits.items()}
    (folder / MANIFEST).write_text(to_json({"format": _FORMAT, "reading": dict(reading), "splits": listed}, indent=1))


def _array(path: pathlib.Path, count: int, mmap_mode: Literal["r"] | None = None) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode)
    except (OSError, ValueError, EOFError):
        raise UserError(f"{path}: missing or damaged: {_BACK}") from None
    if array.shape != (count,) or array.dtype.kind not in "iu":
        raise UserError(f"{path}: {array.dtype} {array.shape}, and {count} ids were written: {_BACK}")
    return array
