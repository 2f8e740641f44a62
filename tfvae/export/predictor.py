"""An exported model as a function of columns, which engines may send to their workers."""

import functools
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.data.batching import similar_batches
from tfvae.data.columns import strings
from tfvae.errors import UserError, suggest
from tfvae.export.loaded import LoadedModel

_CHARACTERS = 5  # of a token, about, by which texts of similar length are found


class Predictor:
    """A signature of an exported model: texts in, arrays out, a row a text.

    It holds a path alone and may be pickled; a process loads the model where it first predicts, once for all predictors of that path.
    """

    def __init__(self, path: str, signature: str = "encode", *, batch_size: int = 256, threads: int = 1, trusted: bool = False) -> None:
        """Names a model.

        Args:
          path: the folder of a version, as `tfvae-export` wrote it, which all workers see under this name.
          signature: one with a single input, such as encode, predict, reconstruct or score.
          batch_size: rows at a time, fewer of long texts.
          threads: of the processor that a model uses; 0: all.
          trusted: whether its graphs may reach beyond memory.
        """
        self.path, self.signature, self.batch_size, self.threads, self.trusted = str(path), signature, batch_size, threads, trusted

    def __call__(self, column: Any) -> dict[str, np.ndarray]:
        """Predicts.

        Args:
          column: N texts, as `tfvae.data.columns.strings` takes them, or, of a signature of numbers, an array of N rows.

        Returns:
          arrays of N rows by the names of the signature's outputs, texts as objects of str; `status` says of a row why it has no answer.

        Raises:
          UserError: the path holds no model, or there is no such signature of one input.
        """
        model = _load(self.path, self.threads, self.trusted)
        signature = model.signatures.get(self.signature)
        if signature is None:
            raise UserError(f"{self.path}: no signature {self.signature!r}{suggest(self.signature, model.signatures)}")
        if len(signature.inputs) != 1:
            raise UserError(f"the signature {self.signature} takes {', '.join(sorted(signature.inputs))}, and a column is one of them")
        [(name, spec)] = signature.inputs.items()
        column = column if hasattr(column, "__len__") else list(column)
        texts = spec.dtype == tf.string and len(column) > 0
        rows, length = _texts(strings(column)) if texts else _numbers(column, spec)
        answers: dict[str, np.ndarray] = {}
        for index in similar_batches(length, self.batch_size):
            for key, values in model.run(self.signature, {name: rows[index]}).items():
                if key not in answers:
                    answers[key] = np.zeros([len(rows), *values.shape[1:]], values.dtype)
                answers[key] = _widened(answers[key], values.shape)
                columns: tuple[Any, ...] = tuple(map(slice, values.shape[1:]))
                answers[key][(index, *columns)] = values
        if not answers:
            answers = {key: np.zeros([0, *(size or 0 for size in one.shape[1:])], _kind(one)) for key, one in signature.outputs.items()}
        return {key: _decoded(values) if values.dtype == object else values for key, values in answers.items()}


def predictor(path: str, signature: str = "encode", **options: Any) -> Predictor:
    """Returns a signature of an exported model as a function of columns, that may be pickled: see `Predictor`."""
    return Predictor(path, signature, **options)


@functools.cache
def _load(path: str, threads: int, trusted: bool) -> LoadedModel:
    return LoadedModel(pathlib.Path(path), trusted=trusted, threads=threads)


def _texts(texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Texts as bytes, [N], and about how many tokens each has, [N]."""
    found = [text.encode() for text in texts]
    rows = np.empty(len(found), object)
    rows[:] = found
    return rows, np.array([1 + len(text) // _CHARACTERS for text in found], np.int64)


def _numbers(column: Any, spec: tf.TensorSpec) -> tuple[np.ndarray, np.ndarray]:
    """The same of rows of numbers, which all cost alike."""
    rows = np.asarray(column, spec.dtype.as_numpy_dtype)
    return rows, np.ones(len(rows), np.int64)


def _kind(spec: tf.TensorSpec) -> Any:
    return object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype


def _widened(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Values padded with zeros, where a batch has longer rows than those before."""
    return np.pad(values, [(0, 0), *((0, max(0, own - size)) for own, size in zip(shape[1:], values.shape[1:], strict=True))])


def _decoded(values: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda text: text.decode() if isinstance(text, bytes) else "", otypes=[object])(values)
