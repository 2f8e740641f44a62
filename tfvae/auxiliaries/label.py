"""The cross-entropy of codes to labels: a variable that a label names, example by example, where it is known."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import replicas
from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.latents.latent import Params, Term

KEY = "supervision"
"""Of a batch: {label: the component that an example's class is, int32 [B], -1 where it is not known}."""


@keras.saving.register_keras_serializable("tfvae")
class LabelLoss(Auxiliary):
    """-log q(c_j = y|x), summed over the labels y, each of a variable j of its own; a mean over those examples whose label is known.

    A class is a component, so that a code is read off as a class, and a class is held where a component is.

    References:
      Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.3.
      Kingma, Rezende, Mohamed, Welling. Semi-supervised Learning with Deep Generative Models. NIPS 2014, equation 9.
    """

    def __init__(self, labels: Mapping[str, int], **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          labels: the variable of each label, by the label's name.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(**kwargs)
        self.labels = dict(labels)
        self.built = True

    def example(self) -> Mapping[str, Any]:
        """Returns an example without a known label."""
        return {KEY: {label: tf.constant([-1]) for label in self.labels}}

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns the term "label", nats, [B], whose mean over the batch is that over labelled examples; 0 where there are none."""
        known = batch.get(KEY, {})
        found = {variable: known[label] for label, variable in self.labels.items() if label in known}
        if not found or not vae.latent.has_codes:
            return []
        log_probabilities = vae.latent.log_code_probabilities(params)
        weight = tf.cast(batch["weight"], log_probabilities.dtype)
        errors = [_cross_entropy(log_probabilities[:, variable], codes, weight) for variable, codes in found.items()]
        return [Term("label", tf.add_n(errors), "penalty")]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "labels": dict(self.labels)}


def _cross_entropy(log_probabilities: tf.Tensor, codes: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """-log probability of codes [B] under [B, K], 0 where they are -1, so scaled that the weighted mean is that over the others."""
    there = tf.cast(codes >= 0, weight.dtype)
    error = -tf.gather(log_probabilities, tf.maximum(codes, 0), axis=1, batch_dims=1)
    every, labelled = replicas.summed((tf.reduce_sum(weight), tf.reduce_sum(weight * there)))
    return there * error * tf.math.divide_no_nan(every, labelled)
