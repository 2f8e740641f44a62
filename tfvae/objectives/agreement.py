"""How far codes of two sights of the same examples agree.

References:
  Ji, Henriques, Vedaldi. Invariant Information Clustering for Unsupervised Image Classification and Segmentation. ICCV 2019, section 3.
"""

import tensorflow as tf

from tfvae import replicas


def joint_use(first: tf.Tensor, second: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Returns P, how often codes come together: the mean over examples of first second^T, made symmetric.

    Args:
      first: q(c|x) of one sight, [B, J, K].
      second: of the other, [B, J, K].
      weight: of the examples, [B].

    Returns:
      [J, K, K]; each matrix adds up to 1.
    """
    share = weight / replicas.summed(tf.reduce_sum(weight))
    joint = replicas.total(tf.einsum("b,bjk,bjl->jkl", share, first, second))
    return (joint + tf.transpose(joint, [0, 2, 1])) / 2


def agreement(joint: tf.Tensor, balance: float = 1.0) -> tf.Tensor:
    """Returns the mutual information of two sights' codes; at most log K, where each code tells the other and all are used alike.

    Args:
      joint: P, [J, K, K], as from `joint_use`.
      balance: weight of the entropies of the codes' use: below 1, codes may be used unequally. The information is that of balance = 1.

    Returns:
      sum P log P - 2 balance sum p log p, p the codes' use, nats, [J].
    """
    use = tf.reduce_sum(joint, axis=-1)
    return tf.reduce_sum(_log_times(joint), axis=[-2, -1]) - 2 * balance * tf.reduce_sum(_log_times(use), axis=-1)


def _log_times(share: tf.Tensor) -> tf.Tensor:
    """Share log share, whose gradient stays finite at 0."""
    return share * tf.math.log(tf.maximum(share, tf.constant(1e-12, share.dtype)))
