"""Many texts in little memory: their bytes one after another, each a string only when it is asked for."""

import array
import operator
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, overload

import numpy as np


class LazyTexts(Sequence[str]):
    """Texts that are made when they are asked for."""

    @abstractmethod
    def _text(self, index: int) -> str:
        """Returns a text, counted from 0."""

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        """Returns a text, or some."""
        if isinstance(index, slice):
            return [self._text(i) for i in range(*index.indices(len(self)))]
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(index)
        return self._text(number % len(self))

    def __eq__(self, other: Any) -> bool:
        """Whether the texts are those of another sequence."""
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # as a list


class PackedTexts(LazyTexts):
    """Texts in UTF-8, in one array: 8 bytes each beside their own, or 16 past 4 GB, where a string takes 49 and more."""

    def __init__(self, data: np.ndarray, start: np.ndarray, length: np.ndarray) -> None:
        """Has texts of bytes uint8, [N] where each begins and [N] how many it is of."""
        self._data, self._start, self.length = data, start, length

    def take(self, index: np.ndarray) -> "PackedTexts":
        """Returns the texts of the given numbers, int [M], in their order, of the same bytes."""
        return PackedTexts(self._data, self._start[index], self.length[index])

    def __len__(self) -> int:
        return len(self.length)

    def _text(self, index: int) -> str:
        start = int(self._start[index])
        return self._data[start : start + int(self.length[index])].tobytes().decode("utf-8", "surrogatepass")


class Packing:
    """Packs texts as they come."""

    def __init__(self) -> None:
        """Begins with none."""
        self._data, self._ends = bytearray(), array.array("q", [0])

    def add(self, *texts: str) -> None:
        """Packs some more."""
        for text in texts:
            self._data += text.encode("utf-8", "surrogatepass")
            self._ends.append(len(self._data))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def packed(self) -> PackedTexts:
        """Returns all of them; no more can be added."""
        bounds = np.frombuffer(self._ends, np.int64).astype(np.uint32 if len(self._data) < 1 << 32 else np.int64)
        return PackedTexts(np.frombuffer(self._data, np.uint8), bounds[:-1], np.diff(bounds))


def taken(items: Any, index: np.ndarray) -> Any:
    """Returns the items of the given numbers, int [M], in their order: of packed texts, an array or a list."""
    if isinstance(items, PackedTexts):
        return items.take(index)
    return items[index] if isinstance(items, np.ndarray) else [items[i] for i in index]
