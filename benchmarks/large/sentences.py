"""Sentences by the million, drawn: words of a power law of frequency, in lengths as of newspaper text."""

import pathlib

import numpy as np

WORDS = 50_000
"""Words that there are; the i-th is drawn in proportion to 1 / (i + 2.7)."""
_MEAN = 10.0
_CHUNK = 100_000
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def write_sentences(path: pathlib.Path, count: int, seed: int = 0) -> None:
    """Writes a file of so many lines, of 1 and more words each, 11 on average; frequent words are short."""
    draw = np.random.default_rng(seed)
    words = np.array(_words(draw), object)
    weight = 1 / (np.arange(WORDS) + 2.7)
    cumulative = np.cumsum(weight / weight.sum())
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, count, _CHUNK):
            length = 1 + draw.poisson(draw.gamma(4, _MEAN / 4, min(_CHUNK, count - start)))
            found = words[np.minimum(np.searchsorted(cumulative, draw.random(int(length.sum()))), WORDS - 1)].tolist()
            ends = np.cumsum(length).tolist()
            file.writelines(" ".join(found[end - size : end]) + "\n" for end, size in zip(ends, length.tolist(), strict=True))


def _words(draw: np.random.Generator) -> list[str]:
    """Different words, the first of them short."""
    found: dict[str, None] = {}
    while len(found) < WORDS:
        size = 2 + int(np.log10(len(found) + 1) * 1.4 + draw.integers(0, 3))
        found["".join(draw.choice(_LETTERS, size))] = None
    return list(found)
