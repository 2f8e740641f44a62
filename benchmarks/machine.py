"""The machine that figures are of, and the versions that count."""

import platform

import tensorflow as tf

from tfvae import machine as of_figures
from tfvae.version import __version__


def machine() -> str:
    """Returns the machine in words, and the versions that count."""
    versions = f"Python {platform.python_version()}, TensorFlow {tf.__version__}, tfvae {__version__}"
    return f"{of_figures.machine()}; {platform.system()} {platform.release().split('-')[0]}; {versions}"
