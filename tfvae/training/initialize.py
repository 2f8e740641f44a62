"""Weights that training begins with: those of another run's parts."""

import numpy as np

from tfvae.config import Config
from tfvae.errors import UserError, suggest
from tfvae.latents.latent import Latent
from tfvae.models.model import Model
from tfvae.training.run import Run

PARTS = ("encoder", "latent", "decoder", "inference")
"""Parts that weights may be taken of; "inference" are the heads that codes are read by, which then are not learnt anew."""


def named_parts(config: Config) -> list[str]:
    """Returns the parts that a configuration takes from another run; none where it names no run.

    Raises:
      UserError: there is no such part.
    """
    if not config.training.init_from:
        return []
    names = [part.strip() for part in config.training.init_parts.split(",")]
    for name in names:
        if name not in PARTS:
            raise UserError(f"--parts={config.training.init_parts}: {name!r} is not a part{suggest(name, PARTS)}")
    return names


def freeze(model: Model, config: Config) -> None:
    """Keeps parts that a configuration names from learning.

    Raises:
      UserError: there is no such part, nothing has taught it, or nothing else is left to learn.
    """
    names = [part.strip() for part in config.training.freeze.split(",") if part.strip()]
    for name in names:
        if name not in PARTS:
            raise UserError(f"config.training.freeze = {config.training.freeze}: {name!r} is not a part{suggest(name, PARTS)}")
        if name not in named_parts(config):
            raise UserError(
                f"config.training.freeze = {config.training.freeze}: nothing has taught the {name}: "
                "name it in --parts, which --init_from gives, or leave it out"
            )
        getattr(model.vae, name).trainable = False
    if names and not model.vae.trainable_variables:
        raise UserError(f"config.training.freeze = {config.training.freeze}: nothing is left to learn")


def initialize(model: Model, source: Model, parts: list[str]) -> str:
    """Gives a model weights of parts of another, as in pretraining by an auto-encoder.

    Where the words of the two differ, those that both have take their rows along, and others keep the model's own.

    Args:
      model: to be trained.
      source: trained before, on examples of the same kind.
      parts: of PARTS.

    Returns:
      what was shared, in words; "" where nothing differed.

    Raises:
      UserError: another kind of example, or parts of other kinds or sizes.
    """
    modality, other = model.modality, source.modality
    if type(other) is not type(modality):
        raise UserError(f"--init_from: that run has {other.name}, and this corpus {modality.name}: name a run on such")
    rows = None if other.same(modality) else modality.shared_rows(other)
    if rows is None and not other.same(modality):
        raise UserError(f"--init_from: that run's {modality.learnt} differs from this corpus's: train both on the same {modality.name}")
    for name in parts:
        own, theirs = getattr(model.vae, name), getattr(source.vae, name)
        if name == "inference" and rows is not None:
            raise UserError("--parts=inference: heads read words, and that run has others: --vocabulary=RUN takes that run's")
        if not own.weights:
            raise UserError(f"--parts={','.join(parts)}: this model's {name} has no weights; leave it out")
        try:
            if isinstance(own, Latent):
                own.initialize_from(theirs)
            else:
                own.set_weights(_mixed(own.get_weights(), theirs.get_weights(), rows))
        except ValueError as error:
            raise UserError(f"--init_from: the {name} does not fit: {str(error).splitlines()[0]}; leave it out of --parts") from None
    return "" if rows is None else f"{len(rows[0]):,} of {rows[2]:,} words are in both"


def _mixed(own: list[np.ndarray], theirs: list[np.ndarray], rows: tuple[np.ndarray, np.ndarray, int, int] | None) -> list[np.ndarray]:
    """Other weights, or, along an axis that has as many entries as there are words, those of shared words among one's own."""
    if len(own) != len(theirs):
        raise ValueError(f"{len(own)} weights here and {len(theirs)} there")
    if rows is None:
        return theirs
    here, there, size, other_size = rows
    made = []
    for mine, other in zip(own, theirs, strict=True):
        axis = next((a for a in range(mine.ndim) if mine.shape[a] == size and a < other.ndim and other.shape[a] == other_size), None)
        if axis is None:
            made.append(other)  # which set_weights refuses where the shapes differ
            continue
        mixed = np.moveaxis(mine.copy(), axis, 0)
        if mixed.shape[1:] != np.moveaxis(other, axis, 0).shape[1:]:
            raise ValueError(f"shapes {mine.shape} here and {other.shape} there")
        mixed[here] = np.moveaxis(other, axis, 0)[there]
        made.append(np.moveaxis(mixed, 0, axis))
    return made


def check_not_itself(run: Run, source: str) -> None:
    """Raises UserError where a run would begin with its own weights."""
    if Run(source).path.resolve() == run.path.resolve():
        raise UserError(f"--init_from={source} is the run itself: name another, or go on with this one by --resume")
