"""A Keras model whose steps may be shared by replicas."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


class Replicated(keras.Model):
    """A model whose `train_step` and `test_step` answer alike on all replicas, as those do that make sums over them (`tfvae.replicas`).

    Keras would average answers over an axis that scalars do not have (keras issue 20585), and batches to build a model that comes built.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Makes the model, which belongs to the strategy in whose scope it is made; without one it is trained as any other."""
        super().__init__(**kwargs)
        self._replicated = tf.distribute.has_strategy()

    def make_train_function(self, force: bool = False) -> Any:
        """Returns a function that takes a batch from an iterator and makes a step."""
        if not self._replicated:
            return super().make_train_function(force)
        self.train_function = self._on_replicas(self.train_step)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Any:
        """Returns the same of `test_step`, made once."""
        if not self._replicated:
            return super().make_test_function(force)
        if self.test_function is None or force:
            self.test_function: Any = self._on_replicas(self.test_step)
        return self.test_function

    def _on_replicas(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        strategy = self.distribute_strategy

        @tf.function(reduce_retracing=True, autograph=False)
        def once(iterator: Any) -> Any:
            answers = strategy.run(step, args=(next(iterator),))
            return tf.nest.map_structure(lambda answer: strategy.experimental_local_results(answer)[0], answers)

        return once

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Does nothing."""
