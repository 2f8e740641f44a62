"""Sentences as bags of words."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfvae.tokens import EOS

FIRST = EOS + 1
"""Id of the first ordinary word. Those before it are the special tokens', which count for nothing."""


def word_counts(batch: Mapping[str, Any], vocabulary_size: int, dtype: str = "float32") -> tf.Tensor:
    """Returns how often each ordinary word occurs, shape [B, V - 4].

    Args:
      batch: "tokens" [B, T], padded with PAD, which is no word: how much of it there is does not matter.
      vocabulary_size: V, special tokens included.
      dtype: of the counts. Half precision rounds what is above 256.
    """
    counts = tf.math.bincount(batch["tokens"], minlength=vocabulary_size, maxlength=vocabulary_size, axis=-1)
    return tf.ensure_shape(tf.cast(counts[:, FIRST:], dtype), [None, vocabulary_size - FIRST])
