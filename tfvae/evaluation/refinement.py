"""What refining posteriors is worth: each example's bound at the encoder's word and at what the steps made of it.

References:
  Kim, Wiseman, Miller, Sontag, Rush. Semi-Amortized Variational Autoencoders. ICML 2018, section 5.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.evaluation.figure import Figure, mean_figure
from tfvae.evaluation.subject import Subject

_SAMPLES = 10


def refinement(subject: Subject) -> Iterator[Figure]:
    """Yields the figures, of bounds by the same noise, which is not that of the steps."""
    vae, noise = subject.model.vae, tf.constant([subject.seed, 6])

    def compare(batch: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        seed = stateless.rows(noise, batch["index"])
        found = {"first": vae.inference.first_word(vae, batch), "refined": vae.encode(batch)}
        losses = {name: vae.own_losses(batch, params, seed=seed, num_samples=_SAMPLES) for name, params in found.items()}
        return {**losses, "index": batch["index"]}

    chosen = subject.choose(subject.sentences)
    parts = list(subject.over_batches("posteriors refined", compare, chosen))
    losses = {name: np.concatenate([part[name].numpy() for part in parts]) for name in ("first", "refined", "index")}
    gain = (losses["first"] - losses["refined"])[np.argsort(losses["index"])]
    settings = {"samples": _SAMPLES, "sentences": len(chosen), "seed": subject.seed}
    estimator = "examples whose bound is higher at the refined posterior than at the encoder's, by the same noise"
    yield mean_figure("refined_better", gain > 0, unit="share", estimator=estimator, settings=settings)
    unit = f"nats a {subject.model.modality.item}"
    yield mean_figure("refined_gain", gain, unit=unit, estimator="by how much it is higher, on average", settings=settings)
