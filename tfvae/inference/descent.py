"""Steps of stochastic variational inference: a posterior's parameters follow the gradient of their own loss."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

Params = Any
Loss = Callable[[Params, tf.Tensor], tf.Tensor]
Leaves = list[tf.Tensor]
UNITS = ("example", "batch")
"""What gradients are clipped over."""
_SLACK = 1e-6  # beside a norm that is divided by, as torch.nn.utils.clip_grad_norm_ has it
_LEAST = 1e-30  # of a squared norm: the square root has no slope at 0


class Descent(NamedTuple):
    """What steps have been.

    Attributes:
      path: parameters before each step, leaves [K, B, ...].
      refined: parameters after the last, leaves [B, ...].
      losses: at each of `path`, [K, B], or [K] of a loss that is a number.
      gradients: of those, before clipping, as `path`.
      of_model: of their sum over all steps, to the model's parameters that were asked for.
    """

    path: Params
    refined: Params
    losses: tf.Tensor
    gradients: Params
    of_model: Leaves


@dataclasses.dataclass(frozen=True)
class Steps:
    """v <- momentum v - clip(gradient), lambda <- lambda + rate v, with v = 0 at first.

    Attributes:
      rate: of all parameters; or a structure like them.
      momentum: share of v that is kept.
      clip: norm of a leaf's gradient above which it is scaled down; 0: never.
      unit: what that is a norm over: "example", each row of a leaf by itself, or "batch", the whole leaf.

    References:
      Kim, Wiseman, Miller, Sontag, Rush. Semi-Amortized Variational Autoencoders. ICML 2018, section 3 and algorithm 1.
    """

    rate: Any = 1.0
    momentum: float = 0.5
    clip: float = 5.0
    unit: str = "example"

    def __post_init__(self) -> None:
        """Checks the unit."""
        if self.unit not in UNITS:
            raise ValueError(f"unit = {self.unit!r}: must be one of {', '.join(UNITS)}")

    def clipped(self, gradients: Leaves) -> Leaves:
        """Returns gradients [B, ...], each leaf scaled down by itself where its norm is above `clip`."""
        if not self.clip:
            return list(gradients)
        kept = 1 if self.unit == "example" else 0  # axes that are not summed over
        axes = [list(range(kept, value.shape.rank)) for value in gradients]
        squared = [tf.reduce_sum(tf.square(value), some, keepdims=True) for value, some in zip(gradients, axes, strict=True)]
        return [scaled(value, norm, self.clip) for value, norm in zip(gradients, squared, strict=True)]

    def rates(self, start: Params) -> list[Any]:
        """Returns the rate of each leaf."""
        leaves = tf.nest.flatten(start)
        rates = tf.nest.flatten(self.rate) if tf.nest.is_nested(self.rate) else [self.rate] * len(leaves)
        return [
            tf.cast(rate, leaf.dtype) if tf.is_tensor(rate) else tf.constant(rate, leaf.dtype)
            for rate, leaf in zip(rates, leaves, strict=True)
        ]

    def advance(self, rates: Sequence[Any], leaves: Leaves, velocity: Leaves, gradients: Leaves) -> tuple[Leaves, Leaves]:
        """Returns leaves and velocity after a step."""
        velocity = [self.momentum * v - g for v, g in zip(velocity, self.clipped(gradients), strict=True)]
        return [leaf + rate * v for leaf, rate, v in zip(leaves, rates, velocity, strict=True)], velocity


def scaled(value: tf.Tensor, squared: tf.Tensor, limit: float) -> tf.Tensor:
    """Returns values times min(1, limit / norm), from the norm squared."""
    return value * tf.minimum(tf.ones([], value.dtype), limit / (tf.sqrt(tf.maximum(squared, _LEAST)) + _SLACK))


def value_and_gradients(
    loss: Loss, params: Params, noise: tf.Tensor, parameters: Sequence[Any] = (), *, times: tf.Tensor | None = None
) -> tuple[tf.Tensor, Leaves, Leaves]:
    """Returns the loss, and dense gradients of its sum (`times` it) to leaves of `params` and to `parameters`, 0 where none is read."""
    leaves = tf.nest.flatten(params)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([*leaves, *parameters])
        losses = loss(params, noise)
        total = tf.reduce_sum(losses)
        if times is not None:
            total *= tf.cast(times, total.dtype)
    found = tape.gradient(total, [*leaves, *parameters], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    dense = [tf.convert_to_tensor(value) for value in found]
    return losses, dense[: len(leaves)], dense[len(leaves) :]


def descend(loss: Loss, start: Params, noise: tf.Tensor, steps: Steps, parameters: Sequence[Any] = ()) -> Descent:
    """Makes the steps, as a loop that no gradient passes.

    Args:
      loss: of parameters and one step's noise, [B] or [].
      start: leaves [B, ...].
      noise: of each step, [K, ...].
      steps: how.
      parameters: of the model, those whose gradient is wanted too.
    """
    start = tf.nest.map_structure(tf.stop_gradient, start)
    leaves, rates, count = tf.nest.flatten(start), steps.rates(start), noise.shape[0]
    pack = lambda values: tf.nest.pack_sequence_as(start, values)  # noqa: E731
    kinds = [leaf.dtype for leaf in leaves] * 2
    arrays = [tf.TensorArray(kind, size=count, clear_after_read=False, infer_shape=False) for kind in kinds]
    losses = tf.TensorArray(leaves[0].dtype, size=count, infer_shape=False)

    def body(k: tf.Tensor, leaves: list, velocity: list, arrays: list, losses: tf.TensorArray, total: list) -> tuple:
        now, gradients, of_model = value_and_gradients(loss, pack(leaves), noise[k], parameters)
        arrays = [array.write(k, value) for array, value in zip(arrays, [*leaves, *gradients], strict=True)]
        after, velocity = steps.advance(rates, leaves, velocity, gradients)
        shapes = zip((*after, *velocity), [*leaves, *leaves], strict=True)
        fixed = [tf.ensure_shape(value, like.shape) for value, like in shapes]
        total = [one + more for one, more in zip(total, of_model, strict=True)]
        return k + 1, fixed[: len(leaves)], fixed[len(leaves) :], arrays, losses.write(k, now), total

    nothing = [tf.zeros_like(value) for value in (*leaves, *parameters)]
    state = (0, leaves, nothing[: len(leaves)], arrays, losses, nothing[len(leaves) :])
    _, refined, _, arrays, losses, total = tf.while_loop(lambda k, *_: k < count, body, state, parallel_iterations=1)
    kept = [_stack(array, leaf, count) for array, leaf in zip(arrays, [*leaves, *leaves], strict=True)]
    path, gradients = pack(kept[: len(leaves)]), pack(kept[len(leaves) :])
    found = Descent(path, pack(refined), losses.stack() if count else tf.zeros([0], leaves[0].dtype), gradients, total)
    return tf.nest.map_structure(tf.stop_gradient, found)


def descend_exactly(loss: Loss, start: Params, noise: tf.Tensor, steps: Steps) -> Descent:
    """Does what `descend` does, step by step, such that gradients pass: needs a loss that can be differentiated twice."""
    leaves, rates = tf.nest.flatten(start), steps.rates(start)
    velocity, path, losses, found = [tf.zeros_like(leaf) for leaf in leaves], [], [], []
    for k in range(noise.shape[0]):
        now, gradients, _ = value_and_gradients(loss, tf.nest.pack_sequence_as(start, leaves), noise[k])
        path.append(leaves)
        found.append(gradients)
        losses.append(now)
        leaves, velocity = steps.advance(rates, leaves, velocity, gradients)
    none = [tf.zeros([0, *leaf.shape[1:]], leaf.dtype)[tf.newaxis][:0] for leaf in leaves]
    stack = lambda rows: tf.nest.pack_sequence_as(start, [tf.stack(row) for row in zip(*rows, strict=True)] if rows else none)  # noqa: E731
    values = tf.stack(losses) if losses else tf.zeros([0], leaves[0].dtype)
    return Descent(stack(path), tf.nest.pack_sequence_as(start, leaves), values, stack(found), [])


def _stack(array: tf.TensorArray, like: tf.Tensor, count: int) -> tf.Tensor:
    return tf.ensure_shape(array.stack(), [count, *like.shape]) if count else tf.zeros([0, *tf.unstack(tf.shape(like))], like.dtype)
