"""Semi-amortized inference: the encoder's word, refined by steps on each example's own bound."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.inference.descent import Descent, Params, Steps
from tfvae.inference.inference import Answer, Inference
from tfvae.inference.refine import run

LEARNING = {"exact": "exact", "difference": "difference", "difference_encoder": "difference", "none": "none", "divergence": "none"}
"""How the encoder learns, and the gradient of the steps that this takes."""
_STREAM = 1 << 20  # of a seed, far from those that encoders fold


@keras.saving.register_keras_serializable("tfvae")
class Refinement(Inference):
    """Posterior parameters are the encoder's, after some steps of stochastic variational inference on the example's own objective.

    In training the steps follow the objective at that step's weight, under dropout, and the encoder learns

      through the steps ("exact", or "difference": of gradients, over layers that are differentiated once): SA-VAE; of which
        "difference_encoder" lets the encoder learn alone: the model has no gradient of the steps, only of where they end;
      from the gradient of its own bound, <stop(dL / d lambda_0), lambda_0>, while the model learns at the refined posterior ("none"):
        VAE + SVI;
      to say what the steps find, KL(q(z; lambda_0) || q(z; stop(lambda_K))) ("divergence"): VAE + SVI + KL.

    Without an encoder, steps begin at what the latent's heads make of no features, a point that all examples share: SVI. Outside training
    the steps follow the lower bound, and their noise is the same for each example and model, so that a posterior depends on the example
    and the weights alone.

    References:
      Kim, Wiseman, Miller, Sontag, Rush. Semi-Amortized Variational Autoencoders. ICML 2018, sections 3 and 4.
    """

    iterates = True

    def __init__(
        self,
        *,
        steps: int = 10,
        rate: float = 0.03,
        momentum: float = 0.5,
        clip: float = 5.0,
        samples: int = 1,
        gradient: str = "difference",
        sides: int = 1,
        answer_samples: int = 4,
    ) -> None:
        """Holds the settings.

        Args:
          steps: K; 0: the encoder's word as it is.
          rate: step size.
          momentum: share of the last step that is kept.
          clip: norm of an example's gradient above which it is scaled down; 0: never.
          samples: of z, at each step, that its gradient is the mean over.
          gradient: how the encoder learns, of `LEARNING`.
          sides: of a step, that differences of gradients are taken on: 2, or 1, which costs less and is less exact.
          answer_samples: the same outside training; 0: answers are the encoder's word.

        Raises:
          ValueError: there is no such gradient.
        """
        if gradient not in LEARNING:
            raise ValueError(f"gradient = {gradient!r}: must be one of {', '.join(LEARNING)}")
        self.steps, self.rate, self.momentum, self.clip = steps, rate, momentum, clip
        self.samples, self.gradient, self.sides, self.answer_samples = samples, gradient, sides, answer_samples

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers: see `Inference`."""
        start = self.encoded(vae, batch, seed)
        if not self.steps:
            return start, None
        if seed is None:
            return (self.refined(vae, batch, start).refined if self.answer_samples else start), None
        descent = self.refined(vae, batch, start, seed)
        if LEARNING[self.gradient] != "none":
            return descent.refined, None
        if self.gradient == "divergence":
            taught = vae.latent.divergence(start, tf.nest.map_structure(tf.stop_gradient, descent.refined))
        else:
            slopes = [leaf[0] for leaf in tf.nest.flatten(descent.gradients)]
            products = [slope * leaf for slope, leaf in zip(slopes, tf.nest.flatten(start), strict=True)]
            taught = tf.add_n([tf.reduce_sum(value, range(1, value.shape.rank)) for value in products])
        weight = batch["weight"]
        return descent.refined, tf.reduce_sum(weight * taught) / tf.reduce_sum(weight)

    def refined(self, vae: Any, batch: Mapping[str, Any], start: Params, seed: tf.Tensor | None = None) -> Descent:
        """Makes the steps.

        Args:
          vae: the model.
          batch: the examples.
          start: parameters that steps begin with.
          seed: in training, of noise and dropout, int32 [2]; None: outside training, where no gradient passes.
        """
        training = seed is not None
        own = tf.constant([0, _STREAM]) if seed is None else stateless.fold(seed, _STREAM)
        noise = tf.stack([stateless.fold(own, k) for k in range(self.steps)])

        def loss(params: Params, noise: tf.Tensor) -> tf.Tensor:
            if training:
                return vae.own_losses(batch, params, seed=noise, step=vae.step.value, num_samples=self.samples, training=True)
            alike = tf.tile(noise[tf.newaxis], [tf.shape(tf.nest.flatten(params)[0])[0], 1])
            return vae.own_losses(batch, params, seed=alike, num_samples=self.answer_samples)

        steps = Steps(self.rate, self.momentum, self.clip)
        gradient = LEARNING[self.gradient] if training else "none"
        parameters = vae.generative_variables if self.gradient == "difference" else ()
        return run(loss, start, noise, steps, gradient=gradient, parameters=parameters, sides=self.sides)

    def first_word(self, vae: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the encoder's parameters."""
        return self.encoded(vae, batch, None)

    def second_sight(self, vae: Any, batch: Mapping[str, Any], seed: tf.Tensor) -> tf.Tensor:
        """Returns the encoder's logits of q(c|x), [B, J, K], under other dropout; they are not refined."""
        return vae.latent.code_logits(self.encoded(vae, batch, seed))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("steps", "rate", "momentum", "clip", "samples", "gradient", "sides", "answer_samples")
        return {name: getattr(self, name) for name in names}
