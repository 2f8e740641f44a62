"""Variational auto-encoders for text whose latent space can be read and steered."""

import importlib
import os
from typing import TYPE_CHECKING, Any

from tfvae.errors import UserError
from tfvae.quiet import load_tensorflow
from tfvae.version import __version__

if TYPE_CHECKING:
    from tfvae.config import Config
    from tfvae.export.encode_file import encode_file
    from tfvae.export.predictor import predictor
    from tfvae.models.model import Model
    from tfvae.registry import resolve
    from tfvae.topics.topic_model import TopicModel
    from tfvae.training.fit import fit, load

__all__ = ["Config", "Model", "TopicModel", "UserError", "__version__", "create", "encode_file", "fit", "load", "predictor", "resolve"]

_PLACES = {
    "Config": "tfvae.config",
    "Model": "tfvae.models.model",
    "TopicModel": "tfvae.topics.topic_model",
    "encode_file": "tfvae.export.encode_file",
    "fit": "tfvae.training.fit",
    "load": "tfvae.training.fit",
    "predictor": "tfvae.export.predictor",
    "resolve": "tfvae.registry",
}

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
    load_tensorflow()
    from tfvae.models.build import build_vae
    from tfvae.registry import resolve
    from tfvae.registry.applicable import modality_of

    corpus = overrides.pop("corpus", "ptb")
    fields = {name.replace("__", "."): value for name, value in overrides.items() if "__" in name}
    config = resolve(model, corpus, overrides=fields)
    sizes = {name: value for name, value in overrides.items() if "__" not in name}
    shape = {name: sizes.pop(name, usual) for name, usual in modality_of(config).usual_shape.items()}
    if sizes:
        raise UserError(f"create: {next(iter(sizes))} is neither a size of an example ({', '.join(shape)}) nor a field with __ for a dot")
    return build_vae(config, shape)


def __getattr__(name: str) -> Any:
    """Imports what is asked for when it is, so that importing the package is quick."""
    if name not in _PLACES:
        raise AttributeError(f"module 'tfvae' has no attribute {name!r}")
    if name != "Config":
        load_tensorflow()
    return getattr(importlib.import_module(_PLACES[name]), name)
