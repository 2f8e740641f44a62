"""Sub-words: frequent words are tokens, the others fall into pieces."""

import collections
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner

from tfvae.data.vocabulary import RESERVED, Vocabulary, count_words
from tfvae.errors import UserError
from tfvae.tokens import SPECIALS, UNK

JOINER = "\u2040"
"""Begins the pieces that go on with a word: a character tie, which texts do not have, as they may have "##"."""

_LONGEST = 50  # characters of a word that pieces are learned from at once
_SPECIAL_PIECES = tuple(f" {token}" for token in SPECIALS)  # with a space, which no word has


@keras.saving.register_keras_serializable(package="tfvae")
class WordpieceVocabulary(Vocabulary):
    """Maps texts to ids of word pieces and back; the longest piece that fits is taken first. Arguments are those of `Vocabulary`.

    A word with a character that no piece has is UNK as a whole. Exported, it needs TensorFlow Text's operations where it is served.

    References:
      Song et al. Fast WordPiece Tokenization. EMNLP 2021.
    """

    def __init__(self, words: Iterable[str], *reading: Any, **kwargs: Any) -> None:
        super().__init__(words, *reading, **kwargs)
        self._pieces = tensorflow_text.FastWordpieceTokenizer(
            [*_SPECIAL_PIECES, *self.words],
            suffix_indicator=JOINER,
            unknown_token=_SPECIAL_PIECES[UNK],
            max_bytes_per_word=1 << 20,
            token_out_type=tf.int32,
            no_pretokenization=True,
        )
        reserved = tf.constant(sorted(RESERVED))
        self._reserved = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(reserved, tf.ones_like(reserved, tf.int32)), 0)

    @property
    def tables(self) -> list[tf.lookup.StaticHashTable]:
        """The look-up tables, which an exported model must keep."""
        return [*super().tables, self._reserved]

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, size: int, min_count: int = 1, **reading: Any) -> "WordpieceVocabulary":
        """Learns at most `size` pieces from texts: every character, to begin a word and to go on, and the most frequent longer pieces.

        Raises:
          UserError: the texts have no word, or the characters alone are more than `size`.
        """
        counts: collections.Counter[str] = collections.Counter()
        for word, count in count_words(texts, **reading).items():
            for start in range(0, len(word), _LONGEST):
                counts[word[start : start + _LONGEST]] += count
        if not counts:
            raise UserError("the training texts have no word")
        characters = {character for word in counts for character in word}
        if size < 2 * len(characters):
            raise UserError(
                f"config.data.vocabulary_size = {size}: the texts have {len(characters)} characters, each of which is two pieces; raise it"
            )
        options: dict[str, Any] = {"lower_thresh": max(2, min_count), "max_unique_chars": len(characters), "max_token_length": _LONGEST}
        learned = learner.learn(dict(counts), vocab_size=size, reserved_tokens=[], joiner=JOINER, **options)
        single = sorted(characters) + [JOINER + character for character in sorted(characters)]
        longer = [piece for piece in learned if piece not in {*single, *RESERVED}]  # by falling count
        return cls([*single, *longer[: size - len(single)]], **reading)

    def _look_up(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        flat = words.flat_values
        if self.unicode != "none":
            flat = tensorflow_text.normalize_utf8(flat, self.unicode)
        flat = tf.where(self._reserved.lookup(flat) > 0, _SPECIAL_PIECES[UNK], flat)
        return words.with_flat_values(self._pieces.tokenize(flat)).merge_dims(1, 2)

    def detokenize(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the texts [B] of ids [B, T]: pieces joined into words, and these by a space, up to the first EOS."""
        return tf.strings.regex_replace(super().detokenize(ids), f"(^| ){JOINER}", "")
