"""The policy: which code an answer should have is told by what was said before."""

import random
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae.auxiliaries.auxiliary import Auxiliary
from tfvae.latents.latent import Params, Term
from tfvae.layers.perceptron import AffineOfTwo


@keras.saving.register_keras_serializable("tfvae")
class PolicyLoss(Auxiliary):
    """-E log p(c|context) under q(c|x), which it leaves as it is; p(c_j|context) = softmax(W tanh(V s)), s the summary of the context.

    References:
      Zhao, Lee, Eskenazi. Unsupervised Discrete Sentence Representation Learning for Interpretable Neural Dialog Generation. ACL 2018,
      section 3.3.
      Shi, Zhou, Miao, Li. Dispersed Exponential Family Mixture VAEs for Interpretable Text Generation. ICML 2020, section 4.3.
    """

    def __init__(self, *, context_dim: int, variables: int, components: int, seed: int = 0, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
          context_dim: size of the context's summary, and of the hidden layer.
          variables: J.
          components: K.
          seed: of the initial weights.
          **kwargs: of keras.layers.Layer.
        """
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.context_dim, self.num_variables, self.num_components, self.seed = context_dim, variables, components, seed
        draw = random.Random(seed)
        self.hidden, self.outputs = (
            AffineOfTwo(units, input_dim=context_dim, seed=draw.getrandbits(31), dtype="float32", name=name)
            for name, units in (("hidden", context_dim), ("logits", variables * components))
        )
        self.built = True

    def logits(self, summary: tf.Tensor) -> tf.Tensor:
        """Returns the logits of p(c|context), [B, J, K], of summaries [B, context_dim]."""
        flat = self.outputs(tf.tanh(self.hidden(tf.cast(summary, tf.float32))))
        return tf.reshape(flat, [-1, self.num_variables, self.num_components])

    def terms(self, vae: Any, batch: Mapping[str, Any], params: Params, z: tf.Tensor, seed: tf.Tensor | None) -> list[Term]:
        """Returns the term "policy", nats, [B], summed over variables; its least value is the entropy of q(c|x)."""
        if "summary" not in batch or not vae.latent.has_codes:
            return []
        target = tf.stop_gradient(vae.latent.code_probabilities(params))
        log_policy = tf.cast(tf.nn.log_softmax(self.logits(batch["summary"])), target.dtype)
        return [Term("policy", -tf.reduce_sum(target * log_policy, axis=[1, 2]), "penalty")]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        own = {"variables": self.num_variables, "components": self.num_components, "context_dim": self.context_dim, "seed": self.seed}
        return {**super().get_config(), **own}
