"""Texts with features beside: what is inferred is read from the features, what is written are words."""

import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.config import DataConfig
from tfvae.data.batching import TokenExamples
from tfvae.data.columns import numbers, strings
from tfvae.data.corpus import Corpus, Split
from tfvae.data.features import Features, features_of
from tfvae.data.files import write_text
from tfvae.data.vocabulary import Vocabulary
from tfvae.errors import UserError
from tfvae.modalities.modality import Batch, Modality
from tfvae.modalities.words import Words


class FeaturedWords(Words):
    """An example is a text and a vector of features, such as a sentence embedding.

    Where a pretrained model makes the features, items are texts. Where they are in a file, they are pairs (texts, features), or, of the
    corpus itself, texts.

    Attributes:
      features: where they come from.
      num_features: F.
    """

    scored_in_graph = False
    files = ("vocabulary.txt", "features.json")
    usual_shape: Mapping[str, int] = {"vocabulary_size": 10_000, "num_features": 384}

    def __init__(self, vocabulary: Vocabulary, *, features: Features, num_features: int, **limits: int) -> None:
        """Joins a vocabulary, features and limits."""
        super().__init__(vocabulary, **limits)
        self.features, self.num_features = features, num_features

    @classmethod
    def learn(cls, corpus: Corpus, data: DataConfig) -> "FeaturedWords":
        """Makes the vocabulary of the training texts, and counts their features."""
        features = features_of(data)
        return cls._joined(Words.learn(corpus, data), features, features.of_split(corpus.train.head(1)).shape[1])

    @classmethod
    def load(cls, folder: pathlib.Path, data: DataConfig) -> "FeaturedWords":
        """Reads vocabulary.txt and features.json."""
        path = folder / cls.files[1]
        try:
            number = int(json.loads(path.read_text())["num_features"])
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"{path}: does not hold the number of features; take the file as the run was written") from None
        return cls._joined(Words.load(folder, data), features_of(data), number)

    @classmethod
    def _joined(cls, words: Words, features: Features, num_features: int) -> "FeaturedWords":
        limits = {"max_length": words.max_length, "train_max_length": words.train_max_length}
        return cls(words.vocabulary, features=features, num_features=num_features, **limits)

    def save(self, folder: pathlib.Path) -> None:
        """Writes vocabulary.txt and features.json."""
        super().save(folder)
        write_text(folder / self.files[1], json.dumps({"num_features": self.num_features}) + "\n")

    def same(self, other: Modality) -> bool:
        """Returns whether words and the number of features are the same."""
        return super().same(other) and isinstance(other, FeaturedWords) and other.num_features == self.num_features

    @property
    def shape(self) -> Mapping[str, int]:
        """The size of the vocabulary and the number of features."""
        return {**super().shape, "num_features": self.num_features}

    def describe(self) -> str:
        """Returns how many words and features there are."""
        return f"{super().describe()}, {self.num_features} features"

    def examples(self, split: Split, *, training: bool = False, seed: int = 0) -> "FeaturedExamples":  # type: ignore[override]
        """Turns texts into ids, with their features."""
        return FeaturedExamples(super().examples(split, training=training, seed=seed), self._sized(self.features.of_split(split)))

    def batches(self, items: Any, batch_size: int) -> Iterator[tuple[np.ndarray, Batch, dict[str, np.ndarray]]]:
        """Yields batches of texts, or of pairs (texts, features)."""
        given = isinstance(items, tuple) and len(items) == 2 and not isinstance(items[1], str)
        texts = strings(items[0] if given else items, self.name)
        features = self._sized(numbers(items[1], "features") if given else self.features.of_texts(texts))
        if len(features) != len(texts):
            raise UserError(f"{len(texts)} texts and {len(features)} rows of features: one a text is wanted")
        for index, batch, known in super().batches(texts, batch_size):
            yield index, {**batch, "features": tf.constant(features[index])}, known

    def _sized(self, features: np.ndarray) -> np.ndarray:
        if features.shape[1] != self.num_features:
            raise UserError(f"{features.shape[1]} features, and the model was trained with {self.num_features}")
        return features

    def input_spec(self) -> tf.TensorSpec:
        """Returns features, [B, F]: a graph cannot make them of texts."""
        return tf.TensorSpec([None, self.num_features], tf.float32, "features")

    def inputs(self, items: Sequence[str]) -> Sequence[Any]:
        """Returns the features of texts."""
        return list(self.features.of_texts(items))

    def input_stand_ins(self) -> Sequence[Any]:
        """Returns features of the length that those of sentence embeddings have."""
        return list(np.eye(3, self.num_features, dtype=np.float32))

    def read(self, items: tf.Tensor) -> Batch:
        """Returns features alone."""
        return {"features": items, "index": stateless.fingerprint(items)}

    def rows(self, batch: Batch, start: tf.Tensor, count: tf.Tensor) -> Batch:
        """Returns some rows of a batch."""
        return Modality.rows(self, batch, start, count)

    def remark(self, batch: Mapping[str, Any]) -> tf.Tensor:
        """Returns nothing: what a text's words are does not matter to what is inferred."""
        return Modality.remark(self, batch)

    def width(self, batch: Batch) -> tf.Tensor:
        """Returns what features cost, as a short sentence."""
        return tf.constant(16)

    def reading(self, data: DataConfig) -> str:
        """Returns that features are made elsewhere."""
        return f"It reads {self.num_features} features of a text, which {data.features} makes, and writes words. "


class FeaturedExamples(TokenExamples):
    """Texts as ids, with features."""

    def __init__(self, words: TokenExamples, features: np.ndarray) -> None:
        """Joins ids and features, float32 [N, F]."""
        super().__init__(words.tokens, words.row_splits, words.whole_length, words.labels)
        object.__setattr__(self, "features", features)
        with tf.init_scope(), tf.device("CPU"):
            object.__setattr__(self, "_features", tf.constant(features))

    def batch(self, index: np.ndarray | tf.Tensor, epoch: Any = None) -> Batch:
        """Returns a batch of texts, with "features" [B, F]."""
        return {**super().batch(index, epoch), "features": tf.gather(self._features, index)}  # type: ignore[attr-defined]
