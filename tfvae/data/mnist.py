"""MNIST: 70,000 handwritten digits, grey, 28x28 pixels.

References:
  LeCun, Bottou, Bengio, Haffner. Gradient-Based Learning Applied to Document Recognition. Proceedings of the IEEE 86(11), 1998.
"""

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus
from tfvae.data.files import corpus_folder, find_file
from tfvae.data.npz import read_images
from tfvae.errors import UserError

_DIGITS = tuple("0123456789")
_VALID = 10_000
_ADVICE = (
    "fetch mnist.npz (scripts/prepare_data.py --corpus=mnist --overwrite does) and name its folder in config.data.dir, "
    "or make it $TFVAE_DATA_DIR/mnist"
)


def read(data: DataConfig) -> Corpus:
    """Reads mnist.npz, the file of Keras: x_train, y_train, x_test and y_test.

    Validation is the last 10,000 of the training images, whatever `split_seed` is: 50,000 / 10,000 / 10,000 is the usual division.

    Args:
      data: `dir` is the file's folder; empty: $TFVAE_DATA_DIR/mnist.

    Returns:
      A corpus of images, uint8 [N, 28, 28], 0 the paper and 255 the ink, with the label "digit". Images of training and validation
      keep their numbers in x_train, counted from 1.

    Raises:
      UserError: the file is missing or cannot be read, or its arrays are not those of MNIST.
    """
    path = find_file(corpus_folder(data, advice=_ADVICE), ["mnist.npz"], advice=_ADVICE)
    parts = read_images(path, {"train": len(_DIGITS), "test": len(_DIGITS)}, "digit", advice=_ADVICE)
    images = parts["train"]
    if len(images) <= _VALID:
        raise UserError(f"{path}: x_train: {len(images):,} images, and the last {_VALID:,} are for validation; {_ADVICE}")
    train, valid = (images.take(part) for part in np.split(np.arange(len(images)), [len(images) - _VALID]))
    return Corpus("mnist", train, valid, parts["test"], {"digit": _DIGITS})
