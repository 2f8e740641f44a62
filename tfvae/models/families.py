"""The exponential families that a mixture's components may be of, by name."""

from collections.abc import Callable

from tfvae.config import LatentConfig
from tfvae.errors import UserError, suggest
from tfvae.latents.exponential_family import ExponentialFamily
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.von_mises_fisher_family import VonMisesFisher

FAMILIES: dict[str, Callable[[LatentConfig], tuple[ExponentialFamily, ExponentialFamily]]] = {
    "gaussian": lambda config: (Gaussian(config.dim), Gaussian(config.dim)),
    "von_mises_fisher": lambda config: (VonMisesFisher(config.dim, config.kappa), VonMisesFisher(config.dim, config.prior_kappa)),
}
"""Each family's members for the posterior of one variable and for its components, from the settings of the latent."""


def make_families(config: LatentConfig) -> tuple[ExponentialFamily, ExponentialFamily]:
    """Returns the families of the posterior of one variable and of its components.

    Raises:
      UserError: there is no such family.
    """
    if config.family not in FAMILIES:
        hint = suggest(config.family, FAMILIES)
        raise UserError(f"config.latent.family = {config.family!r} is not a family{hint}; one of your own is registered first")
    return FAMILIES[config.family](config)


def register_family(name: str, make: Callable[[LatentConfig], tuple[ExponentialFamily, ExponentialFamily]]) -> None:
    """Makes a family known as `config.latent.family`.

    Args:
      name: a new name.
      make: returns the families of the posterior of one variable and of its components, which differ at most in what is frozen.

    Raises:
      ValueError: the name is taken.
    """
    if name in FAMILIES:
        raise ValueError(f"the family {name!r} is there already")
    FAMILIES[name] = make
