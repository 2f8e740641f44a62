"""From names of a model and a corpus to a configuration."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from tfvae.config import Config, overlay, update
from tfvae.errors import UserError, suggest
from tfvae.registry.applicable import WITH_CONTEXT, WITH_FEATURES, check_applicable, check_fitting, lacks, part_of
from tfvae.registry.corpora import CORPORA
from tfvae.registry.models import MODELS
from tfvae.registry.parts import TABLES
from tfvae.registry.presets import PRESETS


def resolve(
    model: str,
    corpus: str = "demo",
    settings: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    base: Mapping[str, Any] | None = None,
) -> Config:
    """Makes a configuration: defaults < model < corpus < preset < `base` < `settings` < `overrides`.

    Args:
      model: a name of MODELS.
      corpus: a name of CORPORA.
      settings: nested fields, as a configuration file holds them.
      overrides: fields by their path, such as {"latent.dim": 5}. Only these must mean something for the model.
      base: fields by their path that a command sets where the user does not.

    Raises:
      UserError: an unknown name or field, a value that is not admitted, or an override that means nothing for the model.
    """
    data = (settings or {}).get("data")
    named = {"model": (settings or {}).get("model", model), "data": data.get("name", corpus) if isinstance(data, Mapping) else corpus}
    for flag, value in (("model", model), ("data", corpus)):
        if str(named[flag]) != str(value):
            raise UserError(f"the configuration file is for --{flag}={named[flag]}, not {value}: leave out --{flag}, or use another file")
    if model not in MODELS:
        raise UserError(f"--model={model} is not a model{suggest(model, MODELS)}")
    if corpus not in CORPORA:
        raise UserError(f"--data={corpus} is not a corpus{suggest(corpus, CORPORA)}")
    named_settings = [overlay(base or {}), settings or {}, overlay(overrides or {})]
    preset = PRESETS[_preset(settings or {}, overrides or {})]
    own = overlay(MODELS[model].settings)
    kinds = _layered(model, corpus, [own, overlay(CORPORA[corpus]), overlay(preset), *named_settings])
    featured = overlay({**_featured(kinds), **_following(kinds)})
    kinds = _layered(model, corpus, [own, overlay(CORPORA[corpus]), featured, overlay(preset), *named_settings])
    kinds.validate_fields()
    fitting = {path: value for path, value in preset.items() if not ("kl" in lacks(kinds) and path.startswith("objective."))}
    suited = [own, overlay(_usual(kinds)), overlay(_sizes(kinds, corpus)), featured, overlay(fitting)]
    config = _layered(model, corpus, [*suited, *named_settings])
    config.validate()
    check_fitting(config)
    check_applicable(config, overrides or {})
    return config


def _layered(model: str, corpus: str, layers: Iterable[Mapping[str, Any]]) -> Config:
    """The defaults with layers of nested fields over them, the last on top."""
    config = Config(model=model)
    config.data.name = corpus
    for layer in layers:
        update(config, layer)
    return config


def _featured(config: Config) -> dict[str, Any]:
    """What examples with features beside are, and what reads those, by path."""
    if not config.data.features or config.data.modality not in WITH_FEATURES:
        return {}
    return {"data.modality": WITH_FEATURES[config.data.modality], "encoder.kind": "features"}


def _following(config: Config) -> dict[str, Any]:
    """What examples with what was said before are, by path."""
    data = config.data
    return {"data.modality": WITH_CONTEXT[data.modality]} if data.context and not data.features and data.modality in WITH_CONTEXT else {}


def _usual(config: Config) -> dict[str, Any]:
    """What suits the kinds of parts, by path."""
    usual = [(section, name, value) for section in TABLES for name, value in part_of(config, section).usual.items()]
    return {name if "." in name else f"{section}.{name}": value for section, name, value in usual}


def _preset(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> str:
    training = settings.get("training")
    preset = overrides.get("training.preset", training.get("preset", "") if isinstance(training, Mapping) else "")
    if not isinstance(preset, str):
        raise UserError(f"config.training.preset = {preset!r}: must be text")
    if preset not in PRESETS:
        raise UserError(f"--preset={preset} is not a preset{suggest(preset, filter(None, PRESETS))}")
    return preset


def _sizes(config: Config, corpus: str) -> dict[str, Any]:
    """What suits the corpus; a latent of one variable has one of all their numbers, and some keep their own size."""
    settings = dict(CORPORA[corpus])
    sizes = part_of(config, "latent").sizes(config.latent).split()
    numbers = {name: settings.pop(f"latent.{name}", None) for name in ("variables", "dim")}
    kept = {f"latent.{name}": value for name, value in numbers.items() if name in sizes and value}
    if "product" in sizes and all(numbers.values()):
        kept["latent.dim"] = math.prod(numbers.values())
    return settings | kept
