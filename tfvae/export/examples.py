"""A request of each signature: for the check of an export, to warm a server up, and for the model card."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.export.signatures import Signature

Request = dict[str, list[Any]]


def examples(signatures: Mapping[str, Signature], items: Sequence[Any]) -> dict[str, Request]:
    """Returns, for each signature, as many rows as there are items, inputs by name."""
    rows = len(items)
    plain = [item if isinstance(item, str) else np.asarray(item).tolist() for item in items]
    made: dict[str, Request] = {}
    for name, signature in signatures.items():
        made[name] = {}
        for spec in signature.inputs:
            width = spec.shape[1] if spec.shape.rank == 2 else 0
            values: dict[str, list[Any]] = {
                "start": plain,
                "end": [*plain[1:], plain[0]],
                "temperature": [1.0] * rows,
                "top_k": [0, *[10] * (rows - 1)],
                "seed": list(range(rows)),
                "components": [[-1] * width, *[[0] * width] * (rows - 1)],
                "contexts": [[*plain[: row % (width + 1)], *[""] * width][:width] for row in range(rows)],
                "z": [[round(0.1 * (row - 1), 3)] * width for row in range(rows)],
            }
            made[name][spec.name] = values.get(spec.name, plain)
    return made
