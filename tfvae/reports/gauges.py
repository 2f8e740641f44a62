"""Figures that tell a collapse, with plain words on what they mean and which flag to turn."""

import dataclasses

import numpy as np

from tfvae.evaluation.latent_use import ACTIVE
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.table import number
from tfvae.training.collapse import collapse_messages, posterior_cure

_FEW = 0.1  # share of active units below which flags that make for more are named


@dataclasses.dataclass(frozen=True)
class Gauge:
    """A figure that tells a collapse.

    Attributes:
      name: of the figure.
      value: as text.
      meaning: in plain words, with what to do about it.
      bad: whether something has collapsed.
    """

    name: str
    value: str
    meaning: str
    bad: bool


def gauges(subject: Subject, information: np.ndarray) -> tuple[list[Gauge], list[str]]:
    """Returns the gauges of a model on a split, and for those that do not apply a sentence why.

    Args:
      subject: the model and the split.
      information: I(x; c) of each variable, nats, [J].
    """
    vae, totals = subject.model.vae, subject.posteriors.totals
    latent, item = vae.latent, subject.model.modality.item
    if not latent.size:
        return [], ["No latent variable: components, space and walks do not apply."]
    messages = collapse_messages(vae, {f"val_{name}": value for name, value in totals.items()})
    found, left_out = [], []
    named = {"average_kl": "KL(z) without the dispersion", "kl_z": "KL(z)", "kl_c": "KL(c)"}
    present = [key for key in named if key in totals]
    if present:
        kl, name = totals[present[0]], named[present[0]]
        meaning = messages.get("posterior", f"nats that z tells the decoder of {subject.model.modality.an_item}")
        found.append(Gauge(name, number(kl), meaning, "posterior" in messages))
    else:
        left_out.append("The posterior is a point: it has no KL to gauge.")
    variance = subject.posteriors.mean.var(axis=0)
    active = int((variance > ACTIVE * latent.unit_variance).sum())
    meaning = f"entries of z whose posterior mean varies from {item} to {item}; the others are ignored"
    if few := active < _FEW * len(variance):
        meaning += f": for more of them, {posterior_cure(vae)}"
    found.append(Gauge("active units", f"{active} of {len(variance)}", meaning, few))
    if latent.has_codes and latent.num_components > 1:
        most = np.mean([subject.model.topics.most_told(variable) for variable in range(latent.num_variables)])
        meaning = f"nats that a variable's code tells of the {item} on average, of at most {most:.2f}"
        value = f"{information.mean():.3f}"
        found.append(Gauge("I(x; c) a variable", value, messages.get("mixture", meaning), "mixture" in messages))
    elif latent.has_codes:
        left_out.append("One component: its codes tell nothing, so there is nothing to gauge.")
    else:
        left_out.append("No codes: there is no I(x; c) to gauge.")
    return found, left_out
