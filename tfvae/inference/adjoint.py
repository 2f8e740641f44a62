"""The way back through steps of inference, without second derivatives: finite differences of gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tfvae.inference.descent import Descent, Loss, Params, Steps, scaled, value_and_gradients

EPSILON = {1: {"float32": 2e-3, "float64": 1e-8}, 2: {"float32": 1e-2, "float64": 1e-5}}
"""How far points of a difference lie from the path's last step, by how many there are: in norm, of the example that moves most.

From other steps they lie as many times as far as p is longer there.
"""
OFFICIAL_EPSILON = 1e-5

Gradients = tuple[list[tf.Tensor], list[tf.Tensor]]
Backward = Callable[[list[tf.Tensor]], Gradients]
"""From gradients of the refined leaves to those of the start's leaves and of the model's parameters."""


def values_of(parameters: Sequence[Any]) -> list[Any]:
    """Returns what a tape can watch: TensorFlow's variables in place of Keras's."""
    return [parameter.value if isinstance(parameter, keras.Variable) else parameter for parameter in parameters]


def through(descent: Descent, start: Params, parameters: Sequence[Any], backward: Backward) -> Params:
    """Returns the refined parameters, with `backward` as their gradient to the start and the model's parameters.

    Args:
      descent: the steps.
      start: leaves [B, ...].
      parameters: of the model, those whose gradient is wanted.
      backward: of `difference` or `official`.
    """

    @tf.custom_gradient
    def run(*given: tf.Tensor) -> tuple[list[tf.Tensor], Any]:
        def back(*upstream: tf.Tensor) -> list[tf.Tensor]:
            return [value for found in backward([tf.convert_to_tensor(d) for d in upstream]) for value in found]

        return [tf.identity(leaf) for leaf in tf.nest.flatten(descent.refined)], back

    given = [*tf.nest.flatten(start), *(tf.convert_to_tensor(parameter) for parameter in parameters)]
    return tf.nest.pack_sequence_as(start, tf.nest.flatten(run(*given)))


def difference(
    loss: Loss,
    noise: tf.Tensor,
    steps: Steps,
    descent: Descent,
    parameters: Sequence[Any],
    epsilon: float | None = None,
    sides: int = 2,
) -> Backward:
    """Returns the backward pass whose Hessian-vector products are differences of gradients; it knows of clipping.

    With p the adjoint of a step's gradient, H p and (d^2 L / d theta d lambda) p are differences of gradients at lambda + e p and at
    lambda - e p; or, of one side, at lambda itself. There the steps found those to lambda, and the sum over all of those to theta, which is
    enough since e is the same for all.

    References:
      Kim et al. Semi-Amortized Variational Autoencoders. ICML 2018, algorithm 2, where differences are of one side.
    """
    rates, model = steps.rates(descent.refined), values_of(parameters)

    def beside(k: tf.Tensor, apart: tf.Tensor, ways: list[tf.Tensor]) -> Gradients:
        """Gradients at a point that is `apart` times `ways` from the path, over how far that is from the other one, in sign too."""
        point = [leaf[k] + apart * p for leaf, p in zip(tf.nest.flatten(descent.path), ways, strict=True)]
        return value_and_gradients(loss, tf.nest.pack_sequence_as(descent.refined, point), noise[k], model, times=1 / (sides * apart))[1:]

    def at_step(k: tf.Tensor, pulled: list[tf.Tensor], e: tf.Tensor) -> Gradients:
        """H p and the mixed derivative's product with p, of one side less what is of the path; p is pulled back through the clipping."""
        gradients = [leaf[k] for leaf in tf.nest.flatten(descent.gradients)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(gradients)
            clipped = steps.clipped(gradients)
        ways = tape.gradient(clipped, gradients, output_gradients=pulled)
        of_leaves, of_model = beside(k, e, ways)
        if sides == 1:
            return _added(of_leaves, [-g / e for g in gradients]), of_model
        other_leaves, other_model = beside(k, -e, ways)
        return _added(of_leaves, other_leaves), _added(of_model, other_model)

    def backward(upstream: list[tf.Tensor]) -> Gradients:
        first = [rate * d for rate, d in zip(rates, upstream, strict=True)]
        farthest = tf.sqrt(tf.reduce_max(tf.add_n([tf.reduce_sum(tf.square(p), range(1, p.shape.rank)) for p in first])))
        e = (EPSILON[sides][upstream[0].dtype.name] if epsilon is None else epsilon) / tf.maximum(farthest, 1e-20)

        def body(k: tf.Tensor, adjoint: list, carried: list, total: list) -> tuple:
            pulled = [rate * a + c for rate, a, c in zip(rates, adjoint, carried, strict=True)]
            of_leaves, of_model = at_step(k, pulled, e)
            adjoint = [tf.ensure_shape(a - h, a.shape) for a, h in zip(adjoint, of_leaves, strict=True)]
            carried = [steps.momentum * p for p in pulled]
            return k - 1, adjoint, carried, [t - h for t, h in zip(total, of_model, strict=True)]

        on_path = [total / tf.cast(e, total.dtype) for total in descent.of_model] if sides == 1 else [tf.zeros_like(p) for p in model]
        state = (noise.shape[0] - 1, upstream, [tf.zeros_like(d) for d in upstream], on_path)
        _, adjoint, _, total = tf.while_loop(lambda k, *_: k >= 0, body, state, parallel_iterations=1)
        return adjoint, total

    return backward


def _added(first: Sequence[tf.Tensor], second: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    return [one + other for one, other in zip(first, second, strict=True)]


def official(loss: Loss, noise: tf.Tensor, steps: Steps, descent: Descent, parameters: Sequence[Any], epsilon: float | None = None) -> Any:
    """Returns the backward pass of the authors' code, for comparison with their figures.

    Differences are one-sided, of gradients that are clipped differently: at the perturbed point those of posterior and model together, on
    the path those of each leaf, and of the model not at all. Where a norm exceeds `clip` the difference is no derivative, and what is left
    of it is mostly the gradient's own direction. What is found is clipped again, for the posterior after each step.
    """
    rates, model = steps.rates(descent.refined), values_of(parameters)
    e = OFFICIAL_EPSILON if epsilon is None else epsilon

    def together(values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        if not steps.clip or not values:
            return list(values)
        squared = tf.add_n([tf.reduce_sum(tf.square(value)) for value in values])
        return [scaled(value, squared, steps.clip) for value in values]

    def backward(upstream: list[tf.Tensor]) -> Gradients:
        adjoint, carried, total = upstream, [tf.zeros_like(d) for d in upstream], [tf.zeros_like(value) for value in model]
        for k in reversed(range(noise.shape[0])):
            pulled = [rate * a + c for rate, a, c in zip(rates, adjoint, carried, strict=True)]
            leaves, gradients = ([leaf[k] for leaf in tf.nest.flatten(kept)] for kept in (descent.path, descent.gradients))
            point = [leaf + e * p for leaf, p in zip(leaves, pulled, strict=True)]
            _, *here = value_and_gradients(loss, tf.nest.pack_sequence_as(descent.refined, leaves), noise[k], model)
            _, *there = value_and_gradients(loss, tf.nest.pack_sequence_as(descent.refined, point), noise[k], model)
            ahead = together([*there[0], *there[1]])
            behind = [*steps.clipped(gradients), *here[1]]
            slopes = [(high - low) / e for high, low in zip(ahead, behind, strict=True)]
            adjoint = together([a - h for a, h in zip(adjoint, slopes[: len(leaves)], strict=True)])
            total = [t - h for t, h in zip(total, together(slopes[len(leaves) :]), strict=True)]
            carried = [steps.momentum * p for p in pulled]
        return adjoint, total

    return backward
