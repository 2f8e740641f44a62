"""Sums over the examples of an epoch or an evaluation."""

from collections.abc import Mapping

import keras
import tensorflow as tf


class Totals(keras.metrics.Metric):
    """Adds up named sums of any shape in float64, so that ratios of them do not depend on how examples were batched."""

    def __init__(self, name: str = "totals") -> None:
        """Makes an empty collection; `reserve` gives it names and shapes."""
        super().__init__(name=name, dtype="float64")
        self._sums: dict[str, keras.Variable] = {}

    def reserve(self, sums: Mapping[str, tf.Tensor]) -> None:
        """Makes a variable for each of the sums, and for those that only training has."""
        for name, value in {**sums, **dict.fromkeys(("loss", "gradient_norm", "updates"), tf.constant(0.0))}.items():
            # sums of the whole batch, the same on all replicas: see `tfvae.replicas`
            options = {"dtype": "float64", "aggregation": "only_first_replica", "name": name.replace("/", "_")}
            self._sums[name] = self.add_variable(tuple(value.shape), "zeros", **options)

    def add(self, sums: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Adds a batch's sums and returns all sums so far."""
        for name, value in sums.items():
            self._sums[name].assign_add(tf.cast(value, tf.float64))
        return self.result()

    def result(self) -> dict[str, tf.Tensor]:
        """Returns the sums so far, float64."""
        return {name: tf.convert_to_tensor(variable) for name, variable in self._sums.items()}
