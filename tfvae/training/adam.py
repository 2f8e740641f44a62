"""The optimisers: Adam in one pass over each variable, and plain descent."""

from typing import Any

import keras
import tensorflow as tf

from tfvae.replicas import SummedGradients


@keras.saving.register_keras_serializable("tfvae")
class Adam(SummedGradients, keras.optimizers.Adam):
    """`keras.optimizers.Adam` whose update is TensorFlow's fused kernel: the same numbers, in one pass over memory instead of a dozen."""

    def __init__(self, learning_rate: float = 0.001, *, in_parts: bool = False, **kwargs: Any) -> None:
        """Makes the optimiser.

        Args:
          learning_rate: the step size.
          in_parts: whether some variables are updated more often than others: the moments of each are then corrected for as many updates
            as it had, where one count for all would make the first steps of the rarer ones several times too long.
          **kwargs: of `keras.optimizers.Adam`.

        Raises:
          ValueError: amsgrad, which the kernel has not.
        """
        super().__init__(learning_rate, **kwargs)
        if self.amsgrad:
            raise ValueError("amsgrad: use keras.optimizers.Adam")
        self.in_parts = in_parts

    def build(self, variables: Any) -> None:
        """Makes the moments and, in parts, counts of updates."""
        new = not self.built
        super().build(variables)
        if new and self.in_parts:
            self._counts = [self.add_variable((), dtype="int64", name=f"count_{number}") for number in range(len(variables))]

    def update_step(self, gradient: tf.Tensor | tf.IndexedSlices, variable: Any, learning_rate: tf.Tensor) -> None:
        """Updates one variable."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        count = self._counts[index].assign_add(1) if self.in_parts else self.iterations.value + 1
        step = tf.cast(count, variable.dtype)
        decays = {name: tf.constant(value, variable.dtype) for name, value in (("beta1", self.beta_1), ("beta2", self.beta_2))}
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(momentum),
            v=_handle(velocity),
            beta1_power=decays["beta1"] ** step,
            beta2_power=decays["beta2"] ** step,
            lr=tf.cast(learning_rate, variable.dtype),
            **decays,
            epsilon=tf.constant(self.epsilon, variable.dtype),
            grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
            use_locking=True,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "in_parts": self.in_parts}


class SGD(SummedGradients, keras.optimizers.SGD):
    """`keras.optimizers.SGD` of gradients that are sums over replicas already."""


def _handle(variable: Any) -> tf.Tensor:
    """The resource of a variable, Keras's or TensorFlow's."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle
