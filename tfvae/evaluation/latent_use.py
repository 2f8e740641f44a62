"""How much the latent variable is used: mutual information, active units, and how far the aggregate posterior is from the prior.

References:
  Hoffman, Johnson. ELBO surgery. NIPS Workshop on Advances in Approximate Bayesian Inference, 2016.
  Dieng, Kim, Rush, Blei. Avoiding Latent Variable Collapse with Generative Skip Models. AISTATS 2019, section 5.
  Poole, Ozair, van den Oord, Alemi, Tucker. On Variational Bounds of Mutual Information. ICML 2019, section 2.1 (upper bounds).
  He, Spokoyny, Neubig, Berg-Kirkpatrick. Lagging Inference Networks and Posterior Collapse. ICLR 2019, section 4.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae.evaluation.figure import Figure, mean_figure
from tfvae.evaluation.subject import Subject
from tfvae.latents.latent import Latent, Params
from tfvae.models.build import build_vae
from tfvae.progress import Progress, no_progress

ACTIVE = 0.01
"""Variance over examples of a posterior mean's entry above which the entry counts as active (Burda et al. 2016; Skip-VAE's code: .02).

That is a share of the variance under a standard normal prior; uniform on the sphere of R^d, it is 1/d, and so is the threshold's unit."""
MINIBATCH = 32
"""Sentences of a batch in the minibatch estimate of I(x; z), as in He et al. 2019."""
MOST = 10_000
"""Sentences whose posteriors are mixed, at most: the cost grows with their square."""
_PAIRS = 1 << 18  # densities at a time


def latent_use(subject: Subject) -> Iterator[Figure]:
    """Yields the figures; there are none without a latent variable."""
    posteriors, latent = subject.posteriors, subject.model.vae.latent
    variance = posteriors.mean.astype(np.float64).var(axis=0)
    several, unit = np.ndim(latent.unit_variance) > 0, latent.unit_variance
    for share, suffix in ((ACTIVE, ""), (2 * ACTIVE, "_02")):
        count = int((variance > share * unit).sum())
        threshold, of = (share, " of that under the prior") if several else (share * unit, "")
        estimator = f"entries of E[z|x] with a variance over examples above {threshold:g}{of}, of {len(variance)}"
        yield Figure(f"active_units{suffix}", count, estimator=estimator, settings={"threshold": threshold})
    if latent.has_codes:
        yield from _codes(posteriors.probabilities)
        if "components" not in latent.prior_parameters():
            yield Figure("natural_variance_start", None, estimator="codes are z itself, without components that could merge")
        elif subject.config.training.init_from:
            yield Figure("natural_variance_start", None, estimator="training began with another run's components")
        else:
            yield _variance_at_the_start(subject)
    else:
        yield Figure("mutual_information_c", None, estimator="the prior is no mixture, so there are no codes")
    if not latent.has_density:
        for name in ("mutual_information_z", "mutual_information_z_minibatch", "aggregate_kl_z"):
            yield Figure(name, None, estimator="the posterior is a point without a density")
    else:
        yield from _continuous(latent, *mixed(subject, MOST), subject)


def mixed(subject: Subject, most: int) -> tuple[Params, np.ndarray]:
    """Returns parameters, leaves [n, ...], and a sample, [n, size], of each of `most` posteriors of the split, drawn by the seed."""
    posteriors, chosen = subject.posteriors, subject.choose(most)
    return tf.nest.map_structure(lambda leaf: leaf[chosen], posteriors.params), posteriors.z[chosen]


def _variance_at_the_start(subject: Subject) -> Figure:
    """What `natural_variance` was before training, when q(c|x) was uniform: that of the first components of this seed."""
    first = build_vae(subject.config, subject.model.modality.shape).latent.prior_parameters()["components"]
    value = first.astype(np.float64).var(axis=1).sum()
    return Figure("natural_variance_start", value, estimator="natural_variance of the components that the run's seed begins with")


def _codes(probabilities: np.ndarray) -> Iterator[Figure]:
    """I(x; c_j) of the whole split, and how evenly components are used."""
    each = information(probabilities)
    cap = math.log(probabilities.shape[-1])
    estimator = f"H(q(c_j)) - E_x H(q(c_j|x)) over the split, q(c_j) its aggregate; at most log K = {cap:.3f}"
    yield mean_figure("mutual_information_c", each, unit="nats a variable", estimator=estimator)
    mean = "the mean of mutual_information_c over variables"
    yield mean_figure("mutual_information_c_mean", each.mean(axis=1), unit="nats", estimator=mean)
    use = probabilities.astype(np.float64).mean(axis=0)
    entropy = -np.sum(np.where(use > 0, use * np.log(np.maximum(use, 1e-300)), 0.0), axis=-1)
    yield Figure("aggregate_kl_c", cap - entropy, unit="nats a variable", estimator="KL(q(c_j) || p(c_j))")
    yield Figure("active_components", np.exp(entropy), estimator="exp(H(q(c_j))), of K")
    yield Figure("component_use", use, unit="share", estimator="q(c_j), [J, K]")


