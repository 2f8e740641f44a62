"""Answers in conversations: a policy chooses the code, the prior draws z of it, the decoder writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tfvae import stateless
from tfvae.auxiliaries.policy import PolicyLoss
from tfvae.data.turn import Said, Turn, context_of
from tfvae.errors import UserError
from tfvae.generation.decoding import Decoding

if TYPE_CHECKING:
    from tfvae.models.model import Model

_AT_ONCE = 64
"""Conversations that are answered at a time."""


class Responder:
    """Answers by a model that has a policy.

    Attributes:
      policy: from the summary of a context to logits of codes.
    """

    def __init__(self, model: Model) -> None:
        """Finds the policy.

        Raises:
          UserError: the model has none.
        """
        found = [part for part in model.vae.auxiliaries if isinstance(part, PolicyLoss)]
        if not found:
            raise UserError("this model answers nothing: it has no policy; train --model=dialog_dem_vae on a corpus of dialogues")
        self.model, self.policy = model, found[0]
        self._graphs: dict[Decoding, Any] = {}

    def __call__(self, contexts: Sequence[Sequence[Said]], held: np.ndarray, seed: int, start: int, decoding: Decoding) -> tuple:
        """Returns answers, their topics [N, J] and probabilities of topics [N, J, K]; see `Model.respond`.

        Args:
          contexts: N.
          held: topics, int32 [N, J], -1 where the policy chooses.
          seed: of what is drawn.
          start: the number of the first answer.
          decoding: how words are chosen.
        """
        if decoding not in self._graphs:

            def answer(batch: Any, held: tf.Tensor, seed: tf.Tensor, start: tf.Tensor) -> tuple:
                index = start + tf.range(tf.shape(held)[0])
                seeds, noise = (stateless.rows(tf.stack([seed, stream]), index) for stream in (0, 1))
                return self.answer(batch, held, seeds, noise, decoding)

            self._graphs[decoding] = tf.function(answer, reduce_retracing=True, autograph=False)
        parts = []
        for i in range(0, len(contexts), _AT_ONCE):
            batch = self.model.modality.contexts(contexts[i : i + _AT_ONCE])  # type: ignore[attr-defined]
            given = tf.constant(held[i : i + _AT_ONCE]), tf.constant(seed), tf.constant(start + i)
            parts.append([value.numpy() for value in self._graphs[decoding](batch, *given)])
        written, topics, probabilities = zip(*parts, strict=True)
        return self.model.modality.unpack(written), np.concatenate(topics), np.concatenate(probabilities)

    def answer(
        self, batch: Mapping[str, tf.Tensor], held: tf.Tensor, seeds: tf.Tensor, noise: tf.Tensor, decoding: Decoding
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Answers in a graph.

        Args:
          batch: the contexts.
          held: topics, int32 [B, J], -1 where the policy chooses.
          seeds: of z, int32 [B, 2].
          noise: of words, int32 [B, 2].
          decoding: how words are chosen.

        Returns:
          texts [B], topics [B, J] and the policy's probabilities of topics [B, J, K].
        """
        vae, topics = self.model.vae, self.model.topics
        read = vae.decoder.prepare(batch)
        probabilities = topics.merged(tf.nn.softmax(self.policy.logits(read["summary"])))
        chosen = tf.where(held >= 0, held, tf.argmax(probabilities, axis=-1, output_type=tf.int32))
        z, chosen = self.model.sample_prior(tf.shape(held)[0], seeds, chosen)
        written = vae.decoder.write(z, noise, decoding, read)  # type: ignore[call-arg]
        return self.model.modality.show(written), chosen, probabilities


def conversations(given: Any) -> list[tuple[Said, ...]]:
    """Returns contexts of what a user gives: one conversation, a list of texts, or several; a `Turn` stands for what was said before it.

    Raises:
      UserError: it is no such thing.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        raise UserError(
            f"contexts: must be a list of what was said, or several of them, not {type(given).__name__}: put one text into a list"
        )
    if not len(given) or any(isinstance(turn, str | Mapping) and not isinstance(turn, Turn) for turn in given):
        return [context_of(given, "contexts")]
    return [item.context if isinstance(item, Turn) else context_of(item, f"contexts[{place}]") for place, item in enumerate(given)]
