"""A perceptron that classifies vectors.

References:
  Dieng, Kim, Rush, Blei. Avoiding Latent Variable Collapse With Generative Skip Models. AISTATS 2019, section 5 (the probe of images).
  Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov. Dropout. JMLR 15, 2014.
"""

import random
from typing import Self

import keras
import numpy as np
import tensorflow as tf

_LEARNING_RATE = 2e-3  # at first; it falls to 0 as a cosine does


class PerceptronClassifier:
    """Hidden layers of ReLU units, each followed by dropout, trained by Adam on the cross-entropy.

    Args:
      units: of a hidden layer.
      num_layers: hidden layers.
      dropout: share of units that are hidden in training.
      epochs: passes over the vectors.
      batch_size: vectors an update.
      seed: of initial weights, dropout and the order of vectors.

    Attributes:
      classes: the numbers of the classes, ascending, [C].
    """

    def __init__(
        self, units: int = 1024, num_layers: int = 2, dropout: float = 0.5, epochs: int = 28, batch_size: int = 512, seed: int = 0
    ) -> None:
        self.units, self.num_layers, self.dropout = units, num_layers, dropout
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed

    def fit(self, x: np.ndarray, y: np.ndarray) -> Self:
        """Learns the classes [N] of vectors [N, D]."""
        self.classes, y = np.unique(y, return_inverse=True)
        vectors, classes = tf.constant(x, tf.float32), tf.constant(y.ravel(), tf.int32)
        size = min(self.batch_size, len(x))
        batches = len(x) // size
        self.network = self._network(x.shape[1])
        optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, self.epochs * batches))
        optimizer.build(self.network.trainable_variables)

        @tf.function(autograph=False)
        def update(rows: tf.Tensor) -> None:
            with tf.GradientTape() as tape:
                logits = self.network(tf.gather(vectors, rows), training=True)
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(classes, rows), logits))
            variables = self.network.trainable_variables
            optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)

        draw = np.random.default_rng(self.seed)
        for _ in range(self.epochs):
            for rows in draw.permutation(len(x))[: batches * size].reshape(batches, size):
                update(tf.constant(rows))
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Returns the most probable class of each vector, [N], of vectors [N, D]."""
        logits = [self.network(tf.constant(some, tf.float32)).numpy() for some in np.array_split(x, 1 + len(x) // 10_000)]
        return self.classes[np.concatenate(logits).argmax(axis=-1)]

    def _network(self, size: int) -> keras.Sequential:
        draw = random.Random(self.seed)
        layers: list[keras.layers.Layer] = [keras.Input([size])]
        for units in [self.units] * self.num_layers:
            start = keras.initializers.GlorotUniform(draw.getrandbits(31))
            layers.append(keras.layers.Dense(units, "relu", kernel_initializer=start, dtype="float32"))
            layers.append(keras.layers.Dropout(self.dropout, seed=draw.getrandbits(31), dtype="float32"))
        start = keras.initializers.GlorotUniform(draw.getrandbits(31))
        return keras.Sequential([*layers, keras.layers.Dense(len(self.classes), kernel_initializer=start, dtype="float32")])
