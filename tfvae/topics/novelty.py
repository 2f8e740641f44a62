"""How unlike the texts that a model knows others are."""

from typing import Any

import numpy as np

from tfvae.models.model import Model


class Novelty:
    """Says of items what share of known ones is less surprising.

    An item's surprise is its negative ELBO, nats, beside what items of its length usually have: lengths matter less so. An unknown word
    costs log V more, as if it were one of as many unknown ones as the vocabulary has, V: its mark alone would be no surprise.
    """

    def __init__(self, model: Model, known: Any) -> None:
        """Learns what is usual.

        Args:
          model: a trained model.
          known: N items that it was not trained on, such as those of validation.
        """
        self.model = model
        surprise, length = self._measure(known)
        self._line = np.polyfit(length, surprise, 1) if len(np.unique(length)) > 1 else np.array([0.0, surprise.mean()])
        self._sorted = np.sort(self._beyond(surprise, length))

    def __call__(self, items: Any) -> np.ndarray:
        """Returns the share of known items that are less surprising, [M], of M items: 1 for what is unlike all."""
        beyond = self._beyond(*self._measure(items))
        return np.searchsorted(self._sorted, beyond, side="left") / len(self._sorted)

    def _measure(self, items: Any) -> tuple[np.ndarray, np.ndarray]:
        scores = self.model.score(items, samples=1)
        surprise = -scores["elbo"].astype(np.float64)
        length = scores.get("length", np.ones(len(surprise))).astype(np.float64)
        words = self.model.modality.shape.get("vocabulary_size", 1)
        return surprise + scores.get("unknown", np.zeros(len(surprise))) * np.log(words), length

    def _beyond(self, surprise: np.ndarray, length: np.ndarray) -> np.ndarray:
        return (surprise - np.polyval(self._line, length)) / np.sqrt(length)
