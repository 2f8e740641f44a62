"""The latent space in two dimensions."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from tfvae.latents.latent import Latent
from tfvae.latents.mixture import MixtureLatent

_SAMPLES = 300  # of a component, for its outline
_EMBEDDED = 1500  # sentences that t-SNE places


@dataclasses.dataclass(frozen=True)
class Plane:
    """Points in two dimensions, and the way there.

    Attributes:
      points: [N, 2].
      project: maps others [..., D] to the plane; None where there is no such map.
      axes: what the two dimensions are.
      index: the points' numbers in what was given.
    """

    points: np.ndarray
    project: Any
    axes: tuple[str, str]
    index: np.ndarray


def plane(points: np.ndarray) -> Plane:
    """Returns points [N, D] as they are where D is 2, in their two principal components where it is more, on a line where it is 1."""
    count, size = points.shape
    index = np.arange(count)
    if size == 1:
        return Plane(np.hstack([points, np.zeros_like(points)]), lambda x: np.concatenate([x, np.zeros_like(x)], -1), ("z", ""), index)
    if size == 2:
        return Plane(points, lambda x: x, ("first dimension", "second dimension"), index)
    if count < 3:
        return Plane(points[:, :2], lambda x: x[..., :2], ("first dimension", "second dimension"), index)
    model = PCA(2, random_state=0).fit(points)
    shares = model.explained_variance_ratio_
    axes = tuple(f"principal component {i + 1}, {share:.0%} of the variance" for i, share in enumerate(shares))
    return Plane(model.transform(points), lambda x: (x - model.mean_) @ model.components_.T, axes, index)  # type: ignore[arg-type]


def neighbours(points: np.ndarray) -> Plane | None:
    """Returns points [N, D] placed by t-SNE, some of them where there are many; None where there are too few."""
    if len(points) < 20 or points.shape[1] < 3:
        return None
    index = np.unique(np.linspace(0, len(points) - 1, min(len(points), _EMBEDDED)).astype(int))
    placed = TSNE(2, init="pca", perplexity=min(30.0, len(index) / 4), random_state=0).fit_transform(points[index])
    return Plane(placed, None, ("", ""), index)


def component_samples(latent: MixtureLatent, eta: np.ndarray) -> np.ndarray:
    """Returns samples [J, K, S, D] of components of natural parameters [J, K, F, P], from a fixed seed."""
    variables, components = eta.shape[:2]
    repeated = tf.repeat(tf.constant(eta)[tf.newaxis], _SAMPLES, axis=0)
    drawn = latent.prior_family.sample(repeated, tf.constant([0, 7]))
    return np.transpose(drawn.numpy().reshape(_SAMPLES, variables, components, -1), (1, 2, 0, 3))


def of_variable(mean: np.ndarray, latent: Latent, variable: int) -> np.ndarray:
    """Returns the entries of z [N, size] that are one variable's, [N, D]."""
    return mean[:, latent.code_columns(variable)]


def most_used(information: np.ndarray, count: int) -> list[int]:
    """Returns the numbers of the variables whose codes tell most, the first of them first."""
    return [int(i) for i in np.argsort(-information, kind="stable")[:count]]
