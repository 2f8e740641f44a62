"""Images of black and white pixels."""

import pathlib
import types
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.config import DataConfig
from tfvae.modalities.arrays import Arrays
from tfvae.modalities.grid import grid, write_png

_WHITE = 255
_COLUMNS = 8


class Pixels(Arrays):
    """An example is an image, uint8 [H, W], whose grey pixels become 0 or 1.

    Under "stochastic", a pixel of intensity g is 1 with probability g / 255, drawn anew in every epoch as a function of (seed, epoch, the
    image's number); outside training it is drawn once. Under "threshold", it is 1 from 128 on.

    References:
      Salakhutdinov, Murray. On the Quantitative Analysis of Deep Belief Networks. ICML 2008, section 5.2 (stochastic binarization).
    """

    item, unit, name, learnt = "image", "pixel", "images", "size of images"
    key, dtype, limits_of_values, sizes = "image", np.uint8, (0, _WHITE), ("height", "width")
    usual_shape: Mapping[str, int] = types.MappingProxyType({"height": 28, "width": 28})
    suffix = ".png"
    limits = "Images are those of the training images' kind, black and white."

    def __init__(self, height: int, width: int, *, binarize: str = "stochastic", seed: int = 0) -> None:
        """Sets the size, how pixels become 0 or 1, and the seed of that outside training."""
        super().__init__(height, width, seed=seed)
        self.binarize = binarize

    @classmethod
    def of(cls, size: Sequence[int], data: DataConfig) -> "Pixels":
        """Makes the modality from the size of an image and the settings of the data."""
        height, width = size
        return cls(height, width, binarize=data.binarize, seed=data.split_seed)

    def shown(self, items: tf.Tensor, seed: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
        """Returns pixels 0 or 1, float32 [B, H, W]."""
        grey = tf.cast(items, tf.float32) / _WHITE
        if self.binarize == "threshold":
            return tf.cast(grey >= 0.5, tf.float32)
        return tf.cast(stateless.uniform(tf.shape(grey), stateless.rows(seed, index)) < grey, tf.float32)

    def show(self, raw: tf.Tensor) -> tf.Tensor:
        """Returns images, uint8 [N, H, W], of intensities in [0, 1]."""
        return tf.cast(tf.round(tf.cast(raw, tf.float32) * _WHITE), tf.uint8)

    def save_items(self, path: pathlib.Path, items: np.ndarray, columns: int) -> None:
        """Writes a PNG file, the images row by row."""
        write_png(path, grid(items, columns))

    def summarize(self, tag: str, heading: str, notes: Sequence[Any], items: np.ndarray) -> None:
        """Writes the images in one, in the order of their notes."""
        tf.summary.image(tag, grid(items, _COLUMNS)[np.newaxis, ..., np.newaxis])

    def reading(self, data: DataConfig) -> str:
        """Returns what images are, and what becomes of grey."""
        height, width = self.size
        grey = "are drawn, always alike: they" if self.binarize == "stochastic" else "from 128 on"
        return f"Images are {height} x {width} intensities from 0 to 255; grey pixels {grey} become white or else black."
