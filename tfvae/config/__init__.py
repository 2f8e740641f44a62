"""One tree of dataclasses that says everything about a run, and round-trips through JSON."""

from tfvae.config.schema import (
    Config,
    DataConfig,
    DecoderConfig,
    EncoderConfig,
    InferenceConfig,
    LatentConfig,
    ObjectiveConfig,
    ScheduleConfig,
    TrainingConfig,
    check_field,
    describe_fields,
)
from tfvae.config.tree import coerce, overlay, read_json, update, writable

__all__ = [
    "Config",
    "DataConfig",
    "DecoderConfig",
    "EncoderConfig",
    "InferenceConfig",
    "LatentConfig",
    "ObjectiveConfig",
    "ScheduleConfig",
    "TrainingConfig",
    "check_field",
    "coerce",
    "describe_fields",
    "overlay",
    "read_json",
    "update",
    "writable",
]
