"""Two convolutions beside a way around them."""

import random
from typing import Any

import keras
import tensorflow as tf

from tfvae import replicas


def convolution(filters: int, size: int, *, seed: int, **options: Any) -> keras.layers.Conv2D:
    """Returns a convolution whose initial weights are uniform with variance 1/3 over the fan-in; its biases are zero at first."""
    initializer = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=seed)
    return keras.layers.Conv2D(filters, size, kernel_initializer=initializer, **options)


@keras.saving.register_keras_serializable(package="tfvae")
class ResidualBlock(keras.layers.Layer):
    """x' = relu(P x + norm(C_2 * relu(norm(C_1 * x)))), with batch normalisation, and P of size 1, or the identity where that fits.

    The normalisation is as in PyTorch: epsilon 1e-5, and a tenth of the way to the batch's statistics in every step.

    Args:
      filters: F, maps of x'.
      input_filters: I, maps of x.
      kernel_size: of C_1 and C_2, odd.
      seed: of the initial weights.

    Raises:
      ValueError: an even kernel_size.

    References:
      He et al., "Deep Residual Learning for Image Recognition", 2016, section 3.
      Ioffe, Szegedy, "Batch Normalization", 2015.
    """

    def __init__(self, filters: int, *, input_filters: int, kernel_size: int = 3, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size = {kernel_size}: must be odd, so that maps keep their place")
        self.filters, self.input_filters, self.kernel_size, self.seed = filters, input_filters, kernel_size, seed
        draw = random.Random(seed)
        seeds = [draw.getrandbits(31) for _ in range(3)]
        common: dict[str, Any] = {"dtype": self.dtype_policy}
        self.convolutions = [
            convolution(filters, kernel_size, padding="same", seed=own, name=f"convolution_{i}", **common)
            for i, own in enumerate(seeds[:2])
        ]
        self.norms = [replicas.batch_normalization(f"norm_{i}", **common) for i in range(2)]
        for layer, maps in zip((*self.convolutions, *self.norms), (input_filters, filters, filters, filters), strict=True):
            layer.build((None, None, None, maps))
        self.projection: keras.layers.Conv2D | None = None
        if input_filters != filters:
            self.projection = convolution(filters, 1, seed=seeds[2], name="projection", **common)
            self.projection.build((None, None, None, input_filters))
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns x', shape [B, H, W, F].

        Args:
          x: shape [B, H, W, I].
          training: normalise by the batch's statistics, and move the moving ones, instead of normalising by those.
        """
        first, second = zip(self.convolutions, self.norms, strict=True)
        y = tf.nn.relu(first[1](first[0](x), training=training))
        y = second[1](second[0](y), training=training)
        return tf.nn.relu(y + (x if self.projection is None else self.projection(x)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "input_filters", "kernel_size", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
