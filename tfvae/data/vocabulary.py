"""Texts to ids and back, in TensorFlow's own operations, so that it can be part of an exported model."""

import collections
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae.data.files import WHITE_SPACE, read_lines
from tfvae.errors import UserError
from tfvae.tokens import BOS, EOS, PAD, SPECIALS, UNK

# "_unk" is what lower-casing makes of a corpus's "_UNK"
RESERVED = frozenset([*SPECIALS, "<UNK>", "_UNK", "_unk"])
"""Words of a text that are read as UNK and never counted: the special tokens' names and the unknown marks that corpora bring along."""

_EDGE = '[.,!?;:()"…“”„«»¿¡]'
_SPACE = r"[ \t\n\v\f\r]"
CHUNK = 4096
"""Texts that go through an operation at a time."""


def split_words(texts: Any, *, lowercase: bool = False, split_punctuation: bool = False) -> tf.RaggedTensor:
    """Splits texts at white space, that is at runs of the six ASCII spaces that tf.strings.split knows, not at U+00A0 or U+3000.

    Args:
      texts: strings [B].
      lowercase: lower-case by Unicode's rules, as tf.strings.lower has them.
      split_punctuation: make a token of each punctuation mark at the edges of a word, and of a run of full stops; marks inside a
        word, apostrophes and `<unk>` stay as they are.

    Returns:
      Words, ragged strings [B, (words)].
    """
    texts = tf.convert_to_tensor(texts, tf.string)
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    if not split_punctuation:
        return tf.strings.split(texts)
    # first the edges part from the words, as words that are all punctuation, then these fall apart
    texts = tf.strings.regex_replace(texts, f"({_EDGE}+)({_SPACE}|$)", r" \1 ")
    texts = tf.strings.regex_replace(texts, f"(^|{_SPACE})({_EDGE}+)", r" \2 ")
    words = tf.strings.split(texts)
    flat = words.flat_values
    apart = tf.strings.regex_replace(flat, rf"(\.\.+|{_EDGE})", r" \1 ")
    flat = tf.where(tf.strings.regex_full_match(flat, f"{_EDGE}+"), apart, flat)
    return words.with_flat_values(tf.strings.split(flat)).merge_dims(1, 2)


