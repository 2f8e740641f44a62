"""From files of text to shards of token ids: one pass over the texts, by many workers, for corpora larger than memory."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data.engines import ENGINES, Engine
from tfvae.data.files import decoded, split_label
from tfvae.data.pieces import PIECE, Piece, pieces_of
from tfvae.data.shards import VOCABULARY, WIDE, Shard, write_manifest
from tfvae.data.tokenizers import READING
from tfvae.data.vocabulary import CHUNK, Vocabulary, as_spelt, split_words
from tfvae.errors import UserError
from tfvae.tokens import EOS

_HELD = ("valid", "test")


@dataclasses.dataclass(frozen=True)
class CountPiece:
    """Turns a piece into the numbers of its own words, and counts these; workers get it pickled.

    Attributes:
      folder: where that goes.
      reading: how texts become words, the arguments of `split_words`.
    """

    folder: str
    reading: Mapping[str, bool]

    def __call__(self, piece: Piece) -> tuple[int, int]:
        """Returns how many texts there were, and how many lines held none or were not UTF-8."""
        numbers: dict[bytes, int] = {}
        length, skipped = [], 0
        path = _begun(self.folder, piece)
        with path.with_suffix(".ids").open("wb") as file:
            for texts, left_out in _chunks(piece):
                skipped += left_out
                if not texts:
                    continue
                words = split_words(tf.constant(texts, tf.string), **self.reading)
                flat = words.flat_values.numpy().tolist()
                np.array([numbers.setdefault(word, len(numbers)) for word in flat], np.int32).tofile(file)
                length.append(words.row_lengths().numpy().astype(np.int32))
        ids = np.fromfile(path.with_suffix(".ids"), np.int32)
        texts_of = np.concatenate(length) if length else np.zeros(0, np.int32)
        np.save(path.with_suffix(".length.npy"), texts_of)
        np.save(path.with_suffix(".counts.npy"), np.bincount(ids, minlength=len(numbers)))
        path.with_suffix(".words").write_bytes(b"\n".join(numbers))
        return len(texts_of), skipped


@dataclasses.dataclass(frozen=True)
class FinishPiece:
    """Turns a counted piece into shards of a vocabulary's ids, a training one and those that are held out.

    Attributes:
      folder: where all is.
      reading: how texts become words, the settings of the vocabulary.
      held_out: share of the texts that go to validation, and as many to the test split.
      seed: of which.
    """

    folder: str
    reading: Mapping[str, Any]
    held_out: float
    seed: int

    def __call__(self, piece: Piece) -> dict[str, Shard]:
        """Returns the shards, by split."""
        folder = pathlib.Path(self.folder)
        path = _begun(folder, piece)
        vocabulary = Vocabulary.load(folder / VOCABULARY, **self.reading)
        kind = np.uint16 if vocabulary.size <= 1 << 16 else WIDE
        words = path.with_suffix(".words").read_bytes().split(b"\n")
        table = vocabulary.ids_of(tf.constant(words, tf.string)).numpy().astype(kind)
        ids, length = table[np.fromfile(path.with_suffix(".ids"), np.int32)], np.load(path.with_suffix(".length.npy"))
        drawn = np.random.default_rng([self.seed, piece.number]).random(len(length))
        split = np.searchsorted([self.held_out, 2 * self.held_out], drawn, side="right")  # 0 validation, 1 test, 2 training
        of_token = np.repeat(split, length)
        shards = {}
        for number, name in enumerate((*_HELD, "train")):
            mine = length[split == number]
            tokens = np.empty(int(mine.sum()) + len(mine), kind)
            ends = np.cumsum(mine + 1) - 1
            tokens[ends] = EOS
            inside = np.ones(len(tokens), bool)
            inside[ends] = False
            tokens[inside] = ids[of_token == number]
            shards[name] = Shard(f"{name}-{piece.number:06d}", len(mine), len(tokens))
            np.save(folder / f"{shards[name].name}.tokens.npy", tokens)
            np.save(folder / f"{shards[name].name}.length.npy", (mine + 1).astype(np.int32))
        return shards


def write_shards(
    sources: Sequence[str],
    folder: str,
    data: DataConfig,
    *,
    held_out: float = 0.01,
    engine: str = "local",
    workers: int = 1,
    piece_bytes: int = PIECE,
    say: Callable[[str], None] = lambda line: None,
) -> None:
    """Writes shards, which `tfvae.data.shards.read` reads, of files of texts, one a line, optionally 'label TAB text', without the labels.

    Texts are read once: what each piece has of words of its own is counted, and renumbered when all are. The vocabulary is that of
    `Vocabulary.from_texts` over all texts, held-out ones too.

    Args:
      sources: the files, plain or .gz.
      folder: of the shards, a new one.
      data: how texts become words, how many words there are, and the seed of what is held out, `split_seed`.
      held_out: share of the texts for validation, and as many for the test split.
      engine: what runs the workers: see `tfvae.data.engines`.
      workers: how many.
      piece_bytes: of a shard's text, at least.
      say: hears of each stage, a line each.

    Raises:
      UserError: a source cannot be read or holds no text, the folder holds something, there is no such engine, or texts would be split into
        sub-words.
    """
    if engine not in ENGINES:
        raise UserError(f"--engine={engine}: must be one of {', '.join(ENGINES)}")
    if data.tokenizer != "word":
        raise UserError(f"config.data.tokenizer = {data.tokenizer}: shards are of whole words")
    target = pathlib.Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{folder} holds something already: name a new folder")
    pieces = pieces_of([str(pathlib.Path(source).absolute()) for source in sources], piece_bytes)
    with _room(target):
        _write(sources, target, pieces, data, held_out, ENGINES[engine], workers, say)


@contextlib.contextmanager
def _room(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder, in which pieces do not stay; nor does the folder, where nothing else came into it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for left in folder.glob("piece-*"):
            left.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def _write(
    sources: Sequence[str],
    target: pathlib.Path,
    pieces: Sequence[Piece],
    data: DataConfig,
    held_out: float,
    engine: Engine,
    workers: int,
    say: Callable[[str], None],
) -> None:
    reading = {name: getattr(data, name) for name in READING}
    splitting = {name: value for name, value in reading.items() if name != "unicode"}
    texts = skipped = 0
    for number, (found, left_out) in enumerate(engine(CountPiece(str(target), splitting), pieces, workers), 1):
        texts, skipped = texts + found, skipped + left_out
        say(f"{number} of {len(pieces)} pieces counted, {texts:,} texts")
    if not texts:
        raise UserError(f"{', '.join(map(str, sources))}: no line holds any text")
    counts = as_spelt(_counts(target, pieces), data.unicode)
    vocabulary = Vocabulary.from_counts(counts, size=data.vocabulary_size, min_count=data.min_count, **reading)
    vocabulary.save(target / VOCABULARY)
    shards: dict[str, list[Shard]] = {name: [] for name in ("train", *_HELD)}
    finish = FinishPiece(str(target), reading, held_out, data.split_seed)
    for number, made in enumerate(engine(finish, pieces, workers), 1):
        for name, shard in made.items():
            shards[name].append(shard)
        say(f"{number} of {len(pieces)} pieces written")
    write_manifest(target, {name: sorted(found) for name, found in shards.items()}, reading)
    ids = sum(shard.tokens for found in shards.values() for shard in found)
    said = f"{texts:,} texts, {ids:,} tokens, {len(vocabulary.words):,} of {len(counts):,} words"
    say(f"{said}; {skipped:,} lines without a text" if skipped else said)


def _chunks(piece: Piece) -> Iterator[tuple[list[str], int]]:
    """Yields texts, and how many lines beside them held none."""
    texts: list[str] = []
    skipped = 0
    for _, line in decoded(piece.lines()):
        text = "" if line is None else split_label(line)[1]
        if text:
            texts.append(text)
        else:
            skipped += 1
        if len(texts) == CHUNK:
            yield texts, skipped
            texts, skipped = [], 0
    if texts or skipped:
        yield texts, skipped


def _counts(folder: pathlib.Path, pieces: Sequence[Piece]) -> Iterator[tuple[bytes, int]]:
    """Yields how often each piece has each of its words."""
    for piece in pieces:
        path = _begun(folder, piece)
        counts = np.load(path.with_suffix(".counts.npy")).tolist()
        if counts:
            yield from zip(path.with_suffix(".words").read_bytes().split(b"\n"), counts, strict=True)


def _begun(folder: str | pathlib.Path, piece: Piece) -> pathlib.Path:
    """The files of a piece that is counted, but for their suffixes."""
    return pathlib.Path(folder) / f"piece-{piece.number:06d}"
