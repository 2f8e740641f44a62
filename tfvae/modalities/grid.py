"""Images side by side in one image, and files of that."""

import os
import pathlib
from typing import BinaryIO

import matplotlib.image
import numpy as np

_MARGIN = 2  # pixels between images
_GREY = 128


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Returns images, uint8 [N, H, W], row by row in one, uint8 [h, w], with grey margins."""
    count, height, width = images.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    page = np.full([rows * (height + _MARGIN) + _MARGIN, columns * (width + _MARGIN) + _MARGIN], _GREY, np.uint8)
    for number, image in enumerate(images):
        top, left = (_MARGIN + place * (size + _MARGIN) for place, size in zip(divmod(number, columns), (height, width), strict=True))
        page[top : top + height, left : left + width] = image
    return page


def write_png(path: pathlib.Path, image: np.ndarray, scale: int = 2) -> None:
    """Writes a grey image, uint8 [h, w], as a PNG file, each pixel a square of `scale` pixels; there is never half a file."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        encode_png(file, np.repeat(np.repeat(image, scale, axis=0), scale, axis=1))
    os.replace(partial, path)


def encode_png(file: BinaryIO, image: np.ndarray) -> None:
    """Writes a grey image, uint8 [h, w], as PNG."""
    matplotlib.image.imsave(file, np.repeat(image[..., np.newaxis], 3, axis=-1), format="png")
