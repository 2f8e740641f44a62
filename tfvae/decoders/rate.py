"""What nats an observation are called, and what they are given as."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Rate:
    """A function of nats an observation.

    Attributes:
      name: of the figure, the key in logs.
      value: it, from nats an observation, a tensor.
      slope: its derivative there.
      nats: nats an observation, from its value, a number.
      formula: how it is computed, in words.
    """

    name: str
    value: Callable[[Any], tf.Tensor]
    slope: Callable[[Any], tf.Tensor]
    nats: Callable[[float], float]
    formula: str


PERPLEXITY = Rate("perplexity", tf.exp, tf.exp, math.log, "exp(sum of {nats} / {observations})")
BITS = Rate(
    "bits_per_dimension",
    lambda nats: nats / math.log(2),
    lambda nats: tf.ones_like(nats) / math.log(2),
    lambda bits: bits * math.log(2),
    "sum of {nats} / {observations}, in bits",
)
