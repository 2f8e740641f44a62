"""Sub-words: frequent words are tokens, the others fall into pieces."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner

from tfvae.data.vocabulary import RESERVED, SPECIALS, Vocabulary, count_words
from tfvae.errors import UserError
from tfvae.tokens import UNK

JOINER = "##"
"""Begins the pieces that go on with a word."""


@keras.saving.register_keras_serializable(package="tfvae")
class WordpieceVocabulary(Vocabulary):
    """Maps texts to ids of word pieces and back; the longest piece that fits is taken first. Arguments are those of `Vocabulary`.

    A word with a character that no piece has is UNK as a whole. Exported, it needs TensorFlow Text's operations where it is served.

    References:
      Song et al. Fast WordPiece Tokenization. EMNLP 2021.
    """

    def __init__(self, words: Iterable[str], lowercase: bool = False, split_punctuation: bool = False, **kwargs: Any) -> None:
        super().__init__(words, lowercase, split_punctuation, **kwargs)
        self._pieces = tensorflow_text.FastWordpieceTokenizer(
            [*SPECIALS, *self.words], suffix_indicator=JOINER, unknown_token=SPECIALS[UNK], token_out_type=tf.int32, no_pretokenization=True
        )
        reserved = tf.constant(sorted(RESERVED))
        self._reserved = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(reserved, tf.ones_like(reserved, tf.int32)), 0)

    @classmethod
    def from_texts(
        cls, texts: Sequence[str], *, size: int, min_count: int = 1, lowercase: bool = False, split_punctuation: bool = False
    ) -> "WordpieceVocabulary":
        """Learns at most `size` pieces from texts; pieces seen less often than `min_count`, or twice, are only single characters.

        Raises:
          UserError: no piece is left, or the characters alone are more than `size`.
        """
        counts = count_words(texts, lowercase=lowercase, split_punctuation=split_punctuation)
        characters = {character for word in counts for character in word}
        if size < 2 * len(characters) + len(SPECIALS):
            raise UserError(
                f"config.data.vocabulary_size = {size}: the texts have {len(characters)} characters, each of which is two pieces; raise it"
            )
        options = {"reserved_tokens": list(SPECIALS), "lower_thresh": max(2, min_count), "max_unique_chars": len(characters)}
        pieces = learner.learn(dict(counts), vocab_size=size + len(SPECIALS), joiner=JOINER, **options)
        return cls([piece for piece in pieces if piece not in RESERVED], lowercase, split_punctuation)

    def _look_up(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        flat = words.flat_values
        flat = tf.where(self._reserved.lookup(flat) > 0, SPECIALS[UNK], flat)
        return words.with_flat_values(self._pieces.tokenize(flat)).merge_dims(1, 2)

    def detokenize(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the texts [B] of ids [B, T]: pieces joined into words, and these by a space, up to the first EOS."""
        return tf.strings.regex_replace(super().detokenize(ids), f" {JOINER}", "")
