"""The token ids of shards as training reads them: from disk, a batch at a time."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.data.batching import TokenExamples
from tfvae.data.shards import ShardedTexts
from tfvae.tokens import EOS, PAD


class ShardedExamples(TokenExamples):
    """The tokenized texts of some shards; batches are those of the same texts in memory."""

    def __init__(self, texts: ShardedTexts, max_length: int) -> None:
        """Reads texts up to `max_length` tokens, EOS included; 0: all of them."""
        own: dict[str, Any] = {"texts": texts, "_longest": max_length or np.iinfo(np.int32).max, "whole_length": texts.length, "labels": {}}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @property
    def length(self) -> np.ndarray:
        """Tokens of each text, EOS included, int32 [N]."""
        return self._cut(self.whole_length)

    def _cut(self, length: np.ndarray) -> np.ndarray:
        return np.minimum(length, self._longest, dtype=np.int32)  # type: ignore[attr-defined]

    @property
    def groups(self) -> Sequence[np.ndarray]:
        """The numbers of the texts of each group of shards, int32 [n] each."""
        return self.texts.groups  # type: ignore[attr-defined]

    @functools.cached_property
    def row_splits(self) -> np.ndarray:  # type: ignore[override]
        """Text i is tokens[row_splits[i] : row_splits[i + 1]], int64 [N + 1]."""
        return np.concatenate([[0], np.cumsum(self.length, dtype=np.int64)])

    @functools.cached_property
    def tokens(self) -> np.ndarray:  # type: ignore[override]
        """All of them, int32, in memory: for evaluations that want every text at once."""
        rows = [self._read_row(number, length) for number, length in enumerate(self.length.tolist())]
        return np.concatenate(rows) if rows else np.zeros(0, np.int32)

    def _rows(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        tokens, length = tf.numpy_function(self._read, [index], [tf.int32, tf.int32])
        return tf.ensure_shape(tokens, [None, None]), tf.ensure_shape(length, [None])

    def _read(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        length = self._cut(self.whole_length[index])
        tokens = np.full([len(index), length.max(initial=0)], PAD, np.int32)
        for row, number in enumerate(index.tolist()):
            tokens[row, : length[row]] = self._read_row(number, int(length[row]))
        return tokens, length

    def _read_row(self, number: int, length: int) -> np.ndarray:
        row = self.texts.ids(number)[:length].astype(np.int32)  # type: ignore[attr-defined]
        row[-1] = EOS
        return row
