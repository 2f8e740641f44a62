"""Latents whose z is a function of x, without noise."""

import tensorflow as tf

from tfvae.latents.latent import Latent, Params, Term


class DeterministicLatent(Latent):
    """z is what `call` returns as "posterior", [B, size]; there is no KL."""

    def _sample_once(self, params: Params, seed: tf.Tensor, temperature: tf.Tensor | float | None) -> tf.Tensor:
        return params["posterior"]

    def mean(self, params: Params) -> tf.Tensor:
        """Returns z, [B, size]."""
        return params["posterior"]

    def terms(self, params: Params, z: tf.Tensor, weight: tf.Tensor) -> list[Term]:
        """Returns no terms."""
        return []
