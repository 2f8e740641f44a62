"""The exponential families that a mixture's components may be of, by name."""

from collections.abc import Callable, Mapping
from typing import Any

from tfvae.errors import UserError, suggest
from tfvae.latents.exponential_family import ExponentialFamily
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.von_mises_fisher_family import VonMisesFisher

Make = Callable[[Any], tuple[ExponentialFamily, ExponentialFamily]]

FAMILIES: dict[str, Make] = {
    "gaussian": lambda latent: (Gaussian(latent.dim), Gaussian(latent.dim)),
    "von_mises_fisher": lambda latent: (VonMisesFisher(latent.dim, latent.kappa), VonMisesFisher(latent.dim, latent.prior_kappa)),
}
"""Each family's members for the posterior of one variable and for its components, from the settings of the latent."""

_CONCENTRATIONS = ("kappa", "prior_kappa")
_SETTINGS: Mapping[str, tuple[str, ...]] = {"gaussian": ()}


def family_settings(name: str) -> tuple[str, ...]:
    """Returns the settings of the latent, beside its dimension, that a family reads."""
    return _SETTINGS.get(name, _CONCENTRATIONS)


def make_families(name: str, latent: Any) -> tuple[ExponentialFamily, ExponentialFamily]:
    """Returns the families of the posterior of one variable and of its components.

    Args:
      name: of FAMILIES.
      latent: settings with the fields of `tfvae.config.LatentConfig` that the family reads.

    Raises:
      UserError: there is no such family.
    """
    if name not in FAMILIES:
        raise UserError(f"config.latent.family = {name!r} is not a family{suggest(name, FAMILIES)}; one of your own is registered first")
    return FAMILIES[name](latent)


def register_family(name: str, make: Make) -> None:
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
