"""The names: of models, corpora, presets and kinds of parts, and how they become a configuration."""

from tfvae.registry.applicable import reason_unused
from tfvae.registry.corpora import CORPORA
from tfvae.registry.models import MODELS
from tfvae.registry.presets import PRESETS
from tfvae.registry.resolve import resolve

__all__ = ["CORPORA", "MODELS", "PRESETS", "reason_unused", "resolve"]
