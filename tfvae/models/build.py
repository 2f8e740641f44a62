"""From a configuration to a model."""

import dataclasses
import random

from tfvae.config import Config, LatentConfig, ScheduleConfig
from tfvae.latents.exponential_family import ExponentialFamily
from tfvae.latents.gaussian import GaussianLatent
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.latent import Latent
from tfvae.latents.mixture import MixtureLatent
from tfvae.latents.von_mises_fisher_family import VonMisesFisher
from tfvae.layers.decoder import RecurrentDecoder
from tfvae.layers.encoder import RecurrentEncoder
from tfvae.models.vae import VAE
from tfvae.objectives.elbo import ELBO
from tfvae.objectives.schedules import SCHEDULES, Schedule


def build_vae(config: Config, vocabulary_size: int) -> VAE:
    """Makes the model that a configuration describes.

    Args:
      config: a validated configuration.
      vocabulary_size: V, special tokens included.

    Returns:
      an untrained model; its initial weights are a function of `config.training.seed`.
    """
    seeds = random.Random(config.training.seed)
    implementation = config.training.implementation
    encoder = RecurrentEncoder(
        vocabulary_size, **dataclasses.asdict(config.encoder), implementation=implementation, seed=seeds.getrandbits(31), name="encoder"
    )
    latent = _latent(config.latent, encoder.output_dim, seeds.getrandbits(31))
    decoder = RecurrentDecoder(
        vocabulary_size,
        z_dim=latent.size,
        **dataclasses.asdict(config.decoder),
        implementation=implementation,
        seed=seeds.getrandbits(31),
        name="decoder",
    )
    return VAE(
        encoder=encoder,
        latent=latent,
        decoder=decoder,
        objective=_objective(config),
        seed=config.training.seed,
        num_samples=config.objective.samples,
        clip_norm=config.training.clip_norm,
        name="vae",
    )


def _latent(config: LatentConfig, feature_dim: int, seed: int) -> Latent:
    if config.kind == "gaussian":
        return GaussianLatent(feature_dim=feature_dim, dim=config.variables * config.dim, seed=seed, name="latent")
    posterior, prior = _families(config)
    return MixtureLatent(
        feature_dim=feature_dim,
        family=posterior,
        prior_family=prior,
        variables=config.variables,
        components=config.components,
        hidden_dim=config.hidden_dim,
        seed=seed,
        name="latent",
    )


def _families(config: LatentConfig) -> tuple[ExponentialFamily, ExponentialFamily]:
    """The families of a mixture's posterior and of its components."""
    if config.family == "gaussian":
        return Gaussian(config.dim), Gaussian(config.dim)
    return VonMisesFisher(config.dim, config.kappa), VonMisesFisher(config.dim, config.prior_kappa)


def _objective(config: Config) -> ELBO:
    weights = dataclasses.asdict(config.objective)
    del weights["samples"], weights["schedule"]
    return ELBO(**weights, schedule=_schedule(config.objective.schedule))


def _schedule(config: ScheduleConfig) -> Schedule:
    kind, fields = SCHEDULES[config.kind]
    return kind(**{name: getattr(config, name) for name in fields})
