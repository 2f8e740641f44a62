"""The aggregate posterior of a batch, the mixture of its posteriors."""

import tensorflow as tf

from tfvae.latents.latent import Latent, Params


def information(latent: Latent, params: Params, z: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Returns log q(z|x) - log q(z) of each example, nats, [B], a mean over its samples; differentiable in parameters and samples.

    q(z) is the mixture of the batch's posteriors. The mean over examples estimates I(x; z), of log B nats at most, and
    KL(q(z) || p(z)) is the mean KL(q(z|x) || p(z)) less that.

    Args:
      latent: has densities.
      params: of the posteriors, leaves [B, ...].
      z: their samples, [S, B, size].
      weight: of the examples, [B].

    References:
      Hoffman, Johnson. ELBO surgery. NIPS Workshop on Advances in Approximate Bayesian Inference, 2016.
    """
    pairs = latent.log_posterior(params, z[:, :, tf.newaxis])  # log q(z_b|x_c), [S, B, C]
    weight = tf.maximum(tf.cast(weight, pairs.dtype), tf.constant(1e-30, pairs.dtype))  # a share of nothing but padding is no fault
    share = tf.math.log(weight / tf.reduce_sum(weight))
    return tf.reduce_mean(tf.linalg.diag_part(pairs) - tf.reduce_logsumexp(pairs + share, axis=-1), axis=0)
