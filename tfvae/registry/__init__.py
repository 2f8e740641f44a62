"""The names: of models, corpora, presets and kinds of parts, and how they become a configuration."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfvae.registry.applicable import reason_unused
    from tfvae.registry.corpora import CORPORA
    from tfvae.registry.models import MODELS
    from tfvae.registry.presets import PRESETS
    from tfvae.registry.resolution import resolve

__all__ = ["CORPORA", "MODELS", "PRESETS", "reason_unused", "resolve"]
_MODULES = {"CORPORA": "corpora", "MODELS": "models", "PRESETS": "presets", "reason_unused": "applicable", "resolve": "resolution"}


def __getattr__(name: str) -> Any:
    """Imports a name when it is first asked for: the tables of names need no TensorFlow, and the rest does."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
