"""How probable the model finds held-out text: the ELBO, its parts, the importance-weighted likelihood, and perplexities of both."""

import math
from collections.abc import Iterator

import numpy as np

from tfvae.evaluation.figure import Figure, mean_figure, ratio
from tfvae.evaluation.subject import Subject
from tfvae.tokens import UNK

_NATS = "nats a sentence"
_TERMS = {
    "reconstruction": ("-E_q log p(x|z)", _NATS),
    "kl_z": ("E_q(c|x) KL(q(z|x) || p(z|c))", _NATS),
    "kl_c": ("KL(q(c|x) || p(c))", _NATS),
    "kl": ("KL(q(z|x) || p(z))", _NATS),
    "dispersion": ("L_d, part of kl_z", _NATS),
    "average_kl": ("the rest of kl_z", _NATS),
    "natural_variance": (
        "variance of the components' natural parameters under q(c|x), summed over variables, dimensions and parameters",
        "",
    ),
}


def likelihood(subject: Subject) -> Iterator[Figure]:
    """Yields the figures; the bound and its parts are of the whole split, w = 1, one posterior sample a sentence."""
    posteriors, length = subject.posteriors, subject.examples.length.astype(np.float64)
    bound = -posteriors.terms["elbo"]
    has_latent = bool(subject.model.vae.latent.size)
    is_bound = subject.model.vae.latent.has_density
    yield Figure("sentences", len(length))
    yield Figure("tokens", int(length.sum()), estimator="ends of sentences counted")
    unknown = np.mean(subject.examples.tokens == UNK)
    yield Figure("unknown_tokens", unknown, unit="share", estimator="unknown words among them: each is one token, predicted as any other")
    yield mean_figure("nll_bound", bound, unit=_NATS, estimator=_bound_of(has_latent, is_bound))
    yield from _perplexities("bound", bound, length)
    yield Figure("loss", posteriors.totals["loss"], unit=_NATS, estimator="the training objective at w = 1")
    for name, (meaning, unit) in _TERMS.items():
        if name in posteriors.terms and has_latent:
            yield mean_figure(name, posteriors.terms[name], unit=unit, estimator=meaning)
    if is_bound and has_latent:
        chosen = subject.choose(subject.sentences)
        score, order = [], []
        for index, values in subject.over_batches(
            f"likelihood of {len(chosen):,} sentences, {subject.samples} samples",
            lambda batch: (batch["index"], subject.model.vae.log_likelihood(batch, subject.samples)),
            chosen,
        ):
            order.append(index.numpy())
            score.append(-values.numpy())
        nll, settings = np.concatenate(score), {"samples": subject.samples, "sentences": len(chosen), "seed": subject.seed}
        estimator = "importance-weighted: -log of the mean of p(x|z) p(z) / q(z|x), z ~ q(z|x)"
        yield mean_figure("nll_iw", nll, unit=_NATS, estimator=estimator, settings=settings)
        chosen_bound = bound[np.concatenate(order)]
        difference = "what the estimate gains over the bound on the same sentences"
        yield mean_figure("nll_iw_gain", chosen_bound - nll, unit=_NATS, estimator=difference, settings=settings)
        yield from _perplexities("iw", nll, length[np.concatenate(order)], settings)


def _bound_of(has_latent: bool, is_bound: bool) -> str:
    if not has_latent:
        return "-log p(x), exact: there is no latent variable"
    return "-ELBO" if is_bound else "reconstruction error alone: a point has no density, so this bounds nothing"


def _perplexities(name: str, nll: np.ndarray, length: np.ndarray, settings: dict | None = None) -> Iterator[Figure]:
    """Yields exp(total nll / total tokens), with and without ends of sentences among the tokens; all are predicted in both."""
    for suffix, tokens, counted in (("", length, "counted"), ("_without_eos", length - 1, "not counted")):
        if not tokens.any():
            continue
        value, error = ratio(nll, tokens)
        perplexity = math.exp(min(value, 700.0))
        estimator = f"exp(sum of nll_{name} / tokens), ends of sentences {counted}"
        yield Figure(
            f"perplexity_{name}{suffix}", perplexity, perplexity * error, "", estimator, {**(settings or {}), "tokens": int(tokens.sum())}
        )
