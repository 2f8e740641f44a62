"""Variational auto-encoders for text whose latent space can be read and steered."""

import os
from typing import Any

from tfvae.errors import UserError
from tfvae.version import __version__

__all__ = ["Config", "Model", "TopicModel", "UserError", "__version__", "create", "encode_file", "fit", "load", "predictor", "resolve"]

if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
    raise ImportError(f"tfvae runs on the TensorFlow backend, but KERAS_BACKEND is {os.environ['KERAS_BACKEND']!r}: unset it")
if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
    raise ImportError("tfvae runs on Keras 3, but TF_USE_LEGACY_KERAS asks for Keras 2: unset it")


def create(model: str = "dem_vae", **overrides: Any) -> Any:
    """Makes an untrained VAE over batches.

    Args:
      model: a name of `tfvae.registry.MODELS`.
      **overrides: sizes of an example, such as `vocabulary_size` (10,000 by default) or `height` and `width` (28 by default); `corpus`
        whose settings are taken ("ptb" by default); and fields of the configuration with dots as double underscores, as latent__dim=5.

    Returns:
      a `tfvae.models.vae.VAE`.
    """
    from tfvae.models.build import build_vae
    from tfvae.registry.applicable import modality_of

    corpus = overrides.pop("corpus", "ptb")
    fields = {name.replace("__", "."): value for name, value in overrides.items() if "__" in name}
    config = resolve(model, corpus, overrides=fields)
    sizes = {name: value for name, value in overrides.items() if "__" not in name}
    shape = {name: sizes.pop(name, usual) for name, usual in modality_of(config).usual_shape.items()}
    if sizes:
        raise UserError(f"create: {next(iter(sizes))} is neither a size of an example ({', '.join(shape)}) nor a field with __ for a dot")
    return build_vae(config, shape)


def resolve(*args: Any, **kwargs: Any) -> Any:
    """Makes a configuration: see `tfvae.registry.resolve`."""
    from tfvae.registry import resolve

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
    """Encodes a file of texts, a piece at a time: see `tfvae.export.encode_file.encode_file`."""
    from tfvae.export.encode_file import encode_file

    return encode_file(*args, **kwargs)


def predictor(*args: Any, **kwargs: Any) -> Any:
    """Returns a signature of an exported model as a function of columns: see `tfvae.export.predictor.predictor`."""
    from tfvae.export.predictor import predictor

    return predictor(*args, **kwargs)


def __getattr__(name: str) -> Any:
    """Imports the classes when first asked for, so that importing the package is quick."""
    if name == "Config":
        from tfvae.config import Config

        return Config
    if name == "Model":
        from tfvae.models.model import Model

        return Model
    if name == "TopicModel":
        from tfvae.topics.topic_model import TopicModel

        return TopicModel
    raise AttributeError(f"module 'tfvae' has no attribute {name!r}")
