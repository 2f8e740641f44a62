"""The models' names: each a choice of parts, as settings over the defaults of `tfvae.config`."""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import Any

from tfvae.config import Config, overlay, update
from tfvae.errors import UserError, suggest
from tfvae.models.families import make_families
from tfvae.objectives import schedules


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


_SKIP = {"decoder.z_to_inputs": "all", "decoder.z_to_output": True}
_DISPERSED = {"objective.beta": 0.8, "objective.mi_weight": 1.0}
_SINGLE = {"latent.variables": 1}
_UNWEIGHTED = {"objective.schedule.kind": "constant"}  # where no KL can be lowered, no schedule need wait for it

MODELS = {
    "rnn_lm": Model(
        "language model: no latent variable",
        "Mikolov et al. 2010, as the baseline of Shi et al. 2020",
        {"latent.kind": "none", **_SINGLE, **_UNWEIGHTED},
    ),
    "ae": Model(
        "auto-encoder: a point for a posterior, no KL; its prior is a Gaussian fitted to the training posteriors",
        "as the baseline of Shi et al. 2020",
        {"latent.kind": "point", "latent.dim": 40, **_SINGLE, **_UNWEIGHTED},
    ),
    "vae": Model(
        "Gaussian posterior, standard normal prior",
        "Bowman et al. 2016, as the baseline of Shi et al. 2020",
        {"latent.kind": "gaussian", "latent.dim": 40, **_SINGLE},
    ),
    "skip_vae": Model(
        "Gaussian posterior under a decoder that reads z in every layer and in the output",
        "Dieng et al. 2019, Skip-VAE",
        {"latent.kind": "gaussian", "latent.dim": 32, **_SINGLE, **_SKIP},
    ),
    "vmf_vae": Model(
        "von Mises-Fisher posterior of frozen concentration, uniform prior: its KL is a constant",
        "Xu and Durrett 2018, vMF-VAE, with a GRU for their LSTM",
        {
            "latent.kind": "spherical",
            "latent.dim": 50,
            "latent.kappa": 35.0,
            "objective.norm_weight": 1e-4,
            "encoder.dropout": 0.5,
            "decoder.dropout": 0.5,
            "decoder.tied_embeddings": False,
            **_SINGLE,
            **_UNWEIGHTED,
        },
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
        {**_DISPERSED, **_SKIP},
    ),
    "dem_vmf_vae": Model(
        "dispersed mixture of von Mises-Fisher components with mutual information, under a skip decoder",
        "Shi et al. 2020; Xu and Durrett 2018; Dieng et al. 2019",
        {"latent.family": "von_mises_fisher", "latent.variables": 8, "latent.dim": 5, **_DISPERSED, **_SKIP},
    ),
}

