"""Variational auto-encoders for text whose latent space can be read and steered."""

import os
from typing import Any

from tfvae.errors import UserError
from tfvae.version import __version__

__all__ = ["Config", "TextVAE", "UserError", "__version__", "create", "encode_file", "fit", "load", "resolve"]

if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise ImportError(f"tfvae runs on the TensorFlow backend, but KERAS_BACKEND is {os.environ['KERAS_BACKEND']!r}: unset it")
if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
    raise ImportError("tfvae runs on Keras 3, but TF_USE_LEGACY_KERAS asks for Keras 2: unset it")


def create(model: str = "dem_vae", **overrides: Any) -> Any:
    """Makes an untrained VAE over ids.

    Args:
      model: a name of `tfvae.models.registry.MODELS`.
      **overrides: `vocabulary_size` (10,000 by default), `corpus` whose sizes are taken ("ptb" by default), and fields of the configuration
        with dots as double underscores, such as latent__dim=5.

    Returns:
      a `tfvae.models.vae.VAE`.
    """
    from tfvae.models.build import build_vae

    vocabulary_size, corpus = overrides.pop("vocabulary_size", 10_000), overrides.pop("corpus", "ptb")
    fields = {name.replace("__", "."): value for name, value in overrides.items()}
    return build_vae(resolve(model, corpus, overrides=fields), vocabulary_size)


def resolve(*args: Any, **kwargs: Any) -> Any:
    """Makes a configuration: see `tfvae.models.registry.resolve`."""
    from tfvae.models.registry import resolve

    return resolve(*args, **kwargs)


def fit(*args: Any, **kwargs: Any) -> Any:
    """Trains: see `tfvae.training.fit.fit`."""
    from tfvae.training.fit import fit

    return fit(*args, **kwargs)


def load(run: str) -> Any:
    """Loads a run's model: see `tfvae.training.fit.load`."""
    from tfvae.training.fit import load

    return load(run)


def encode_file(*args: Any, **kwargs: Any) -> Any:
    """Encodes a file of texts, a piece at a time: see `tfvae.models.encode_file.encode_file`."""
    from tfvae.models.encode_file import encode_file

    return encode_file(*args, **kwargs)


def __getattr__(name: str) -> Any:
    """Imports the classes when first asked for, so that importing the package is quick."""
    if name == "Config":
        from tfvae.config import Config

        return Config
    if name == "TextVAE":
        from tfvae.models.text_vae import TextVAE

        return TextVAE
    raise AttributeError(f"module 'tfvae' has no attribute {name!r}")
