"""The mutual information of examples and z, given back: the KL is then that of the aggregate posterior."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.latents.aggregate import information
from tfvae.latents.latent import Params, Term


@keras.saving.register_keras_serializable("tfvae")
class InformationRelief(Auxiliary):
    """I(x; z) as a batch shows it: at a weight of 1, KL(q(z|x) || p(z)) less that is KL(q(z) || p(z)), q(z) the mixture of the batch.

    The prior then asks nothing of a single posterior, only of all together: that is DG-VAE's bound, for any latent that has densities.
    From the formula, a KL of its posterior less a mutual information, where their code has one average over samples.

    References:
      Zhang et al. Improving Variational Autoencoders with Density Gap-based Regularization. NeurIPS 2022, section 3.
    """

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns the term "information", nats, [B]; none of a latent without densities."""
        if not (vae.latent.has_density and vae.latent.size):
            return []
        return [Term("information", information(vae.latent, params, z, batch["weight"]), "relief", "monte_carlo")]
