"""The weight w(step) of the regularisers during training."""

import abc
from typing import Any

import keras
import tensorflow as tf


class Schedule(abc.ABC):
    """w as a function of the number of updates made.

    Attributes:
      final: where w ends.
    """

    final: float = 1.0

    @abc.abstractmethod
    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns w in [0, 1], float32, at an integer step."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return dict(vars(self))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Schedule":
        """Makes a schedule from `get_config`'s answer."""
        return cls(**config)


@keras.saving.register_keras_serializable("tfvae")
class Constant(Schedule):
    """w = value."""

    def __init__(self, value: float = 1.0) -> None:
        """Holds w at `value`."""
        self.value = value

    @property
    def final(self) -> float:  # type: ignore[override]
        """The value."""
        return self.value

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the value."""
        return tf.constant(self.value, tf.float32)


@keras.saving.register_keras_serializable("tfvae")
class Logistic(Schedule):
    """w = 1 / (1 + exp(-slope (step - midpoint))).

    References:
      Bowman et al. Generating Sentences from a Continuous Space. CoNLL 2016, section 3.1.
    """

    def __init__(self, slope: float = 0.0025, midpoint: int = 2500) -> None:
        """Rises around `midpoint`, where w = 1/2 and its slope is slope / 4."""
        self.slope, self.midpoint = slope, midpoint

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the logistic function of the step."""
        return tf.sigmoid(self.slope * (tf.cast(step, tf.float32) - self.midpoint))


@keras.saving.register_keras_serializable("tfvae")
class Linear(Schedule):
    """w = min(1, start + (1 - start) step / steps)."""

    def __init__(self, start: float = 0.0, steps: int = 10_000) -> None:
        """Rises from `start` to 1 in `steps` updates."""
        self.start, self.steps = start, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the ramp."""
        return tf.minimum(1.0, self.start + (1 - self.start) * tf.cast(step, tf.float32) / self.steps)


@keras.saving.register_keras_serializable("tfvae")
class Cyclical(Schedule):
    """`cycles` cycles in `steps` updates, in each of which w rises linearly from `start` to 1 for a share `ramp`, then stays; 1 afterwards.

    References:
      Fu et al. Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing. NAACL 2019, equation 7.
    """

    def __init__(self, start: float = 0.0, steps: int = 10_000, cycles: int = 4, ramp: float = 0.5) -> None:
        """Repeats a ramp and a plateau."""
        self.start, self.steps, self.cycles, self.ramp = start, steps, cycles, ramp

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the position in the step's cycle as a weight."""
        position = tf.cast(step, tf.float32) * self.cycles / self.steps
        weight = tf.minimum(1.0, self.start + (1 - self.start) * (position - tf.floor(position)) / self.ramp)
        return tf.where(position >= self.cycles, 1.0, weight)


# Each kind's class and its arguments.
SCHEDULES: dict[str, tuple[type[Schedule], tuple[str, ...]]] = {
    "constant": (Constant, ("value",)),
    "logistic": (Logistic, ("slope", "midpoint")),
    "linear": (Linear, ("start", "steps")),
    "cyclical": (Cyclical, ("start", "steps", "cycles", "ramp")),
}


def settings(kind: str) -> tuple[str, ...]:
    """Returns the settings that a kind of schedule has: its arguments, and `epochs` where it could count these in place of steps."""
    arguments = SCHEDULES[kind][1]
    return (*arguments, "epochs") if "steps" in arguments else arguments
