"""The models' names: each a choice of parts, as settings over the defaults of `tfvae.config`."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tfvae.config import Config, overlay, update
from tfvae.errors import UserError, suggest
from tfvae.objectives.schedules import SCHEDULES


@dataclasses.dataclass(frozen=True)
class Model:
    """A named choice of parts.

    Attributes:
      summary: what it is, in a line.
      paper: where it comes from.
      settings: fields that differ from the defaults, by their path.
    """

    summary: str
    paper: str
    settings: Mapping[str, Any]


MODELS = {
    "vae": Model(
        "Gaussian posterior, standard normal prior",
        "Bowman et al. 2016, as the baseline of Shi et al. 2020",
        {"latent.kind": "gaussian", "latent.variables": 1, "latent.dim": 40},
    ),
    "gm_vae": Model(
        "mixture of Gaussians as prior, plain ELBO: its components merge",
        "Shi et al. 2020, GM-VAE",
        {},
    ),
    "dgm_vae": Model(
        "mixture of Gaussians kept apart by the dispersion term",
        "Shi et al. 2020, DGM-VAE",
        {"objective.beta": 0.8},
    ),
    "dem_vae": Model(
        "dispersed mixture with mutual information, under a skip decoder",
        "Shi et al. 2020, DGM-VAE + L_mi; Dieng et al. 2019, Skip-VAE",
        {"objective.beta": 0.8, "objective.mi_weight": 1.0, "decoder.z_to_inputs": "all", "decoder.z_to_output": True},
    ),
}

# Settings that suit a corpus, whatever the model; the defaults are those of PTB (Shi et al. 2020, section 4.1), with one posterior sample.
CORPORA: Mapping[str, Mapping[str, Any]] = {
    "ptb": {},
    "demo": {
        "encoder.embedding_dim": 64,
        "encoder.hidden_dim": 128,
        "decoder.embedding_dim": 128,
        "decoder.hidden_dim": 128,
        "latent.variables": 2,
        "latent.components": 4,
        "latent.dim": 5,
        "latent.hidden_dim": 128,
        "objective.schedule.slope": 0.005,
        "objective.schedule.midpoint": 1200,
        "training.epochs": 16,
    },
    "text": {
        "data.split_punctuation": True,
        "encoder.embedding_dim": 256,
        "encoder.hidden_dim": 256,
        "decoder.embedding_dim": 256,
        "decoder.hidden_dim": 256,
        "latent.variables": 3,
        "latent.dim": 5,
        "latent.hidden_dim": 256,
    },
}

_MIXTURE = "its prior is no mixture"
_SPHERE = "its latent space is no sphere"


def resolve(
    model: str,
    corpus: str = "demo",
    settings: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    base: Mapping[str, Any] | None = None,
) -> Config:
    """Makes a configuration: defaults < model < corpus < `base` < `settings` < `overrides`.

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
    config = Config(model=model)
    config.data.name = corpus
    sized = dict(CORPORA[corpus])
    if MODELS[model].settings.get("latent.kind") == "gaussian":
        sized = {path: value for path, value in sized.items() if path not in ("latent.variables", "latent.dim")}
        if "latent.dim" in CORPORA[corpus]:
            sized["latent.dim"] = CORPORA[corpus]["latent.dim"] * CORPORA[corpus]["latent.variables"]
    for layer in (overlay(MODELS[model].settings), overlay(sized), overlay(base or {}), settings or {}, overlay(overrides or {})):
        update(config, layer)
    config.validate()
    check_applicable(config, overrides or {})
    return config


def check_applicable(config: Config, paths: Iterable[str]) -> None:
    """Checks that fields a user set mean something for the model.

    Raises:
      UserError: names the field and says why it does not.
    """
    for path in paths:
        reason = _reason_unused(config, path)
        if reason:
            raise UserError(f"config.{path} means nothing for model {config.model}: {reason}; leave it out")


def _reason_unused(config: Config, path: str) -> str:
    mixture = config.latent.kind == "mixture"
    if path in ("objective.beta", "objective.mi_weight", "latent.components", "latent.family", "latent.hidden_dim") and not mixture:
        return _MIXTURE
    if path in ("latent.kappa", "latent.prior_kappa") and not (mixture and config.latent.family == "von_mises_fisher"):
        return _SPHERE
    if path.startswith("objective.schedule.") and path != "objective.schedule.kind":
        kind, used = config.objective.schedule.kind, SCHEDULES[config.objective.schedule.kind][1]
        return "" if path.rsplit(".", 1)[1] in used else f"its schedule is {kind}, which has {', '.join(used)}"
    if path in ("data.train_file", "data.valid_file", "data.test_file") and config.data.name != "text":
        return f"its corpus is {config.data.name}; files are read with --data=text"
    return ""
