"""Passes over training examples, by which what is learned before training is learned."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tfvae.data.batching import spread
from tfvae.views.view import Batch, Passes

EXAMPLES = 100_000
"""Training examples, at most, that are looked at, spread over the split."""
AT_ONCE = 1024
"""Examples whose features are dense at a time."""


def passes_over(examples: Any) -> tuple[np.ndarray, Passes]:
    """Returns the numbers of the examples that are looked at, int32 [N], and what begins a pass over them, in batches."""
    chosen = spread(len(examples), EXAMPLES)

    def begin() -> Iterator[Batch]:
        for start in range(0, len(chosen), AT_ONCE):
            yield examples.batch(chosen[start : start + AT_ONCE])

    return chosen, begin
