"""The exponential families that a mixture's components may be of, by name."""

import dataclasses
from collections.abc import Callable
from typing import Any

from tfvae.errors import UserError, suggest
from tfvae.latents.bernoulli_family import Bernoulli
from tfvae.latents.categorical_family import Categorical
from tfvae.latents.dirichlet_family import Dirichlet
from tfvae.latents.exponential_family import ExponentialFamily
from tfvae.latents.gamma_family import Gamma
from tfvae.latents.gaussian_family import Gaussian
from tfvae.latents.poisson_family import Poisson
from tfvae.latents.von_mises_fisher_family import VonMisesFisher

Make = Callable[[Any], tuple[ExponentialFamily, ExponentialFamily]]


@dataclasses.dataclass(frozen=True)
class Family:
    """A family that components may be of.

    Attributes:
      make: the members for the posterior of one variable and for its components, from the settings of the latent.
      settings: those that it reads.
      sizes: what of a corpus's sizes suits it: see `Part`.
      says: what one variable is, in words, with the names of settings in braces.
    """

    make: Make
    settings: tuple[str, ...] = ("dim", "kappa", "prior_kappa")
    sizes: str = "variables dim"
    says: str = "{dim} dimensions"


def _alike(family: type[ExponentialFamily]) -> Family:
    """A family of `latent.dim` numbers whose members all may be of posterior and components."""
    return Family(lambda latent: (family(latent.dim), family(latent.dim)), ("dim",))  # type: ignore[call-arg]


FAMILIES: dict[str, Family] = {
    "gaussian": _alike(Gaussian),
    "von_mises_fisher": Family(lambda latent: (VonMisesFisher(latent.dim, latent.kappa), VonMisesFisher(latent.dim, latent.prior_kappa))),
    "categorical": Family(
        lambda latent: (Categorical(latent.values, latent.factors), Categorical(latent.values, latent.factors)),
        ("values", "factors"),
        "",
        "{factors} times one of {values} values",
    ),
    "bernoulli": _alike(Bernoulli),
    "dirichlet": _alike(Dirichlet),
    "gamma": _alike(Gamma),
    "poisson": _alike(Poisson),
}


def family_named(name: str) -> Family:
    """Returns the family of a name.

    Raises:
      UserError: there is no such family.
    """
    if name not in FAMILIES:
        raise UserError(f"config.latent.family = {name!r} is not a family{suggest(name, FAMILIES)}; one of your own is registered first")
    return FAMILIES[name]


def make_families(name: str, latent: Any) -> tuple[ExponentialFamily, ExponentialFamily]:
    """Returns the families of the posterior of one variable and of its components.

    Args:
      name: of FAMILIES.
      latent: settings with the fields of `tfvae.config.LatentConfig` that the family reads.

    Raises:
      UserError: there is no such family.
    """
    return family_named(name).make(latent)


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
    FAMILIES[name] = Family(make)
