"""Which topics of a variable are alike, and the fewer topics that the most alike of them make."""

import numpy as np
import scipy.cluster.hierarchy

from tfvae.errors import UserError
from tfvae.evaluation.telling import class_tf_idf
from tfvae.models.topics import Topics


def linkage(counts: np.ndarray) -> np.ndarray:
    """Returns how topics join, the most alike first, as `scipy.cluster.hierarchy.linkage` does: average linkage of cosine distances.

    Args:
      counts: of words in each of K topics, [K, V], K at least 2. Topics are compared by their class-based TF-IDF.
    """
    vectors = class_tf_idf(counts)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(norms > 0, norms, 1)
    distances = np.clip(1 - vectors @ vectors.T, 0, 2)
    return scipy.cluster.hierarchy.linkage(distances[np.triu_indices(len(vectors), 1)], "average")


def reduce(topics: Topics, variable: int, count: int, counts: np.ndarray) -> Topics:
    """Returns topics of which the most alike of one variable are merged, until there are `count`.

    Args:
      topics: as they are.
      variable: j.
      count: topics that are left.
      counts: of words in the texts of each component's number, [K, V].

    Raises:
      UserError: there are not more than that, or fewer than one is asked for.
    """
    numbers = topics.numbers(variable)
    if not 1 <= count < len(numbers):
        raise UserError(f"variable {variable} has {len(numbers)} topics: they can be reduced to 1 to {len(numbers) - 1}, not to {count}")
    groups = scipy.cluster.hierarchy.fcluster(linkage(counts[numbers]), count, "maxclust")
    for group in np.unique(groups):
        alike = np.array(numbers)[groups == group].tolist()
        if len(alike) > 1:
            topics = topics.merge(variable, alike)
    return topics
