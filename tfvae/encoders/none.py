"""No encoder: what a model without a latent variable has."""

import keras
import tensorflow as tf

from tfvae.encoders.encoder import Batch, Encoder


@keras.saving.register_keras_serializable(package="tfvae")
class NoEncoder(Encoder):
    """What a model without a latent variable has in an encoder's place: no features, shape [B, 0]."""

    output_dim = 0

    def call(self, batch: Batch, seed: tf.Tensor | None = None) -> tf.Tensor:
        """Returns features of no numbers, shape [B, 0]."""
        return tf.zeros([tf.shape(tf.nest.flatten(batch)[0])[0], 0], self.compute_dtype)