def information(probabilities: np.ndarray) -> np.ndarray:
    """Returns KL(q(c|x) || q(c)) of each example, nats, [N, J], from q(c|x) [N, J, K]; q(c) is its mean over examples.

    The mean over examples is I(x; c), never negative; its standard error is that of a mean, to first order.
    """
    probabilities = probabilities.astype(np.float64)
    use = probabilities.mean(axis=0)
    logs = np.log(np.maximum(probabilities, 1e-300)) - np.log(np.maximum(use, 1e-300))
    return np.maximum(np.sum(probabilities * logs, axis=-1), 0.0)  # below 0 only by rounding


def _continuous(latent: Latent, params: Params, z: np.ndarray, subject: Subject) -> Iterator[Figure]:
    """I(x; z) by its estimate, an upper bound and the minibatch estimate, and KL(q(z) || p(z))."""
    count = len(z)
    densities = Densities(latent)
    own, aggregate, others = densities(params, z, subject.progress)
    prior = latent.log_prior(tf.constant(z)).numpy().astype(np.float64)
    settings = {"sentences": count, "seed": subject.seed}
    estimator = (
        f"E[log q(z|x) - log q(z)], q(z) the mixture of {count:,} posteriors, a sample each; at most log {count:,} = {math.log(count):.2f}"
    )
    yield _told(mean_figure("mutual_information_z", own - aggregate, unit="nats", estimator=estimator, settings=settings))
    yield _told(
        _upper(own, {"the prior": prior} | ({"the mixture of all other examples' posteriors": others} if count > 1 else {}), settings)
    )
    yield _told(
        mean_figure(
            "aggregate_kl_z", aggregate - prior, unit="nats", estimator="KL(q(z) || p(z)): E[log q(z) - log p(z)]", settings=settings
        )
    )
    size = min(MINIBATCH, count)
    order = np.random.default_rng(subject.seed).permutation(count)
    batches = order[: count // size * size].reshape(-1, size)  # whole ones
    values = []
    for batch in batches:
        within_own, within, _ = densities(tf.nest.map_structure(lambda leaf, rows=batch: leaf[rows], params), z[batch])
        values.append(float(np.mean(within_own - within)))
    cap = f"the mean of the same over batches of {size}; at most log {size} = {math.log(size):.2f}"
    name = "mutual_information_z_minibatch"
    yield _told(mean_figure(name, np.array(values), unit="nats", estimator=cap, settings={**settings, "batch": size}))


def _upper(own: np.ndarray, densities: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Figure:
    """The least of the upper bounds of I(x; z) that densities m(z) give, log m(z) [N] by name; each is one with any m."""
    name = max(densities, key=lambda name: float(densities[name].mean()))
    estimator = f"E[log q(z|x) - log m(z)], m {name}, the least of such bounds: on average no less than I(x; z), and without a ceiling"
    return mean_figure("mutual_information_z_upper", own - densities[name], unit="nats", estimator=estimator, settings=settings)


def _told(figure: Figure) -> Figure:
    """Says of a negative estimate of something that is never negative that it is one."""
    if figure.value >= 0:
        return figure
    return dataclasses.replace(figure, remark="below 0 only by the noise of sampling")


class Densities:
    """Densities of samples under their own and under all posteriors of a latent."""

    def __init__(self, latent: Latent) -> None:
        """Makes the graph that all calls share."""
        self._block = tf.function(functools.partial(_block, latent), reduce_retracing=True, autograph=False)

    def __call__(self, params: Params, z: np.ndarray, progress: Progress = no_progress) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns log q(z_n|x_n), log 1/N sum_m q(z_n|x_m) and log 1/(N - 1) sum_(m != n) q(z_n|x_m), nats, [N] each, float64.

        Args:
          params: of N posteriors, leaves [N, ...].
          z: a sample of each, [N, size].
          progress: shows how far it is.
        """
        count = len(z)
        size = max(1, _PAIRS // count)
        params = tf.nest.map_structure(tf.constant, params)
        starts = range(0, count, size)
        shown = progress("aggregate posterior", starts, len(starts))
        parts = [self._block(params, tf.constant(z[i : i + size]), tf.constant(i)) for i in shown]
        own, aggregate, others = (np.concatenate([part[side].numpy() for part in parts]) for side in range(3))
        return own, aggregate - math.log(count), others - math.log(max(1, count - 1))


def _block(latent: Latent, params: Params, z: tf.Tensor, start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Log densities of the samples start, start + 1, … under their own posteriors, under all added up, and under all but their own."""
    pairs = tf.cast(latent.log_posterior(params, z[:, tf.newaxis]), tf.float64)  # [rows, N]
    rows = tf.range(tf.shape(z)[0])
    own = tf.stack([rows, start + rows], 1)
    others = tf.tensor_scatter_nd_update(pairs, own, tf.fill(tf.shape(rows), tf.constant(-math.inf, pairs.dtype)))
    return tf.gather_nd(pairs, own), tf.reduce_logsumexp(pairs, axis=-1), tf.reduce_logsumexp(others, axis=-1)
