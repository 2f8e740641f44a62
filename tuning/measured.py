"""Figures of a trained model that a search may optimise."""

import functools
import math

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score

from tfvae.evaluation.language_model import LanguageModel, perplexity
from tfvae.evaluation.latent_use import Densities, information, mixed
from tfvae.evaluation.likelihood import likelihood
from tfvae.evaluation.subject import Subject
from tuning.objective import METRICS, PROXY

_MIXED = 2000  # posteriors in the mixture, at most: the cost grows with their square


class Measured:
    """Figures of one trained model, each computed when it is first asked for."""

    def __init__(self, subject: Subject) -> None:
        """Measures a model on a split."""
        self.subject = subject

    def __getitem__(self, name: str) -> float:
        """Returns a figure by the name that METRICS has, or "ami.<label>"."""
        head, _, label = name.partition(".")
        return METRICS[head].measure(self, label) if label else METRICS[name].measure(self)

    @functools.cached_property
    def likelihood(self) -> dict[str, float]:
        """Figures of the evaluation's group of that name."""
        return {figure.name: float(figure.value) for figure in likelihood(self.subject) if figure.value is not None}

    @functools.cached_property
    def information(self) -> np.ndarray:
        """I(x; c_j) over the split, nats, [J]."""
        return information(self.subject.posteriors.probabilities).mean(axis=0)

    def log_perplexity(self) -> float:
        """Nats a token, ends counted: importance-weighted where that applies."""
        rate = self.subject.model.vae.decoder.rate
        return rate.nats(self.likelihood[f"{rate.name}_iw"])

    def use(self) -> float:
        """Share of log K that codes carry, the mean over variables."""
        components = self.subject.model.vae.latent.num_components
        return float(self.information.mean() / math.log(components)) if components > 1 else 0.0

    def mutual_information_z(self) -> float:
        """E[log q(z|x) - log q(z)], q(z) the mixture of the posteriors, a sample each; never below 0."""
        own, aggregate, _ = Densities(self.subject.model.vae.latent)(*mixed(self.subject, _MIXED))
        return max(0.0, float(np.mean(own - aggregate)))

    def ami(self, label: str) -> float:
        """Adjusted mutual information of the joint code with a label."""
        codes = np.unique(self.subject.posteriors.codes, axis=0, return_inverse=True)[1].ravel()
        return float(adjusted_mutual_info_score(self.subject.data.labels[label], codes))

    def reverse_perplexity(self) -> float:
        """A proxy: fewer sentences and a smaller language model than an evaluation's."""
        sentences = self.subject.from_prior(PROXY["sentences"] + PROXY["held_out"])
        training, held_out = sentences[: PROXY["sentences"]], sentences[PROXY["sentences"] :]
        judge = LanguageModel(self.subject, training, held_out, units=PROXY["units"], epochs=PROXY["epochs"])
        return perplexity(*judge.judge(self.subject.data))[0]
