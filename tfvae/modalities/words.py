"""Texts: strings outside, token ids inside."""

import html
import pathlib
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.config import DataConfig
from tfvae.data import demo
from tfvae.data.batching import TokenExamples, similar_batches, tokenize_split
from tfvae.data.columns import strings
from tfvae.data.corpus import Corpus, Split
from tfvae.data.files import read_lines, split_label, write_text
from tfvae.data.sharded import ShardedExamples
from tfvae.data.shards import ShardedTexts
from tfvae.data.tables import kind_of, texts_of
from tfvae.data.tokenizers import learn_vocabulary, load_vocabulary, warn_of_words
from tfvae.data.vocabulary import CHUNK, Vocabulary
from tfvae.errors import UserError
from tfvae.layers.word_counts import FIRST
from tfvae.modalities.modality import Batch, Modality
from tfvae.tokens import EOS, PAD, UNK

_SUB_WORDS = (
    "Texts are split into sub-words by TensorFlow Text's operations: TensorFlow Serving has them, a plain TensorFlow runtime must load "
    "their library first (`tf.load_op_library`, `TF_LoadLibrary`), or does not load the model at all."
)
_WORDS = "Only TensorFlow's own operations are in the graph, look-up of words included: every runtime that loads SavedModels loads it."


class Words(Modality):
    """An example is a text, a sequence of words of a vocabulary.

    Attributes:
      vocabulary: texts <-> ids.
      max_length: tokens beyond which a text is cut wherever it is encoded or scored, end of sentence included.
      train_max_length: the same of training; 0: as elsewhere.
    """

    item, unit, name, learnt = "sentence", "word", "texts", "vocabulary"
    files: tuple[str, ...] = ("vocabulary.txt",)
    usual_shape: Mapping[str, int] = types.MappingProxyType({"vocabulary_size": 10_000})
    suffix, printable = ".txt", True
    limits = (
        "Words that training did not have are read as unknown and never written. Sentences are those of the training texts' kind: the "
        "model knows nothing of whether what it writes is true, and repeats what is offensive in its data."
    )

    def __init__(self, vocabulary: Vocabulary, *, max_length: int = 1000, train_max_length: int = 0) -> None:
        """Joins a vocabulary and limits."""
        self.vocabulary, self.max_length, self.train_max_length = vocabulary, max_length, train_max_length

    @classmethod
    def learn(cls, corpus: Corpus, data: DataConfig) -> "Words":
        """Makes the vocabulary of the training texts, or takes the one that the corpus comes with."""
        vocabulary = learn_vocabulary(corpus.train.items, data, closed=corpus.words)
        if not corpus.words:
            warn_of_words(corpus, vocabulary)
        return cls.of(vocabulary, data)

    @classmethod
    def load(cls, folder: pathlib.Path, data: DataConfig) -> "Words":
        """Reads vocabulary.txt."""
        return cls.of(load_vocabulary(folder / cls.files[0], data), data)

    @classmethod
    def of(cls, vocabulary: Vocabulary, data: DataConfig) -> "Words":
        """Joins a vocabulary and the limits of a configuration."""
        return cls(vocabulary, max_length=data.eval_max_length, train_max_length=data.train_max_length)

    def save(self, folder: pathlib.Path) -> None:
        """Writes vocabulary.txt."""
        self.vocabulary.save(folder / self.files[0])

    def same(self, other: Modality) -> bool:
        """Returns whether the words are the same, in the same order."""
        return isinstance(other, Words) and other.vocabulary.words == self.vocabulary.words

    def shared_rows(self, other: Modality) -> tuple[np.ndarray, np.ndarray, int, int] | None:
        """Returns the ids of words that both vocabularies have, special tokens included."""
        if not isinstance(other, Words):
            return None
        own, theirs = self.vocabulary, other.vocabulary
        places = {word: FIRST + number for number, word in enumerate(theirs.words)}
        both = [(FIRST + number, places[word]) for number, word in enumerate(own.words) if word in places]
        pairs = np.array([*((special, special) for special in range(FIRST)), *both])
        return pairs[:, 0], pairs[:, 1], own.size, theirs.size

    @property
    def shape(self) -> Mapping[str, int]:
        """The size V of the vocabulary, special tokens included."""
        return {"vocabulary_size": self.vocabulary.size}

    def describe(self) -> str:
        """Returns how many words there are."""
        return f"{self.vocabulary.size:,} words"

    def examples(self, split: Split, *, training: bool = False, seed: int = 0) -> TokenExamples:
        """Turns texts into ids, cut to the limits, and logs what was cut; those of shards are ids already.

        Raises:
          UserError: shards of other words.
        """
        longest = min(self.max_length, self.train_max_length) if training and self.train_max_length else self.max_length
        if isinstance(split.items, ShardedTexts):
            if self.vocabulary.words != tuple(split.items.words):
                raise UserError(f"{split.origin}: shards are of the words that they were written with, and the model has others")
            return ShardedExamples(split.items, longest)
        return tokenize_split(split, self.vocabulary, longest, ceiling=self.max_length)

    def longest(self, split: Split) -> int:
        """Returns the tokens of the longest text, its end included."""
        return min(int(self.examples(split).whole_length.max()), self.max_length)

    def batches(self, items: Any, batch_size: int) -> Iterator[tuple[np.ndarray, Batch, dict[str, np.ndarray]]]:
        """Yields batches of texts of similar lengths, fewer where they are long.

        Of each text "length" is its tokens before it was cut, its end included, and "unknown" those of them that are not in the vocabulary.
        """
        items = strings(items, self.name)
        for start in range(0, len(items), CHUNK):
            ids = self.vocabulary.tokenize(tf.constant(items[start : start + CHUNK]))
            length = ids.row_lengths().numpy()
            unknown = tf.reduce_sum(tf.cast(ids == UNK, tf.int32), axis=1).numpy()
            cut = self.vocabulary.cut(ids, self.max_length)
            for batch in similar_batches(np.minimum(length, self.max_length), batch_size):
                yield start + batch, _batch(tf.gather(cut, batch)), {"length": length[batch], "unknown": unknown[batch]}

    def of_texts(self, texts: Sequence[str]) -> Sequence[str]:
        """Returns the texts."""
        return strings(texts, self.name)

    def read_file(self, path: str, column: str = "") -> Sequence[str]:
        """Reads a text a line, optionally 'label TAB text', plain or .gz, or a column of a table."""
        if column or kind_of(path):
            return texts_of(path, column).texts
        return [split_label(line)[1] for line in read_lines(path, advice="check --input")[0]]

    def show(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns texts, strings [N], of ids [N, T]."""
        return self.vocabulary.detokenize(raw)

    def unpack(self, shown: Sequence[np.ndarray]) -> list[str]:
        """Returns a list of strings."""
        return [text.decode() for part in shown for text in part]

    def captions(self, items: Sequence[str], numbers: Sequence[int] | None = None) -> list[str]:
        """Returns the texts without what would break a line."""
        return [" ".join(text.split()) for text in items]

    def quoted(self, caption: str) -> str:
        """Returns it between quotation marks."""
        return f"“{caption}”"

    def summarize(self, tag: str, heading: str, notes: Sequence[Any], items: Sequence[str]) -> None:
        """Writes a table, a text a line."""
        rows = [f"| {note} | {as_markdown(text)} |" for note, text in zip(notes, items, strict=True)]
        tf.summary.text(tag, "\n".join([f"| {heading} | {self.item} |", "|---|---|", *rows]))

    def save_items(self, path: pathlib.Path, items: Sequence[str], columns: int) -> None:
        """Writes a text a line."""
        write_text(path, "".join(f"{text}\n" for text in items))

    def input_spec(self) -> tf.TensorSpec:
        """Returns texts, strings [B]."""
        return tf.TensorSpec([None], tf.string, self.name)

    def read(self, items: tf.Tensor) -> Batch:
        """Returns ids of texts; one that is no UTF-8 is read with marks in place of what cannot be."""
        texts = tf.strings.unicode_transcode(items, "UTF-8", "UTF-8", errors="replace")
        return _batch(self.vocabulary.cut(self.vocabulary.tokenize(texts), self.max_length))

    def blank(self) -> tf.Tensor:
        """Returns the empty text."""
        return tf.constant("")

    def remark(self, batch: Mapping[str, Any]) -> tf.Tensor:
        """Returns which texts have no word that is known."""
        known = tf.reduce_any(batch["tokens"] > EOS, axis=1)
        return tf.where(known, "", "no word is in the model's vocabulary")

    def width(self, batch: Batch) -> tf.Tensor:
        """Returns the tokens of a row, padding included."""
        return tf.maximum(1, tf.shape(batch["tokens"])[1])

    def rows(self, batch: Batch, start: tf.Tensor, count: tf.Tensor) -> Batch:
        """Returns some rows of a batch, padded to the longest of them alone."""
        rows = super().rows(batch, start, count)
        return {**rows, "tokens": rows["tokens"][:, : tf.maximum(1, tf.reduce_max(rows["length"]))]}

    def stand_ins(self) -> Sequence[str]:
        """Returns sentences of the demo corpus."""
        return demo.read().test.items

    def reading(self, data: DataConfig) -> str:
        """Returns where texts are cut, and which operations split them."""
        return f"Texts are cut to {self.max_length} tokens. {_WORDS if data.tokenizer == 'word' else _SUB_WORDS}"

    def written(self, max_length: int, *, ordered: bool) -> str:
        """Returns how long a sentence is at most, or how many words are listed."""
        return f"Sentences have {max_length} tokens at most. " if ordered else f"What is written are the {max_length} likeliest words. "

    def tables(self) -> list[Any]:
        """Returns the vocabulary's."""
        return self.vocabulary.tables


def _batch(ids: tf.RaggedTensor) -> Batch:
    """The batch of texts' ids, [B, (tokens)]."""
    tokens = ids.to_tensor(PAD)
    return {"tokens": tokens, "length": tf.cast(ids.row_lengths(), tf.int32), "index": stateless.fingerprint(tokens)}


def as_markdown(text: str) -> str:
    """Returns a text that Markdown, with HTML in it, shows as it is in a field of a table."""
    return re.sub(r"([\\`*_|\[\]~])", r"\\\1", html.escape(text, quote=False))
