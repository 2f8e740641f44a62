"""Turns of conversations: what is said, and what was said before it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data.batching import TokenExamples
from tfvae.data.columns import strings
from tfvae.data.corpus import Split
from tfvae.data.dialogues import turns_of_file
from tfvae.data.turn import Said, Turn
from tfvae.data.vocabulary import CHUNK, Vocabulary
from tfvae.modalities.modality import Batch, Modality
from tfvae.modalities.words import Words
from tfvae.tokens import PAD


class Turns(Words):
    """An example is a text with the turns before it, `tfvae.data.turn.Turn`; a string is a turn that nothing comes before.

    Batches are those of texts, with "context" beside, the tokens of earlier turns, the oldest first, int32 [B, C, L], padded at the end;
    "context_length" [B, C], 0 where there is no turn; and "context_own" [B, C], 1 where the one who speaks now said it.
    """

    item = "turn"
    scored_in_graph = False  # a served text comes alone

    def __init__(self, vocabulary: Vocabulary, *, context: int = 10, **limits: int) -> None:
        """Joins a vocabulary, the most turns before one that are read, the last, and limits as of texts."""
        super().__init__(vocabulary, **limits)
        self.context = context

    @classmethod
    def of(cls, vocabulary: Vocabulary, data: DataConfig) -> "Turns":
        """Joins a vocabulary and the limits of a configuration."""
        limits = {"max_length": data.eval_max_length, "train_max_length": data.train_max_length}
        return cls(vocabulary, context=data.context, **limits)

    def examples(self, split: Split, *, training: bool = False, seed: int = 0) -> "TurnExamples":
        """Turns texts into ids, with their contexts, whose turns are cut as texts are."""
        longest = min(self.max_length, self.train_max_length) if training and self.train_max_length else self.max_length
        return TurnExamples(super().examples(split, training=training, seed=seed), split.items, self.vocabulary, longest)

    def batches(self, items: Any, batch_size: int) -> Iterator[tuple[np.ndarray, Batch, dict[str, np.ndarray]]]:
        """Yields batches of turns."""
        # a list's texts may be turns; those of other columns have nothing before them
        given = list(items) if isinstance(items, list | tuple | np.ndarray) else strings(items, self.name)
        for index, batch, known in super().batches(given, batch_size):
            yield index, {**batch, **self.contexts([contexts_of(given[i]) for i in index])}, known

    def contexts(self, contexts: Sequence[Sequence[Said]]) -> Batch:
        """Returns what a batch has of the turns before, of B contexts, of which the last turns count."""
        contexts = [context[max(0, len(context) - self.context) :] for context in contexts]
        said, places = _once(contexts)
        return _context(_ids(self.vocabulary, said, self.max_length), _ragged(places), _owners(contexts))

    def context_in_graph(self, texts: tf.Tensor) -> Batch:
        """Returns what `contexts` does of strings [B, C], of two who speak in turn, the last the other's; empty ones are no turns."""
        texts = tf.strings.strip(tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace"))
        # turns move to the end, the last of them stay, and move to the front
        texts = tf.gather(texts, tf.argsort(tf.cast(texts != "", tf.int32), axis=1, stable=True), batch_dims=1)
        texts = texts[:, tf.maximum(0, tf.shape(texts)[1] - self.context) :]
        texts = tf.gather(texts, tf.argsort(tf.cast(texts == "", tf.int32), axis=1, stable=True), batch_dims=1)
        spoken = texts != ""
        count = tf.reduce_sum(tf.cast(spoken, tf.int32), axis=1, keepdims=True)
        shape = tf.shape(texts)
        ids = self.vocabulary.cut(self.vocabulary.tokenize(tf.reshape(texts, [-1])), self.max_length)
        tokens = tf.cast(ids.to_tensor(PAD), tf.int32)
        tokens = tf.reshape(tokens, [shape[0], shape[1], tf.shape(tokens)[1]])
        own = spoken & tf.equal((count - tf.range(shape[1])[tf.newaxis]) % 2, 0)
        return {
            "context": tf.where(spoken[..., tf.newaxis], tokens, PAD),
            "context_length": tf.where(spoken, tf.reshape(tf.cast(ids.row_lengths(), tf.int32), shape), 0),
            "context_own": tf.cast(own, tf.int32),
        }

    def read_file(self, path: str, column: str = "") -> Sequence[str]:
        """Reads dialogues as `tfvae.data.dialogues` has them, where the file's name ends in .jsonl and it holds such; else as of texts."""
        turns = None if column else turns_of_file(path)
        return super().read_file(path, column) if turns is None else turns

    def captions(self, items: Sequence[str], numbers: Sequence[int] | None = None) -> list[str]:
        """Returns the texts without what would break a line."""
        return super().captions([str(item) for item in items], numbers)

    def rows(self, batch: Batch, start: tf.Tensor, count: tf.Tensor) -> Batch:
        """Returns some rows of a batch."""
        return Modality.rows(self, batch, start, count)


class TurnExamples(TokenExamples):
    """Turns as ids; a turn that many contexts have is kept once."""

    def __init__(self, words: TokenExamples, items: Sequence[str], vocabulary: Vocabulary, longest: int) -> None:
        """Joins ids of what is said and contexts."""
        super().__init__(words.tokens, words.row_splits, words.whole_length, words.labels)
        contexts = [contexts_of(item) for item in items]
        said, places = _once(contexts)
        with tf.init_scope(), tf.device("CPU"):
            kept = {"_said": _ids(vocabulary, said, longest), "_places": _ragged(places), "_owners": _owners(contexts)}
        for name, value in kept.items():
            object.__setattr__(self, name, value)

    def batch(self, index: np.ndarray | tf.Tensor, epoch: Any = None) -> Batch:
        """Returns a batch of texts with their contexts."""
        places, owners = (tf.gather(getattr(self, name), index) for name in ("_places", "_owners"))
        return {**super().batch(index, epoch), **_context(self._said, places, owners)}  # type: ignore[attr-defined]


def contexts_of(item: str) -> tuple[Said, ...]:
    """Returns the turns before an item."""
    return item.context if isinstance(item, Turn) else ()


def _once(contexts: Sequence[Sequence[Said]]) -> tuple[list[str], list[list[int]]]:
    """Texts, each once, and where the turns of each context are among them."""
    known: dict[str, int] = {}
    places = [[known.setdefault(said.text, len(known)) for said in context] for context in contexts]
    return list(known), places


def _ids(vocabulary: Vocabulary, texts: Sequence[str], longest: int) -> tf.RaggedTensor:
    """Ids of texts, int32 [U, (L)], cut."""
    if not texts:
        return tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
    parts = [vocabulary.cut(vocabulary.tokenize(texts[i : i + CHUNK]), longest) for i in range(0, len(texts), CHUNK)]
    return tf.cast(tf.concat(parts, 0), tf.int32)


def _ragged(rows: Sequence[Sequence[int]]) -> tf.RaggedTensor:
    return tf.ragged.constant(rows, tf.int32, ragged_rank=1, inner_shape=())


def _owners(contexts: Sequence[Sequence[Said]]) -> tf.RaggedTensor:
    return _ragged([[int(said.own) for said in context] for context in contexts])


def _context(ids: tf.RaggedTensor, places: tf.RaggedTensor, owners: tf.RaggedTensor) -> Batch:
    """The context of a batch: ids of texts, [U, (L)], and of which texts each row has, [B, (C)]."""
    tokens = tf.gather(ids, places)  # [B, (C), (L)]
    length = tf.gather(tf.cast(ids.row_lengths(), tf.int32), places)
    return {"context": tokens.to_tensor(PAD), "context_length": length.to_tensor(0), "context_own": owners.to_tensor(0)}
