"""What layers with a fast implementation and a plain twin share."""

import keras
import tensorflow as tf

IMPLEMENTATIONS = ("fast", "plain")


def check_implementation(implementation: str) -> None:
    """Raises ValueError unless `implementation` is "fast" or "plain"."""
    if implementation not in IMPLEMENTATIONS:
        raise ValueError(f"implementation = {implementation!r}: must be one of {', '.join(IMPLEMENTATIONS)}")


def uniform_initializer(limit: float, seed: int) -> keras.initializers.Initializer:
    """Returns an initializer uniform on [-limit, limit] that always draws the same."""
    return keras.initializers.RandomUniform(-limit, limit, seed=seed)


def once_differentiable(gradients: list[tf.Tensor], what: str) -> list[tf.Tensor]:
    """Returns the gradients such that differentiating them again is an error instead of a wrong number."""
    message = f"the fast {what} has no second derivative: use implementation='plain'"
    return [tf.raw_ops.PreventGradient(input=gradient, message=message) for gradient in gradients]


def widen(values: tf.Tensor) -> tf.Tensor:
    """Half precision to float32; other values as they are."""
    return tf.cast(values, tf.float32) if values.dtype.size < 4 else values
