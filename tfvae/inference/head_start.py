"""What a code's head learns by itself: clusters first, then the agreement of two sights of an example."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import scipy.sparse
import tensorflow as tf
from scipy.optimize import linear_sum_assignment

from tfvae import stateless
from tfvae.inference.passes import AT_ONCE
from tfvae.objectives.agreement import agreement, joint_use

_LEARNING_RATE = 1e-3
_LOOKED_AT = 2000  # examples that tell how sure a head is
_EVERY = 10  # updates from one look to the next
_TRIALS = 4
_DEAD = 0.1  # a code is dead that fewer examples have than this share of what each would have if all were used alike
_MANY_DEAD = 0.2  # the share of dead codes at which a head begins again


@dataclasses.dataclass(frozen=True)
class HeadStart:
    """How heads learn.

    Attributes:
      start_confidence: where imitation of clusters ends: the mean over examples of the greatest q(c|x). Far beyond it a head has learned
        clusters by heart, and little moves it; long before it, agreement finds no codes and makes some of them one.
      start_steps: updates of that at most.
      agreement_steps: updates by agreement, after those.
      start_batch_size: examples an update.
      hidden_share: share of the features that a sight lacks.
      balance: see `tfvae.objectives.agreement`.
      memory: weight of earlier updates in how often codes come together, which agreement is measured on.
    """

    start_confidence: float = 0.62
    start_steps: int = 1000
    agreement_steps: int = 600
    start_batch_size: int = 384
    hidden_share: float = 0.3
    balance: float = 1.0
    memory: float = 0.9


class Learner:
    """Teaches one head, update by update."""

    def __init__(
        self,
        head: Callable[[tf.Tensor], tf.Tensor],
        variables: Sequence[keras.Variable],
        count: int,
        settings: HeadStart,
        seed: Sequence[int],
    ) -> None:
        """Prepares.

        Args:
          head: features [B, F] -> logits [B, K].
          variables: its own.
          count: K.
          settings: how.
          seed: of the batches and of what is hidden, two integers.
        """
        self.head, self.variables, self.count, self.settings = head, list(variables), count, settings
        self._values = [variable.value for variable in self.variables]
        self._optimizer = keras.optimizers.Adam(_LEARNING_RATE)
        self._optimizer.build(self.variables)
        self._past = tf.Variable(tf.zeros([1, count, count]), trainable=False)
        self._state = [*self.variables, *self._optimizer.variables, self._past]
        self._first = [variable.numpy() for variable in self._state]
        self.seed, self._seed = seed, tf.constant(seed, tf.int32)
        self.imitate = tf.function(self._imitate, autograph=False, reduce_retracing=True)
        self.agree = tf.function(self._agree, autograph=False, reduce_retracing=True)

    def _imitate(self, rows: tf.Tensor, clusters: tf.Tensor, step: tf.Tensor) -> None:
        """Makes an update by cross-entropy to clusters [B], of features [B, F] of which some are hidden."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._values)
            logits = self.head(self._hide(rows, step))
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(clusters, logits))
        self._optimizer.apply(tape.gradient(loss, self._values), self.variables)

    def _agree(self, rows: tf.Tensor, others: tf.Tensor, step: tf.Tensor, hinted: tf.Tensor | None = None) -> None:
        """Makes an update by the agreement of examples [B, F] and of others, or of the same, [B, F], where some features are hidden.

        Where `hinted` [B] names a code, and is not -1, cross-entropy to it is added.
        """
        memory = self.settings.memory
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._values)
            logits = self.head(rows)
            first, second = (tf.nn.softmax(sight)[:, tf.newaxis] for sight in (logits, self.head(self._hide(others, step))))
            joint = joint_use(first, second, tf.ones([tf.shape(rows)[0]]))
            past = tf.where(tf.reduce_sum(self._past) > 0, self._past, tf.stop_gradient(joint))
            joint = memory * past + (1 - memory) * joint
            loss = -agreement(joint, self.settings.balance)[0] / (1 - memory)  # so that a batch counts as it would by itself
            if hinted is not None:
                errors = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.maximum(hinted, 0), logits)
                loss += tf.reduce_sum(tf.where(hinted >= 0, errors, 0.0)) / tf.maximum(1.0, tf.reduce_sum(tf.cast(hinted >= 0, tf.float32)))
        self._past.assign(joint)
        self._optimizer.apply(tape.gradient(loss, self._values), self.variables)

    def _hide(self, rows: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        return hide(rows, self.settings.hidden_share, stateless.fold(self._seed, step))

    def forget(self) -> None:
        """Goes back to where it began."""
        for variable, first in zip(self._state, self._first, strict=True):
            variable.assign(first)

    def confidence(self, rows: tf.Tensor) -> float:
        """Returns the mean of the greatest probability of a code, of features [B, F]."""
        return float(tf.reduce_mean(tf.reduce_max(tf.nn.softmax(self.head(rows)), axis=-1)))


def agreeing(clusters: np.ndarray, hinted: np.ndarray, count: int) -> np.ndarray:
    """Returns clusters [N] under the numbers of the codes that most of their examples should have, and those codes where they are known.

    Args:
      clusters: of examples, int [N], less than `count`.
      hinted: codes of some, int [N], -1 where nothing is known.
      count: K.
    """
    table = np.zeros((count, count))
    np.add.at(table, (clusters[hinted >= 0], hinted[hinted >= 0]), 1)
    rows, columns = linear_sum_assignment(-table)
    number = np.empty(count, np.int64)
    number[rows] = columns
    return np.where(hinted >= 0, hinted, number[clusters])


def teach(
    learner: Learner,
    features: scipy.sparse.csr_matrix,
    clusters: np.ndarray,
    hinted: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """Teaches one head. Where a fifth of the codes die, it begins again, and imitates clusters until it is surer of them.

    Args:
      learner: the head's.
      features: of all examples, [N, F].
      clusters: each example's, [N].
      hinted: codes that examples should have, [N], -1 where nothing is known; None: of none.
      near: examples that are like each, int [N, k], of which one is the second sight; None: the second sight is of the example itself.

    Returns:
      the share of the examples that have each code, [K].
    """
    confidence = learner.settings.start_confidence
    for trial in range(_TRIALS):
        if trial:
            learner.forget()
        _teach(learner, features, clusters, confidence, hinted, near)
        shares = _use(learner, features)
        if np.mean(shares < _DEAD / len(shares)) < _MANY_DEAD:
            break
        confidence += (1 - confidence) / 3
    return shares


def _teach(
    learner: Learner,
    features: scipy.sparse.csr_matrix,
    clusters: np.ndarray,
    confidence: float,
    hinted: np.ndarray | None,
    near: np.ndarray | None,
) -> None:
    settings, count, draw = learner.settings, features.shape[0], np.random.default_rng(learner.seed)
    looked_at = dense(features[: min(_LOOKED_AT, count)])
    size = min(settings.start_batch_size, count)
    for step in range(settings.start_steps):
        if step % _EVERY == 0 and learner.confidence(looked_at) >= confidence:
            break
        rows = draw.integers(count, size=size)
        learner.imitate(dense(features[rows]), tf.constant(clusters[rows], tf.int32), tf.constant(step))
    for step in range(settings.agreement_steps):
        rows = draw.integers(count, size=size)
        own = dense(features[rows])
        others = own if near is None else dense(features[near[rows, draw.integers(near.shape[1], size=size)]])
        more = () if hinted is None else (tf.constant(hinted[rows], tf.int32),)
        learner.agree(own, others, tf.constant(settings.start_steps + step), *more)


def _use(learner: Learner, features: scipy.sparse.csr_matrix) -> np.ndarray:
    """The share of examples that have each code, [K]."""
    used = np.zeros(learner.count, np.int64)
    for begin in range(0, features.shape[0], AT_ONCE):
        codes = tf.argmax(learner.head(dense(features[begin : begin + AT_ONCE])), axis=-1).numpy()
        used += np.bincount(codes, minlength=learner.count)
    return used / used.sum()


def dense(rows: scipy.sparse.csr_matrix) -> tf.Tensor:
    """Returns rows as a tensor, float32 [B, F]."""
    return tf.constant(rows.toarray(), tf.float32)


def hide(features: tf.Tensor, share: float, seed: Any) -> tf.Tensor:
    """Returns features with a share of them, at random, 0."""
    return tf.where(stateless.uniform(tf.shape(features), seed) >= share, features, tf.zeros([], features.dtype))
