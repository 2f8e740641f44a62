"""From a batch of images to features."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae.encoders.encoder import Batch, Encoder
from tfvae.layers.residual_block import ResidualBlock, convolution


@keras.saving.register_keras_serializable(package="tfvae")
class ResidualEncoder(Encoder):
    """Residual blocks, each followed by a convolution of size and stride 2, which halves height and width, rounding down.

    Features are the last maps, numbered row, column, map. They depend on the other images of a batch in training alone.

    Args:
      height: H of an image.
      width: W.
      filters: maps of every block; or as many numbers as there are blocks.
      num_layers: blocks.
      kernel_size: of the blocks' convolutions, odd.
      seed: of the initial weights.

    Raises:
      ValueError: more or fewer numbers of filters than blocks, an even kernel_size, or images of which the strides leave nothing.

    References:
      Dieng et al., "Avoiding Latent Variable Collapse With Generative Skip Models", 2019, section 4: 3 blocks of 64 maps.
    """

    def __init__(
        self,
        height: int,
        width: int,
        *,
        filters: int | Sequence[int] = 64,
        num_layers: int = 3,
        kernel_size: int = 3,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height, self.width, self.num_layers, self.kernel_size, self.seed = height, width, num_layers, kernel_size, seed
        self.filters = filters if isinstance(filters, int) else list(filters)
        outputs = [filters] * num_layers if isinstance(filters, int) else list(filters)
        if len(outputs) != num_layers:
            raise ValueError(f"filters = {filters}: must be one number or one for each of {num_layers} blocks")
        rows, columns = height >> num_layers, width >> num_layers
        if not rows * columns:
            raise ValueError(f"num_layers = {num_layers}: halving images of {height} x {width} so often leaves nothing of them")
        self.output_dim = rows * columns * outputs[-1]
        draw = random.Random(seed)
        self.blocks: list[ResidualBlock] = []
        self.strides: list[keras.layers.Conv2D] = []
        for layer, (maps, count) in enumerate(zip([1, *outputs], outputs, strict=False)):
            options: dict[str, Any] = {"seed": draw.getrandbits(31), "name": f"block_{layer}", "dtype": self.dtype_policy}
            self.blocks.append(ResidualBlock(count, input_filters=maps, kernel_size=kernel_size, **options))
            options |= {"seed": draw.getrandbits(31), "name": f"stride_{layer}"}
            self.strides.append(convolution(count, 2, strides=2, **options))
            self.strides[-1].build((None, None, None, count))
        self.built = True

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features, shape [B, F], F being `output_dim`.

        Args:
          batch: "image" [B, H, W], in [0, 1].
          seed: in training, int32 [2], of which nothing is drawn: batch normalisation uses the batch's statistics and moves its own. None:
            outside training, where it uses its own.
        """
        x = tf.cast(batch["image"], self.compute_dtype)[..., tf.newaxis]
        for block, stride in zip(self.blocks, self.strides, strict=True):
            x = stride(block(x, training=seed is not None))
        return tf.reshape(x, [-1, self.output_dim])

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("height", "width", "filters", "num_layers", "kernel_size", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