@keras.saving.register_keras_serializable(package="tfvae")
class Vocabulary(keras.layers.Layer):
    """Maps texts to ids and ids to texts.

    Ids are PAD 0, UNK 1, BOS 2, EOS 3, then the words in order. Words that are not in the vocabulary are UNK, and so are the words of
    RESERVED: no text can produce PAD, BOS or EOS, but for the EOS at its end.

    Args:
      words: the ordinary words, in the order of their ids.
      lowercase, split_punctuation: see `split_words`.
      unicode: "NFC": a word is found by its composed and its decomposed spelling; "none": spellings are words of their own.

    Raises:
      UserError: there are no words, or one is empty, reserved, there twice, or has white space or NUL in it.
    """

    def __init__(
        self, words: Iterable[str], lowercase: bool = False, split_punctuation: bool = False, unicode: str = "NFC", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.words = tuple(words)
        self.lowercase = lowercase
        self.split_punctuation = split_punctuation
        self.unicode = unicode
        _check(self.words)
        # texts come as lists and numpy arrays too, which Keras would turn into numbers
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        ids = dict(zip(self.words, range(len(SPECIALS), self.size), strict=True))
        if unicode != "none":  # TensorFlow normalises nothing in a graph, so the table has the spellings
            ids = {spelling: number for word, number in ids.items() for spelling in _spellings(word)} | ids
        spelt = tf.lookup.KeyValueTensorInitializer(tf.constant(list(ids)), tf.constant(list(ids.values()), tf.int32))
        self._ids = tf.lookup.StaticHashTable(spelt, UNK)
        tokens = tf.lookup.KeyValueTensorInitializer(tf.range(self.size, dtype=tf.int64), tf.constant([*SPECIALS, *self.words]))
        self._tokens = tf.lookup.StaticHashTable(tokens, SPECIALS[UNK])

    @classmethod
    def from_texts(cls, texts: Sequence[str], *, size: int, min_count: int = 1, **reading: Any) -> "Vocabulary":
        """Makes a vocabulary of the `size` words that are most frequent in texts, by falling count and then by code points.

        Words seen less often than `min_count` are not kept; `reading`, how texts become words, is as in `count_words`.

        Raises:
          UserError: no word is left.
        """
        return cls.from_counts(count_words(texts, **reading), size=size, min_count=min_count, **reading)

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, size: int, min_count: int = 1, **reading: Any) -> "Vocabulary":
        """Makes what `from_texts` does of how often each word occurs.

        Raises:
          UserError: no word is left.
        """
        ranked = sorted((-count, word) for word, count in counts.items() if count >= min_count)[:size]
        if not ranked:
            raise UserError(f"the training texts have no word that occurs config.data.min_count = {min_count} times or more")
        return cls([word for _, word in ranked], **reading)

    @property
    def tables(self) -> list[tf.lookup.StaticHashTable]:
        """The look-up tables, which an exported model must keep."""
        return [self._ids, self._tokens]

    @property
    def size(self) -> int:
        """The number V of ids, special tokens included."""
        return len(SPECIALS) + len(self.words)

    def split_words(self, texts: Any) -> tf.RaggedTensor:
        """Returns the words [B, (words)] of texts [B]; see the function of this name."""
        return split_words(texts, lowercase=self.lowercase, split_punctuation=self.split_punctuation)

    def ids_of(self, words: tf.Tensor) -> tf.Tensor:
        """Returns the id of each word, int32, of strings of any shape."""
        return self._ids.lookup(words)

    def _look_up(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids of words, ragged int32 [B, (tokens)]."""
        return words.with_flat_values(self.ids_of(words.flat_values))

    def tokenize(self, texts: Any) -> tf.RaggedTensor:
        """Returns ids, ragged int32 [B, (tokens + 1)], of texts [B]: the words' and EOS."""
        ids = self._look_up(self.split_words(texts))
        # a token moves up by one place for each sentence before its own, whose EOS is in between
        places = tf.range(tf.size(ids.flat_values)) + tf.cast(ids.value_rowids(), tf.int32)
        ends = tf.cast(ids.row_limits(), tf.int32) + tf.range(tf.cast(ids.nrows(), tf.int32))
        stitched = tf.dynamic_stitch([places, ends], [ids.flat_values, tf.fill(tf.shape(ends), EOS)])
        return tf.RaggedTensor.from_row_splits(stitched, ids.row_splits + tf.range(ids.nrows() + 1), validate=False)

    @staticmethod
    def cut(ids: tf.RaggedTensor, max_length: int) -> tf.RaggedTensor:
        """Returns ids [B, (tokens)] without what is beyond the first max_length - 1 tokens of a text and its EOS."""
        shorter = ids[:, :max_length]
        flat, last = shorter.flat_values, tf.cast(shorter.row_limits(), tf.int32) - 1
        return shorter.with_flat_values(tf.tensor_scatter_nd_update(flat, last[:, tf.newaxis], tf.fill(tf.shape(last), EOS)))

    def call(self, texts: Any) -> dict[str, tf.Tensor]:
        """Returns {"tokens": int32 [B, T], right-padded with PAD, "length": int32 [B], EOS included} of texts [B]."""
        ids = self.tokenize(texts)
        return {"tokens": ids.to_tensor(PAD), "length": tf.cast(ids.row_lengths(), tf.int32)}

    def detokenize(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the texts [B] of ids [B, T]: words joined by a space up to the first EOS, without PAD and BOS; UNK is "<unk>"."""
        ids = tf.convert_to_tensor(ids)
        ended = tf.cumsum(tf.cast(ids == EOS, tf.int32), axis=1) > 0
        kept = tf.logical_not(ended | (ids == PAD) | (ids == BOS))
        words = tf.ragged.boolean_mask(self._tokens.lookup(tf.cast(ids, tf.int64)), kept)
        return tf.strings.reduce_join(words, axis=-1, separator=" ")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a text file, a token a line in the order of ids; there is never half a file at `path`."""
        with open(f"{path}.tmp", "w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{token}\n" for token in [*SPECIALS, *self.words])
        os.replace(f"{path}.tmp", path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **reading: Any) -> "Vocabulary":
        """Reads what `save` wrote; how texts become words, the constructor's other arguments, is not in the file.

        Raises:
          UserError: the file cannot be read or is not a vocabulary.
        """
        lines, numbers = read_lines(path)
        if tuple(lines[: len(SPECIALS)]) != SPECIALS or numbers[-1] != len(lines):
            raise UserError(f"{path}: not a vocabulary: it must begin with the lines {', '.join(SPECIALS)} and have no blank one")
        try:
            return cls(lines[len(SPECIALS) :], **reading)
        except UserError as error:
            raise UserError(f"{path}: not a vocabulary: {error}") from None

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("words", "lowercase", "split_punctuation", "unicode")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def count_words(
    texts: Sequence[str], *, lowercase: bool = False, split_punctuation: bool = False, unicode: str = "NFC"
) -> collections.Counter[str]:
    """Returns how often each word occurs in texts, but for those of RESERVED; see `split_words`.

    Spellings that Unicode holds to be the same are counted as one word, composed, unless `unicode` is "none".
    """
    counts: collections.Counter[bytes] = collections.Counter()
    for start in range(0, len(texts), CHUNK):
        chunk = split_words(texts[start : start + CHUNK], lowercase=lowercase, split_punctuation=split_punctuation)
        counts.update(chunk.flat_values.numpy().tolist())
    return as_spelt(counts.items(), unicode)


def as_spelt(counts: Iterable[tuple[bytes, int]], unicode: str) -> collections.Counter[str]:
    """Returns how often words occur, of counts of their bytes, in which one may come again: see `count_words`."""
    spelt: collections.Counter[str] = collections.Counter()
    for word, count in counts:
        spelt[word.decode() if unicode == "none" else unicodedata.normalize("NFC", word.decode())] += count
    return collections.Counter({word: count for word, count in spelt.items() if word not in RESERVED})


def _spellings(word: str) -> tuple[str, ...]:
    return () if word.isascii() else tuple(unicodedata.normalize(form, word) for form in ("NFC", "NFD"))


def _check(words: Sequence[str]) -> None:
    if not words:
        raise UserError("there are no words beside the special tokens")
    for word, count in collections.Counter(words).items():
        if not word or word in RESERVED or any(character in word for character in f"{WHITE_SPACE}\0"):
            raise UserError(f"{word!r} is not a word: it is empty, a special token, an unknown mark, or has white space or NUL in it")
        if count > 1:
            raise UserError(f"the word {word!r} is there {count} times")
