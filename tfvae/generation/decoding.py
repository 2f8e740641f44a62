"""How words are chosen, one after the other: the settings, and the graphs that follow them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tfvae.errors import UserError, suggest

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

METHODS = ("sample", "greedy", "beam")


@dataclasses.dataclass(frozen=True)
class Decoding:
    """How a sentence is made from z.

    Attributes:
      method: "sample" draws words, "greedy" takes the most probable one each time, "beam" searches for the most probable sentence.
      temperature: sample: divides the logits; below 1 words are more probable ones.
      top_k: sample: only the k most probable words; 0 for all.
      top_p: sample: only the most probable words that together have this probability (nucleus sampling).
      beam_width: beam: hypotheses that are followed.
      length_penalty: beam: hypotheses are ranked by log p / ((5 + length) / 6)^length_penalty; 0 ranks by log p.
      max_length: most tokens, end of sentence included.
      unknown: whether the unknown word may be written.

    Raises:
      UserError: an unknown method or a value that is not admitted.
    """

    method: str = "sample"
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    beam_width: int = 5
    length_penalty: float = 0.0
    max_length: int = 40
    unknown: bool = False

    def __post_init__(self) -> None:
        """Checks the values."""
        if self.method not in METHODS:
            raise UserError(f"method = {self.method!r} is not a way to decode{suggest(self.method, METHODS)}")
        limits = {
            "temperature": (self.temperature > 0, "above 0; for the most probable words use greedy"),
            "top_k": (self.top_k >= 0, "at least 0"),
            "top_p": (0 < self.top_p <= 1, "above 0 and at most 1"),
            "beam_width": (self.beam_width >= 1, "at least 1"),
            "length_penalty": (self.length_penalty >= 0, "at least 0"),
            "max_length": (self.max_length >= 1, "at least 1"),
        }
        for name, (holds, admitted) in limits.items():
            if not holds:
                raise UserError(f"{name} = {getattr(self, name)}: must be {admitted}")

    def __call__(self, decoder: keras.layers.Layer, z: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Makes a sentence for each z.

        Args:
          decoder: with `init(z)` and `step_function()`.
          z: [N, size].
          seed: of sampling, int32 [2], or [N, 2] where a sentence must not depend on its neighbours.

        Returns:
          ids [N, T], T <= max_length, padded after the end of sentence.
        """
        from tfvae.generation.beam_search import beam_search
        from tfvae.generation.sampling import sample

        common: dict[str, Any] = {"max_length": self.max_length, "unknown": self.unknown}
        if self.method == "beam":
            return beam_search(decoder, z, width=self.beam_width, length_penalty=self.length_penalty, **common)[0]
        if self.method == "greedy":
            return sample(decoder, z, seed, top_k=1, **common)
        return sample(decoder, z, seed, temperature=self.temperature, top_k=self.top_k, top_p=self.top_p, **common)
