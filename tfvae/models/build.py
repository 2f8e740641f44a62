"""From a configuration to a model: a loop over the tables of parts."""

import dataclasses
import inspect
import random
from collections.abc import Mapping
from typing import Any

from tfvae.config import Config, ScheduleConfig
from tfvae.encoders.encoder import Encoder
from tfvae.encoders.none import NoEncoder
from tfvae.errors import UserError
from tfvae.models.precision import dtype_policy
from tfvae.models.vae import VAE
from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import SCHEDULES, Schedule
from tfvae.registry.applicable import auxiliary_settings, auxiliary_weight, has_z, observed, part_of
from tfvae.registry.calls import call
from tfvae.registry.parts import AUXILIARIES


def build_vae(config: Config, shape: Mapping[str, int], *, steps_per_epoch: int = 1) -> VAE:
    """Makes the model that a configuration describes.

    Args:
      config: a validated configuration.
      shape: sizes of an example by name, such as {"vocabulary_size": V}, special tokens included: a modality's `shape`.
      steps_per_epoch: updates an epoch, for a schedule that counts epochs.

    Returns:
      an untrained model; its initial weights are a function of `config.training.seed`.
    """
    seeds = random.Random(config.training.seed)
    common: dict[str, Any] = {"implementation": config.training.implementation, "dtype": dtype_policy(config.training.precision)}
    network = {**common, "seed": seeds.getrandbits(31)}
    encoder: Encoder = _make(config, "encoder", shape, name="encoder", **network) if has_z(config) else NoEncoder(name="encoder")
    own = {"feature_dim": encoder.output_dim, "seed": seeds.getrandbits(31), "name": "latent"}
    latent = _make(config, "latent", {}, **own, **part_of(config, "inference").replaces)
    network = {**common, "z_dim": latent.size, "seed": seeds.getrandbits(31)}
    decoder = _make(config, "decoder", shape, name="decoder", **network)
    wanted = {name: weight for name in AUXILIARIES if (weight := auxiliary_weight(config, name))}
    network = {**common, "z_dim": latent.size}
    sizes = {**shape, "variables": latent.num_variables, "components": latent.num_components, "context_dim": decoder.context_dim}
    auxiliaries = [
        call(AUXILIARIES[name].make, sizes, name=name, seed=seeds.getrandbits(31), **network, **auxiliary_settings(config, name))
        for name in wanted
    ]
    given = {"variables": latent.num_variables, "components": latent.num_components, "seed": seeds.getrandbits(31)}
    inference = _make(config, "inference", shape, **given, **observed(config))
    return VAE(
        encoder=encoder,
        latent=latent,
        decoder=decoder,
        objective=_objective(config, wanted, steps_per_epoch),
        inference=inference,
        auxiliaries=auxiliaries,
        seed=config.training.seed,
        num_samples=config.objective.samples,
        clip_norm=config.training.clip_norm,
        aggressive=bool(config.training.aggressive),
        noise=config.training.noise,
        name="vae",
    )


def _make(config: Config, section: str, shape: Mapping[str, int], **given: Any) -> Any:
    """Makes the part that a section names, from the settings that it has."""
    part, settings = part_of(config, section), getattr(config, section)
    try:
        return call(part.make, shape, **{**{name: getattr(settings, name) for name in part.settings(settings)}, **given})
    except ValueError as error:
        raise UserError(f"config.{section}: {' '.join(str(error).split())}; change that") from None


def _objective(config: Config, auxiliaries: Mapping[str, float], steps_per_epoch: int) -> ELBO:
    names = set(inspect.signature(ELBO).parameters)
    weights = {name: value for name, value in dataclasses.asdict(config.objective).items() if name in names}
    weights["schedule"] = _schedule(config.objective.schedule, steps_per_epoch)
    return ELBO(**weights, penalty_weights=auxiliaries)


def _schedule(config: ScheduleConfig, steps_per_epoch: int) -> Schedule:
    kind, names = SCHEDULES[config.kind]
    arguments = {name: getattr(config, name) for name in names}
    if config.epochs and "steps" in names:
        arguments["steps"] = config.epochs * steps_per_epoch
    return kind(**arguments)
