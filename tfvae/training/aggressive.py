"""Aggressive training of the encoder: it catches up before the decoder moves on, while z still gains information."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.data.batching import training_batches
from tfvae.latents.aggregate import information
from tfvae.modalities.modality import Examples

WINDOW = 15
"""Encoder updates over which the loss is averaged before it is compared with those before, as in the authors' code."""
MEASURED = 300
"""Validation examples, at most, whose I(x; z) is followed."""
_INNER, _MEASURE = 2**31 - 2, 4  # seeds: of the order of inner batches, and of the samples that are measured


class Aggressive(keras.callbacks.Callback):
    """Before every update of the rest, updates the encoder alone until the loss of a window of batches is no lower than the last one's.

    After an epoch in which I(x; z) on validation has fallen below what it was, training is as usual for good. Inner batches are those of
    the same epoch in another order, again and again, and all is a function of the seed, so a run that goes on has the same figures.

    References:
      He, Spokoyny, Neubig, Berg-Kirkpatrick. Lagging Inference Networks and Posterior Collapse in Variational Autoencoders. ICLR 2019,
        algorithm 1.
    """

    def __init__(
        self, train: Examples, valid: Mapping[str, Any], *, most: int, batch_size: int, seed: int, say: Callable[[str], None]
    ) -> None:
        """Takes what it trains on and measures.

        Args:
          train: the training split.
          valid: a batch of validation examples.
          most: encoder updates before one of the rest, at most.
          batch_size: examples of an inner batch.
          seed: of the run.
          say: hears of the end of it, a line.
        """
        super().__init__()
        self.train, self.valid, self.most, self.batch_size, self.seed, self.say = train, valid, most, batch_size, seed, say
        self.memory: dict[str, Any] = {"information": -1.0, "ended": False}  # there is more of any model
        self._batches: Iterator[Any] = iter(())

    def set_model(self, model: Any) -> None:
        """Makes graphs of the inner update and of what is measured."""
        super().set_model(model)
        self._step = tf.function(model.encoder_step, reduce_retracing=True, autograph=False)
        self._information = tf.function(self._measure, autograph=False)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the epoch's inner batches."""
        self._batches = iter(()) if self.memory["ended"] else self._endless(epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Updates the encoder until that helps no more."""
        before = math.inf
        window = min(WINDOW, self.most)
        for start in range(0, 0 if self.memory["ended"] else self.most, window):
            losses = [self._step(next(self._batches), tf.constant(start + number)) for number in range(min(window, self.most - start))]
            loss = float(np.mean(losses))
            if not loss < before:
                return
            before = loss

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ends it once I(x; z) has fallen."""
        if self.memory["ended"]:
            return
        now, before = float(self._information(self.valid)), self.memory["information"]
        self.memory["information"] = max(now, before)
        if now < before:
            self.memory["ended"] = True
            self.model.end_aggressive()
            self.say(f"aggressive training of the encoder ends: I(x; z) fell from {before:.2f} to {now:.2f} nats")

    def _endless(self, epoch: int) -> Iterator[Any]:
        while True:
            yield from training_batches(self.train, self.batch_size, self.seed ^ _INNER, first_epoch=epoch, epochs=epoch + 1)

    def _measure(self, batch: Mapping[str, Any]) -> tf.Tensor:
        latent, params = self.model.latent, self.model.encode(batch)
        z = latent.sample(params, 1, stateless.rows(tf.constant([self.seed, _MEASURE]), batch["index"]))
        return tf.reduce_mean(information(latent, params, z, tf.ones_like(batch["weight"])))
