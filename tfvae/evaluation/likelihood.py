"""How probable the model finds held-out text: the ELBO, its parts, the importance-weighted likelihood, and perplexities of both."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfvae.evaluation.figure import Figure, mean_figure, ratio
from tfvae.evaluation.subject import Subject
from tfvae.tokens import UNK

_NATS = "nats a sentence"
_TERMS = {
    "reconstruction": ("-E_q log p(x|z)", _NATS),
    "kl_z": ("KL(q(z|x) || p(z)); of a mixture E_q(c|x) KL(q(z|x) || p(z|c))", _NATS),
    "kl_c": ("KL(q(c|x) || p(c))", _NATS),
    "dispersion": ("L_d, part of kl_z", _NATS),
    "average_kl": ("the rest of kl_z", _NATS),
    "natural_variance": (
        "variance of the components' natural parameters under q(c|x), summed over variables, dimensions and parameters",
        "",
    ),
}


def likelihood(subject: Subject) -> Iterator[Figure]:
    """Yields the figures; all are of the whole split, the bound and its parts at w = 1 with one posterior sample a sentence."""
    posteriors, length = subject.posteriors, subject.examples.length.astype(np.float64)
    bound = -posteriors.terms["elbo"].astype(np.float64)
    latent = subject.model.vae.latent
    drawn = {"seed": subject.seed} if latent.size else {}
    yield Figure("sentences", len(length))
    yield Figure("tokens", int(length.sum()), estimator="ends of sentences counted")
    unknown = np.mean(subject.examples.tokens == UNK)
    yield Figure("unknown_tokens", unknown, unit="share", estimator="unknown words among them: each is one token, predicted as any other")
    if not latent.has_density:
        why = "the posterior is a point without a density, so its reconstruction error bounds nothing"
        for name in ("nll_bound", "perplexity_bound", "nll_iw", "perplexity_iw"):
            yield Figure(name, None, estimator=why)
    else:
        exact = "" if latent.size else ", which is -log p(x) itself: there is no latent variable"
        yield mean_figure("nll_bound", bound, unit=_NATS, estimator=f"-ELBO{exact}", settings=drawn)
        yield from _perplexities("bound", bound, length, drawn)
    yield Figure("loss", posteriors.totals["loss"], unit=_NATS, estimator="the training objective at w = 1", settings=drawn)
    for name, (meaning, unit) in _TERMS.items():
        if name in posteriors.terms and latent.size:
            yield mean_figure(name, posteriors.terms[name], unit=unit, estimator=meaning, settings=drawn)
    if latent.has_density and latent.size:
        yield from _importance_weighted(subject, bound, length)
    elif latent.has_density:
        yield mean_figure("nll_iw", bound, unit=_NATS, estimator="-log p(x), exact: there is no latent variable")
        yield from _perplexities("iw", bound, length, {})


def _importance_weighted(subject: Subject, bound: np.ndarray, length: np.ndarray) -> Iterator[Figure]:
    """Yields the likelihood of the split, of which `subject.sentences` sentences are estimated and the others known by their bound.

    The bound [N] is a control variate: NLL = mean of all bounds - mean of the gains on the chosen sentences. The spread of sentences'
    lengths, by far the greatest part of the error of a mean over few, is so that of the whole split.
    """
    chosen = subject.choose(subject.sentences)
    score, order = [], []
    for index, values in subject.over_batches(
        f"likelihood of {len(chosen):,} sentences, {subject.samples} samples",
        lambda batch: (batch["index"], subject.model.vae.log_likelihood(batch, subject.samples, seed=subject.seed)),
        chosen,
    ):
        order.append(index.numpy())
        score.append(-values.numpy())
    nll, index = np.concatenate(score), np.concatenate(order)
    gain = bound[index] - nll
    settings = {"samples": subject.samples, "sentences": len(chosen), "seed": subject.seed}
    estimator = "importance-weighted: -log of the mean of p(x|z) p(z) / q(z|x), z ~ q(z|x)"
    difference = "what the estimate gains over the bound on the same sentences"
    if len(chosen) == len(bound):
        yield mean_figure("nll_iw", nll, unit=_NATS, estimator=estimator, settings=settings)
        yield mean_figure("nll_iw_gain", gain, unit=_NATS, estimator=difference, settings=settings)
        yield from _perplexities("iw", nll, length[index], settings)
        return
    error = _error_of_difference(bound, gain, index)
    more = f"{estimator}; the bound of the whole split less the gain of {len(chosen):,} sentences"
    yield Figure("nll_iw", bound.mean() - gain.mean(), error, _NATS, more, settings)
    yield mean_figure("nll_iw_sample", nll, unit=_NATS, estimator=f"{estimator}; of {len(chosen):,} sentences alone", settings=settings)
    yield mean_figure("nll_iw_gain", gain, unit=_NATS, estimator=difference, settings=settings)
    yield from _perplexities("iw", bound, length, settings, (gain, index))


def _error_of_difference(every: np.ndarray, some: np.ndarray, index: np.ndarray) -> float:
    """Standard error of mean(every) - mean(some), of values [N] and other values [n] of the examples that `index` [n] names."""
    if len(some) < 2:
        return math.nan
    covariance = np.cov(every[index], some)
    variance = every.var(ddof=1) / len(every) + covariance[1, 1] / len(some) - 2 * covariance[0, 1] / len(every)
    return math.sqrt(max(variance, 0.0))


def _perplexities(
    name: str, nll: np.ndarray, length: np.ndarray, settings: Mapping[str, Any], gain: tuple[np.ndarray, np.ndarray] | None = None
) -> Iterator[Figure]:
    """Yields exp(nats a token), with and without ends of sentences among the tokens; all are predicted in both.

    Args:
      name: of what is counted, nll_<name>.
      nll: of each sentence.
      length: its tokens, its end among them.
      settings: of the figures.
      gain: of some sentences, whose mean is taken from that of `nll`; and which they are.
    """
    for suffix, tokens, counted in (("", length, "counted"), ("_without_eos", length - 1, "not counted")):
        if not tokens.any():
            continue
        nats, error = ratio(nll, tokens)
        if gain is not None:
            gained, index = gain
            nats -= gained.mean() / tokens.mean()
            error = _error_of_difference(nll - nats * tokens, gained, index) / tokens.mean()
        perplexity = math.exp(min(nats, 700.0))
        estimator = f"exp(sum of nll_{name} / tokens), ends of sentences {counted}"
        yield Figure(f"perplexity_{name}{suffix}", perplexity, perplexity * error, "", estimator, {**settings, "tokens": int(tokens.sum())})
