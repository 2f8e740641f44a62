"""Latents side by side, whose kinds are joined by "+": their part follows from the parts of the table."""

import random
import types
from collections.abc import Callable, Mapping
from typing import Any

from tfvae.errors import UserError
from tfvae.latents.product import ProductLatent
from tfvae.registry.parts import Part


def product(parts: Mapping[str, Part]) -> Part:
    """Returns the part that puts latents side by side; all read their settings from the one section.

    Args:
      parts: of the table of latents, by their kinds, in the order of their z.

    Raises:
      UserError: one has no posterior that could be joined with others, or several have codes.
    """
    named = f"config.latent.kind = {'+'.join(parts)}"
    if points := [kind for kind, part in parts.items() if "noise" in part.lacks]:
        raise UserError(f"{named}: {points[0]} has no distribution to stand beside others; leave it out")
    if len(coded := [kind for kind, part in parts.items() if "mixture" not in part.lacks]) > 1:
        raise UserError(f"{named}: {' and '.join(coded)} both have codes, and one part may; leave one out")
    common = set.intersection(*(set(part.lacks) for part in parts.values()))
    lacks = {name: reason for name, reason in next(iter(parts.values())).lacks.items() if name in common}

    def sizes(latent: Any) -> str:
        words = {word for part in parts.values() for word in part.sizes(latent).split()}
        return " ".join(sorted(words - ({"product"} if "dim" in words else set())))

    return Part(
        _maker(parts),
        lambda latent: tuple(dict.fromkeys(name for part in parts.values() for name in part.settings(latent))),
        usual={name: value for part in parts.values() for name, value in part.usual.items()},
        lacks=lacks | {"logits": "its codes stand beside another latent"},
        sizes=sizes,
        says=lambda latent: " Beside: ".join(part.says(latent) for part in parts.values()),
    )


def _maker(parts: Mapping[str, Part]) -> Callable[..., ProductLatent]:
    def make(feature_dim: int, seed: int, name: str, **options: Any) -> ProductLatent:
        seeds, made = random.Random(seed), []
        for kind, part in parts.items():
            own = {setting: options[setting] for setting in part.settings(types.SimpleNamespace(**options))}
            made.append(part.make(feature_dim=feature_dim, seed=seeds.getrandbits(31), name=kind, **own))
        return ProductLatent(made, name=name)

    return make


JOINED: Mapping[str, Callable[[Mapping[str, Part]], Part]] = {"latent": product}
"""What parts make together whose kinds are joined by "+", by the section of the configuration that admits it."""
