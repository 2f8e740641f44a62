"""The agreement of views: an example's codes must be told by less than the whole of it."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import replicas
from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.latents.latent import Params, Term
from tfvae.objectives.agreement import agreement, joint_use


@keras.saving.register_keras_serializable("tfvae")
class AgreementLoss(Auxiliary):
    """-I of the codes of two sights of the same examples, summed over variables; outside training both sights are the examples as they are.

    References:
      Ji, Henriques, Vedaldi. Invariant Information Clustering for Unsupervised Image Classification and Segmentation. ICCV 2019, section 3.
    """

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns the term "agreement", nats, [B]: that of the whole batch, for each of its examples."""
        if not vae.latent.has_codes:
            return []
        logits = vae.latent.code_logits(params) if seed is None else vae.inference.second_sight(vae, batch, seed)
        joint = joint_use(vae.latent.code_probabilities(params), tf.nn.softmax(logits), batch["weight"])
        information = replicas.of_all(tf.reduce_sum(agreement(joint)), batch["weight"])
        return [Term("agreement", -information * tf.ones_like(batch["weight"]), "penalty", "monte_carlo")]
