"""How much posteriors depend on the order of words: each text beside itself with its words shuffled.

References:
  Xu, Durrett. Spherical Latent Spaces for Stable Variational Autoencoders. EMNLP 2018, section 5: what a code knows of order beyond words.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.evaluation.figure import Figure, mean_figure
from tfvae.evaluation.subject import Subject


def shuffled(tokens: np.ndarray, length: np.ndarray, index: np.ndarray, seed: int) -> np.ndarray:
    """Returns texts with their words in another order, the ends of sentences and padding where they were, int [B, T].

    Args:
      tokens: ids, [B, T].
      length: tokens of each text, its end included, [B].
      index: numbers of the texts, [B]: a text's order depends on the seed and its number alone.
      seed: of the orders.
    """
    found = tokens.copy()
    for row, (count, number) in enumerate(zip(length, index, strict=True)):
        words = int(count) - 1
        found[row, :words] = tokens[row, np.random.default_rng([seed, int(number)]).permutation(words)]
    return found


def word_order(subject: Subject) -> Iterator[Figure]:
    """Yields the figures, means over the texts whose words come in another order when they are shuffled."""
    vae = subject.model.vae
    latent, noise, parts = vae.latent, tf.constant([subject.seed, 5]), []

    def compare(batch: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        shuffle = lambda tokens, length, index: shuffled(tokens, length, index, subject.seed)  # noqa: E731
        tokens = tf.numpy_function(shuffle, [batch[name] for name in ("tokens", "length", "index")], batch["tokens"].dtype)
        other = {**batch, "tokens": tf.ensure_shape(tokens, batch["tokens"].shape)}
        (own_bound, own, _), (their_bound, theirs, _) = (vae.examine(each, subject.seed) for each in (batch, other))
        rows = stateless.rows(noise, batch["index"])
        likelihoods = [vae.decoder.log_prob(batch, latent.sample(params, 1, rows))[0] for params in (own, theirs)]
        codes = [tf.argmax(latent.code_probabilities(params), axis=-1) for params in (own, theirs)]
        return {
            "moved": tf.reduce_any(other["tokens"] != batch["tokens"], axis=1),
            "cosine": _cosine(latent.mean(own), latent.mean(theirs)),
            "distance": tf.norm(latent.mean(own) - latent.mean(theirs), axis=-1),
            "code": tf.reduce_mean(tf.cast(codes[0] != codes[1], tf.float32), axis=-1),
            "loss": likelihoods[0] - likelihoods[1],
            "bound": own_bound["elbo"] - their_bound["elbo"],
            "index": batch["index"],
        }

    for answer in subject.over_batches("texts beside themselves shuffled", compare):
        parts.append({name: value.numpy() for name, value in answer.items()})
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    found = {name: value[np.argsort(found["index"])] for name, value in found.items()}
    index = np.flatnonzero(found["moved"])
    settings = {"seed": subject.seed, "sentences": len(index)}
    estimator = "texts whose words come in another order when shuffled"
    yield Figure("reordered", len(index) / len(found["moved"]), unit="share", estimator=estimator)
    for name, unit, estimator in _FIGURES:
        if name == "code" and not latent.has_codes:
            continue
        full = f"order_{name}"
        if not len(index):
            yield Figure(full, None, estimator="no text's words come in another order")
        else:
            yield mean_figure(full, found[name][index], unit=unit, estimator=estimator, settings=settings)


_FIGURES = (
    ("cosine", "", "cosine between the posterior means of a text and of the same with its words shuffled; 1: order does not matter"),
    ("distance", "", "distance between those means"),
    ("code", "share", "variables whose most probable component is another when words are shuffled"),
    ("loss", "nats a sentence", "log p(x|z) of a text, z of its own posterior, less that of z of the shuffled text's, by the same noise"),
    ("bound", "nats a sentence", "ELBO of a text less that of the shuffled text, by the same noise: what order makes more probable"),
)
"""Name, unit and estimator."""


def _cosine(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """The cosine of vectors [B, size]; 1 of vectors that are equal, of no length too."""
    product = tf.reduce_sum(first * second, axis=-1)
    lengths = tf.norm(first, axis=-1) * tf.norm(second, axis=-1)
    same = tf.reduce_all(first == second, axis=-1)
    return tf.where(same, tf.ones_like(product), product / tf.maximum(lengths, 1e-30))
