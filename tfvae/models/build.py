"""From a configuration to a model."""

import dataclasses
import random
from typing import Any

from tfvae.config import Config, LatentConfig, ScheduleConfig
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.latent import Latent
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.none import NoLatent
from tfvae.latents.point import PointLatent
from tfvae.latents.spherical import SphericalLatent
from tfvae.layers.decoder import RecurrentDecoder
from tfvae.layers.encoder import NoEncoder, RecurrentEncoder
from tfvae.models.families import make_families
from tfvae.models.precision import dtype_policy
from tfvae.models.vae import VAE
from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import SCHEDULES, Schedule


def build_vae(config: Config, vocabulary_size: int, *, steps_per_epoch: int = 1) -> VAE:
    """Makes the model that a configuration describes.

    Args:
      config: a validated configuration.
      vocabulary_size: V, special tokens included.
      steps_per_epoch: updates an epoch, for a schedule that counts epochs.

    Returns:
      an untrained model; its initial weights are a function of `config.training.seed`.
    """
    seeds = random.Random(config.training.seed)
    common: dict[str, Any] = {"implementation": config.training.implementation, "dtype": dtype_policy(config.training.precision)}
    encoder_options = {**dataclasses.asdict(config.encoder), **common, "seed": seeds.getrandbits(31)}
    with_z = config.latent.kind != "none"
    encoder = RecurrentEncoder(vocabulary_size, **encoder_options, name="encoder") if with_z else NoEncoder(name="encoder")
    latent = _latent(config.latent, encoder.output_dim, seeds.getrandbits(31))
    decoder = RecurrentDecoder(
        vocabulary_size,
        z_dim=latent.size,
        **dataclasses.asdict(config.decoder),
        **common,
        seed=seeds.getrandbits(31),
        name="decoder",
    )
    return VAE(
        encoder=encoder,
        latent=latent,
        decoder=decoder,
        objective=_objective(config, steps_per_epoch),
        seed=config.training.seed,
        num_samples=config.objective.samples,
        clip_norm=config.training.clip_norm,
        name="vae",
    )


def _latent(config: LatentConfig, feature_dim: int, seed: int) -> Latent:
    if config.kind == "none":
        return NoLatent(name="latent")
    common: dict[str, Any] = {"feature_dim": feature_dim, "seed": seed, "name": "latent"}
    if config.kind == "gaussian":
        return GaussianLatent(dim=config.dim, **common)
    if config.kind == "spherical":
        return SphericalLatent(dim=config.dim, kappa=config.kappa, **common)
    if config.kind == "point":
        return PointLatent(dim=config.dim, **common)
    posterior, prior = make_families(config)
    sizes: dict[str, Any] = {"variables": config.variables, "components": config.components, "hidden_dim": config.hidden_dim}
    return MixtureLatent(family=posterior, prior_family=prior, **sizes, **common)


def _objective(config: Config, steps_per_epoch: int) -> ELBO:
    weights = dataclasses.asdict(config.objective)
    del weights["samples"], weights["schedule"]
    return ELBO(**weights, schedule=_schedule(config.objective.schedule, steps_per_epoch))


def _schedule(config: ScheduleConfig, steps_per_epoch: int) -> Schedule:
    kind, names = SCHEDULES[config.kind]
    arguments = {name: getattr(config, name) for name in names}
    if config.epochs and "steps" in names:
        arguments["steps"] = config.epochs * steps_per_epoch
    return kind(**arguments)