# How papers optimised, whatever the model: optimiser, batches, learning-rate decay and the KL's schedule.
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Adam 1e-3, clipped at .5, decayed by .8 after 3 epochs without improvement: the defaults (Shi et al. 2020).
    "": {},
    # The setting for PTB. A learning rate of 10 falls by 1.2 after each epoch without improvement, 15 times.
    "vmf_vae": {
        "data.batch_size": 20,
        "training.optimizer": "sgd",
        "training.learning_rate": 10.0,
        "training.clip_norm": 0.25,
        "training.epochs": 100,
        "training.min_improvement": 0.0,
        "training.patience": 0,
        "training.lr_patience": 1,
        "training.lr_decay": 1 / 1.2,
        "training.min_learning_rate": 10 / 1.2**14.5,
    },
    # The setting for Yahoo, which Skip-VAE took over. Once validation fails to improve after epoch 15, the rate halves every epoch.
    "sa_vae": {
        "data.batch_size": 32,
        "training.optimizer": "sgd",
        "training.learning_rate": 1.0,
        "training.clip_norm": 5.0,
        "training.epochs": 30,
        "training.min_improvement": 0.0,
        "training.patience": 0,
        "training.lr_wait": 15,
        "training.lr_patience": 1,
        "training.lr_keep_falling": True,
        "training.lr_decay": 0.5,
        "training.min_learning_rate": 0.03,
        "encoder.dropout": 0.5,
        "decoder.dropout": 0.5,
        "objective.schedule.kind": "linear",
        "objective.schedule.start": 0.1,
        "objective.schedule.epochs": 10,
    },
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
        "objective.schedule.slope": 0.01,
        "objective.schedule.midpoint": 400,
        "training.epochs": 16,
    },
    # Turns of a conversation; 125 codes of three variables (Shi et al. 2020, section 4.1).
    "daily_dialog": {"data.lowercase": True, "latent.variables": 3, "latent.dim": 5},
    # 48 continuous dimensions, the sizes of its utterance encoder (Shi et al. 2020, section 4.1 and their code).
    "smd": {
        "data.lowercase": True,
        "data.split_punctuation": True,
        "encoder.embedding_dim": 200,
        "encoder.hidden_dim": 256,
        "latent.variables": 3,
        "latent.dim": 16,
    },
    # Documents of 80 tokens; 32 dimensions (Kim et al. 2018).
    "yahoo": {
        "data.vocabulary_size": 20_000,
        "data.train_max_length": 0,
        "data.batch_size": 32,
        "encoder.hidden_dim": 1024,
        "decoder.hidden_dim": 1024,
        "decoder.tied_embeddings": False,
        "latent.variables": 16,
        "latent.dim": 2,
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

# Why a field means nothing, by what the model lacks.
_NO_MIXTURE = "its prior is no mixture"
_NO_SPHERE = "its latent space is no sphere"
_NO_LATENT = "it has no latent variable"
_NO_KL = {"point": "its posterior is a point, without a KL", "spherical": "its KL is a constant", "none": _NO_LATENT}


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
    config = Config(model=model)
    config.data.name = corpus
    update(config, overlay(MODELS[model].settings))
    preset = overlay(PRESETS[_preset(settings or {}, overrides or {})])
    if config.latent.kind in _NO_KL:
        preset.pop("objective", None)
    for layer in (overlay(_sizes(config, corpus)), preset, overlay(base or {}), settings or {}, overlay(overrides or {})):
        update(config, layer)
    config.validate()
    make_families(config.latent)
    check_applicable(config, overrides or {})
    return config


def _preset(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> str:
    training = settings.get("training")
    preset = overrides.get("training.preset", training.get("preset", "") if isinstance(training, Mapping) else "")
    if preset not in PRESETS:
        raise UserError(f"--preset={preset} is not a preset{suggest(preset, filter(None, PRESETS))}")
    return preset


def _sizes(config: Config, corpus: str) -> dict[str, Any]:
    """What suits the corpus; a model without variables of their own has one of all their numbers, and a sphere keeps its own size."""
    settings = dict(CORPORA[corpus])
    if config.latent.kind == "mixture":
        return settings
    sizes = {path: settings.pop(path, None) for path in ("latent.variables", "latent.dim")}
    if config.latent.kind in ("gaussian", "point") and all(sizes.values()):
        settings["latent.dim"] = math.prod(sizes.values())
    return settings


def check_applicable(config: Config, paths: Iterable[str]) -> None:
    """Checks that fields a user set mean something for the model.

    Raises:
      UserError: names the field and says why it does not.
    """
    for path in paths:
        reason = reason_unused(config, path)
        if reason:
            raise UserError(f"config.{path} means nothing for model {config.model}: {reason}; leave it out")


def reason_unused(config: Config, path: str) -> str:
    """Returns why a field of the configuration means nothing for its model; empty where it does."""
    kind = config.latent.kind
    if kind == "none" and path.startswith(("latent.", "encoder.", "decoder.z_to_")) and path != "latent.kind":
        return _NO_LATENT
    if kind != "mixture" and path in ("objective.beta", "objective.mi_weight", "latent.components", "latent.family", "latent.hidden_dim"):
        return _NO_MIXTURE
    if kind != "mixture" and path == "latent.variables":
        return "it has one latent variable"
    if path == "latent.kappa" and not config.on_spheres:
        return _NO_SPHERE
    if path == "latent.prior_kappa" and not (config.on_spheres and kind == "mixture"):
        return "its prior is no mixture over a sphere"
    if path == "objective.norm_weight" and kind != "spherical":
        return "its posterior is not on one sphere"
    if path == "objective.samples" and kind in ("point", "none"):
        return _NO_KL[kind]
    if path.startswith(("objective.kl_weight", "objective.free_bits", "objective.schedule.")) and kind in _NO_KL:
        return _NO_KL[kind]
    if path.startswith("objective.schedule.") and path != "objective.schedule.kind":
        kind, used = config.objective.schedule.kind, schedules.settings(config.objective.schedule.kind)
        return "" if path.rsplit(".", 1)[1] in used else f"its schedule is {kind}, which has {', '.join(used)}"
    if path in ("data.train_file", "data.valid_file", "data.test_file") and config.data.name != "text":
        return f"its corpus is {config.data.name}; files are read with --data=text"
    if path == "data.split" and config.data.split and config.data.name != "yahoo":
        return f"its corpus is {config.data.name}; yahoo alone is split by sizes"
    if path == "training.init_parts" and not config.training.init_from:
        return "it begins with no run's weights; --init_from names one"
    return ""
