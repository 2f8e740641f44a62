"""What every kind of example offers."""

import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus, Split
from tfvae.errors import UserError

Batch = dict[str, Any]


class Examples(Protocol):
    """A split, ready to become batches.

    Attributes:
      cost: what each example costs beside others, int [N]: a batch is made of like ones.
    """

    @property
    def cost(self) -> np.ndarray:
        """What each example costs beside others, int [N]."""

    def __len__(self) -> int:
        """How many there are."""

    def batch(self, index: Any, epoch: Any = None) -> Batch:
        """Returns the batch of the examples that `index`, int [B], names, as the epoch shows them; None: as evaluation does.

        It has "weight" [B], "index" [B] and "labels" {name: [B]}, beside what the encoder and the decoder read.
        """


class Modality:
    """Items outside, batches inside: all that knows what an example is.

    Attributes:
      item: what one example is called.
      unit: what one observation of it is called.
      name: what several are called; the name of an exported model's input.
      learnt: what `learn` finds, in words.
      files: names of what `save` writes.
      suffix: of files that show items.
      printable: whether an item is a line of text.
      usual_shape: sizes of an example where no corpus says them.
      limits: what a model of such items cannot do, in sentences.
      scored_in_graph: whether an exported model is given all of an item, and can say how probable it is.
    """

    item: str
    unit: str
    name: str
    learnt: str
    files: tuple[str, ...]
    suffix: str
    limits: str
    usual_shape: Mapping[str, int]
    printable: bool = False
    scored_in_graph: bool = True

    @classmethod
    def learn(cls, corpus: Corpus, data: DataConfig) -> "Modality":
        """Makes the modality of a corpus from its training split.

        Raises:
          UserError: the split does not do.
        """
        raise NotImplementedError

    @classmethod
    def load(cls, folder: pathlib.Path, data: DataConfig) -> "Modality":
        """Reads what `save` wrote.

        Raises:
          UserError: the files cannot be read.
        """
        raise NotImplementedError

    def save(self, folder: pathlib.Path) -> None:
        """Writes what `learn` found into a folder; there is never half a file."""
        raise NotImplementedError

    def same(self, other: "Modality") -> bool:
        """Returns whether items become the same batches under another."""
        raise NotImplementedError

    def shared_rows(self, other: "Modality") -> tuple[np.ndarray, np.ndarray, int, int] | None:
        """Returns which entries along an axis of weights stand for the same as another's.

        Returns:
          their numbers here and there, int [n] each, and how many entries such an axis has here and there; None: weights have no such axis.
        """
        return None

    @property
    def shape(self) -> Mapping[str, int]:
        """Sizes of an example by name: what encoders and decoders are made for."""
        raise NotImplementedError

    def describe(self) -> str:
        """Returns the shape in words."""
        raise NotImplementedError

    def examples(self, split: Split, *, training: bool = False, seed: int = 0) -> Examples:
        """Makes a split's examples.

        Args:
          split: the items.
          training: whether they are trained on: what limits and draws there are, are those of training.
          seed: of what is drawn to show them.
        """
        raise NotImplementedError

    def longest(self, split: Split) -> int:
        """Returns the most observations that an item of a split has, no more than there is a limit to."""
        raise NotImplementedError

    def batches(self, items: Any, batch_size: int) -> Iterator[tuple[np.ndarray, Batch, dict[str, np.ndarray]]]:
        """Yields the numbers [B] of some items, their batch, and what else there is to know of them, arrays [B, ...].

        All items come, in an order that makes batches of like ones. The batch has "index", int32 [B], which depends on an item alone, so
        that its noise does not depend on its place.

        Raises:
          UserError: they are no such items, or there are none.
        """
        raise NotImplementedError

    def of_texts(self, texts: Sequence[str]) -> Any:
        """Returns the items that a command line names by texts.

        Raises:
          UserError: a command line cannot.
        """
        raise UserError(f"--text: this model has {self.name}, which a command line cannot name; --input names a file of them")

    def read_file(self, path: str, column: str = "") -> Any:
        """Reads a file of items.

        Args:
          path: of the file.
          column: of the items where the file is a table; "" is the only one, or the one that is called what items are.

        Raises:
          UserError: it cannot be read, or has no such column.
        """
        raise NotImplementedError

    def show(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns items, a tensor [N, ...], of what a decoder has written; in a graph."""
        raise NotImplementedError

    def unpack(self, shown: Sequence[np.ndarray]) -> Any:
        """Returns what a user is given of parts that `show` has made: a sequence of N items."""
        raise NotImplementedError

    @property
    def an_item(self) -> str:
        """What an example is called, with its article."""
        return f"{'an' if self.item[0] in 'aeiou' else 'a'} {self.item}"

    def captions(self, items: Any, numbers: Sequence[int] | None = None) -> list[str]:
        """Returns a line of text for each item, that tells them apart; their numbers are 0, 1, … unless others are given."""
        return [f"{self.item} {number}" for number in (range(len(items)) if numbers is None else numbers)]

    def quoted(self, caption: str) -> str:
        """Returns a caption as it stands in a sentence."""
        return caption

    def summarize(self, tag: str, heading: str, notes: Sequence[Any], items: Any) -> None:
        """Writes items, each with a note, for TensorBoard, to the default writer; `heading` says what the notes are."""
        raise NotImplementedError

    def save_items(self, path: pathlib.Path, items: Any, columns: int) -> None:
        """Writes items into a file that shows them, some beside each other."""
        raise NotImplementedError

    def input_spec(self) -> tf.TensorSpec:
        """Returns the input of an exported model: items, the batch first."""
        raise NotImplementedError

    def inputs(self, items: Any) -> Any:
        """Returns items as an exported model takes them."""
        return items

    def read(self, items: tf.Tensor) -> Batch:
        """Returns the batch of items, a tensor of `input_spec`, with "index" as in `batches`; in a graph."""
        raise NotImplementedError

    def blank(self) -> tf.Tensor:
        """Returns the item that stands for no answer."""
        raise NotImplementedError

    def remark(self, batch: Mapping[str, Any]) -> tf.Tensor:
        """Returns what a user must know of each item of a batch, strings [B], empty where there is nothing; in a graph."""
        return tf.fill([tf.shape(batch["index"])[0]], "")

    def width(self, batch: Batch) -> tf.Tensor:
        """Returns what a row of a batch costs, in tokens; in a graph."""
        raise NotImplementedError

    def rows(self, batch: Batch, start: tf.Tensor, count: tf.Tensor) -> Batch:
        """Returns some rows of a batch; in a graph."""
        return tf.nest.map_structure(lambda leaf: leaf[start : start + count], batch)

    def stand_ins(self) -> Any:
        """Returns three items or more, where no corpus is at hand."""
        raise NotImplementedError

    def input_stand_ins(self) -> Any:
        """Returns three items or more as an exported model takes them, where no corpus is at hand."""
        return self.stand_ins()

    def reading(self, data: DataConfig) -> str:
        """Returns how an exported model reads items, in sentences."""
        return ""

    def written(self, max_length: int, *, ordered: bool) -> str:
        """Returns what bounds the items that an exported model writes, by a decoder that knows order or not: a sentence and a space."""
        return ""

    def tables(self) -> list[Any]:
        """Returns look-up tables that an exported model must keep."""
        return []
