"""How probable the model finds held-out examples: the ELBO, its parts, the importance-weighted likelihood, and rates of both."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.decoders.rate import PERPLEXITY
from tfvae.evaluation.figure import Figure, mean_figure, ratio
from tfvae.evaluation.subject import Subject
from tfvae.tokens import UNK

_TERMS = {
    "reconstruction": "-E_q log p(x|z)",
    "kl_z": "KL(q(z|x) || p(z)); of a mixture E_q(c|x) KL(q(z|x) || p(z|c))",
    "kl_c": "KL(q(c|x) || p(c))",
    "dispersion": "L_d, part of kl_z",
    "average_kl": "the rest of kl_z",
    "natural_variance": "variance of the components' natural parameters under q(c|x), summed over variables, dimensions and parameters",
    "kappa": "concentration of q(z|x), which is learned",
}
_NO_NATS = ("natural_variance", "kappa")
_MOST_NATS = 700.0  # an observation, beyond which no perplexity is a float64


def _nats(subject: Subject) -> str:
    return f"nats {subject.model.modality.an_item}"


def likelihood(subject: Subject) -> Iterator[Figure]:
    """Yields the figures; all are of the whole split, the bound and its parts at w = 1 with one posterior sample an example."""
    posteriors = subject.posteriors
    observations, nats = posteriors.observations.astype(np.float64), _nats(subject)
    bound = -posteriors.terms["elbo"].astype(np.float64)
    latent = subject.model.vae.latent
    drawn = {"seed": subject.seed} if latent.size else {}
    yield from _counts(subject)
    rate = subject.model.vae.decoder.rate.name
    if not latent.has_density:
        why = "the posterior is a point without a density, so its reconstruction error bounds nothing"
        for name in ("nll_bound", f"{rate}_bound", "nll_iw", f"{rate}_iw"):
            yield Figure(name, None, estimator=why)
    else:
        exact = "" if latent.size else ", which is -log p(x) itself: there is no latent variable"
        yield mean_figure("nll_bound", bound, unit=nats, estimator=f"-ELBO{exact}", settings=drawn)
        yield from _rates(subject, "bound", bound, observations, drawn)
    yield Figure("loss", posteriors.totals["loss"], unit=nats, estimator="the training objective at w = 1", settings=drawn)
    for name, meaning in _TERMS.items():
        if name in posteriors.terms and latent.size:
            unit = "" if name in _NO_NATS else nats
            yield mean_figure(name, posteriors.terms[name], unit=unit, estimator=meaning, settings=drawn)
    if latent.has_density and latent.size:
        yield from _importance_weighted(subject, bound, observations)
    elif latent.has_density:
        yield mean_figure("nll_iw", bound, unit=nats, estimator="-log p(x), exact: there is no latent variable")
        yield from _rates(subject, "iw", bound, observations, {})


def _counts(subject: Subject) -> Iterator[Figure]:
    """Yields how many examples and observations there are."""
    modality, decoder, observations = subject.model.modality, subject.model.vae.decoder, subject.posteriors.observations
    yield Figure(f"{modality.item}s", len(observations))
    if not decoder.ordered:
        yield Figure(f"{modality.unit}s", int(observations.sum()), estimator=f"{modality.unit}s that are predicted")
        return
    yield Figure("tokens", int(observations.sum()), estimator="ends of sentences counted")
    unknown = np.mean(subject.sentences_read.tokens == UNK)
    yield Figure("unknown_tokens", unknown, unit="share", estimator="unknown words among them: each is one token, predicted as any other")


def _importance_weighted(subject: Subject, bound: np.ndarray, observations: np.ndarray) -> Iterator[Figure]:
    """Yields the likelihood of the split, of which `subject.sentences` examples are estimated and the others known by their bound.

    The bound [N] is a control variate: NLL = mean of all bounds - mean of the gains on the chosen examples. The spread of sentences'
    lengths, by far the greatest part of the error of a mean over few, is so that of the whole split.
    """
    chosen = subject.choose(subject.sentences)
    score, order = [], []
    nats, item = _nats(subject), subject.model.modality.item
    for index, values in subject.over_batches(
        f"likelihood of {len(chosen):,} {item}s, {subject.samples} samples",
        lambda batch: (batch["index"], subject.model.vae.log_likelihood(batch, subject.samples, seed=subject.seed)),
        chosen,
    ):
        order.append(index.numpy())
        score.append(-values.numpy())
    nll, index = np.concatenate(score), np.concatenate(order)
    gain = bound[index] - nll
    settings = {"samples": subject.samples, "sentences": len(chosen), "seed": subject.seed}
    estimator = "importance-weighted: -log of the mean of p(x|z) p(z) / q(z|x), z ~ q(z|x)"
    difference = f"what the estimate gains over the bound on the same {item}s"
    if len(chosen) == len(bound):
        yield mean_figure("nll_iw", nll, unit=nats, estimator=estimator, settings=settings)
        yield mean_figure("nll_iw_gain", gain, unit=nats, estimator=difference, settings=settings)
        yield from _rates(subject, "iw", nll, observations[index], settings)
        return
    error = _error_of_difference(bound, gain, index)
    more = f"{estimator}; the bound of the whole split less the gain of {len(chosen):,} {item}s"
    yield Figure("nll_iw", bound.mean() - gain.mean(), error, nats, more, settings)
    yield mean_figure("nll_iw_sample", nll, unit=nats, estimator=f"{estimator}; of {len(chosen):,} {item}s alone", settings=settings)
    yield mean_figure("nll_iw_gain", gain, unit=nats, estimator=difference, settings=settings)
    yield from _rates(subject, "iw", bound, observations, settings, (gain, index))


def _error_of_difference(every: np.ndarray, some: np.ndarray, index: np.ndarray) -> float:
    """Standard error of mean(every) - mean(some), of values [N] and other values [n] of the examples that `index` [n] names."""
    if len(some) < 2:
        return math.nan
    covariance = np.cov(every[index], some)
    variance = every.var(ddof=1) / len(every) + covariance[1, 1] / len(some) - 2 * covariance[0, 1] / len(every)
    return math.sqrt(max(variance, 0.0))


def _rates(
    subject: Subject,
    name: str,
    nll: np.ndarray,
    observations: np.ndarray,
    settings: Mapping[str, Any],
    gain: tuple[np.ndarray, np.ndarray] | None = None,
) -> Iterator[Figure]:
    """Yields nats an observation as the decoder's rate, with and without ends where there are any; all are predicted in both.

    Args:
      subject: what is evaluated.
      name: of what is counted, nll_<name>.
      nll: of each example.
      observations: how many it has, its end among them where there is one.
      settings: of the figures.
      gain: of some examples, whose mean is taken from that of `nll`; and which they are.
    """
    decoder, unit = subject.model.vae.decoder, subject.model.modality.unit
    what, counts = f"{unit}s", {"": observations}
    if decoder.ordered and decoder.rate is PERPLEXITY:
        what, counts = "tokens", {"": observations, "_without_eos": observations - 1}
    for suffix, counted in counts.items():
        if not counted.any():
            continue
        nats, error = ratio(nll, counted)
        if gain is not None:
            gained, index = gain
            nats -= gained.mean() / counted.mean()
            error = _error_of_difference(nll - nats * counted, gained, index) / counted.mean()
        at = tf.constant(min(nats, _MOST_NATS), tf.float64)
        value, slope = (float(function(at)) for function in (decoder.rate.value, decoder.rate.slope))
        estimator = decoder.rate.formula.format(nats=f"nll_{name}", observations=what)
        if len(counts) > 1:
            estimator += f", ends of sentences {'not counted' if suffix else 'counted'}"
        yield Figure(f"{decoder.rate.name}_{name}{suffix}", value, slope * error, "", estimator, {**settings, what: int(counted.sum())})
