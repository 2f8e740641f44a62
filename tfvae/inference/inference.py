"""What every inference offers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

Answer = tuple[Mapping[str, Any], tf.Tensor | None]


class Inference:
    """From a batch to parameters of its posterior.

    Attributes:
      iterates: whether that takes many steps, which are quick in a graph alone.
    """

    iterates: bool = False

    def __call__(self, vae: Any, batch: Mapping[str, Any], *, seed: tf.Tensor | None = None) -> Answer:
        """Infers.

        Args:
          vae: the model, with `encoder` and `latent`.
          batch: the examples.
          seed: in training, of dropout and the like, int32 [2]; None: outside training.

        Returns:
          the posterior's unconstrained parameters, leaves [B, ...]; and a surrogate [] whose gradient is to be added to that of the
          objective, None where the objective's own is the whole.
        """
        raise NotImplementedError

    def encoded(self, vae: Any, batch: Mapping[str, Any], seed: tf.Tensor | None) -> Mapping[str, Any]:
        """Returns the encoder's own word, parameters as the latent's heads make them; in training under dropout, and as they are there."""
        features = vae.encoder(batch, seed=seed)
        return vae.latent(features) if seed is None else vae.latent.in_training(features)

    def first_word(self, vae: Any, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns parameters of the posterior that cost little, where the best would take long; outside training."""
        return self(vae, batch)[0]

    def second_sight(self, vae: Any, batch: Mapping[str, Any], seed: tf.Tensor) -> tf.Tensor:
        """Returns logits of q(c|x), [B, J, K], of examples that are not seen as they are: a seed hides something of them."""
        return vae.latent.code_logits(self(vae, batch, seed=seed)[0])

    def of_common_words(self, variable: int) -> bool:
        """Returns whether a variable's code is read from common words, such as how a sentence begins, and not from what it is about."""
        return False

    def example(self) -> Mapping[str, Any]:
        """Returns what of a batch is read that neither encoder nor decoder have, of one example."""
        return {}

    def start(self, examples: Any, seed: int, say: Callable[[str], None], hints: Mapping[int, np.ndarray] | None = None) -> None:
        """Learns what can be learned before the rest does; nothing, unless an inference has such.

        Args:
          examples: the training split: `tfvae.modalities.modality.Examples`.
          seed: of everything that is drawn.
          say: hears what was learned, a line each.
          hints: codes that training examples should have, by the variable, int [N], -1 where nothing is known.
        """

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Inference":
        """Makes the inference from `get_config`'s answer."""
        return cls(**config)
