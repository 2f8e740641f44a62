"""The refinement of a posterior as a function: a loss, a start and noise in; what the steps made of it out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfvae.inference import adjoint
from tfvae.inference.descent import Descent, Loss, Params, Steps, descend, descend_exactly

GRADIENTS = ("exact", "difference", "official", "none")
"""How the refined parameters depend on start and model, for a tape."""


class Refined(NamedTuple):
    """A refinement.

    Attributes:
      start: parameters as they were given, leaves [B, ...].
      path: parameters before each step, leaves [K, B, ...]: the start is the first.
      refined: parameters after the last step, leaves [B, ...]: gradients pass these alone.
      losses: at each of `path`, under that step's noise, [K, B], or [K] of a loss that is a number; nats.
    """

    start: Params
    path: Params
    refined: Params
    losses: tf.Tensor


def refine(
    loss: Loss,
    start: Params,
    noise: tf.Tensor,
    *,
    rate: Any = 1.0,
    momentum: float = 0.5,
    clip: float = 5.0,
    unit: str = "example",
    gradient: str = "exact",
    parameters: Sequence[Any] = (),
    epsilon: float | None = None,
    sides: int = 2,
) -> Refined:
    """Refines a posterior's parameters by K steps of stochastic variational inference.

        v_(k+1) = momentum v_k - clip(grad L(lambda_k; noise_k)),   lambda_(k+1) = lambda_k + rate v_(k+1),   v_0 = 0

    The gradient is that of the sum of what the loss returns. With [B] losses, an example each, and unit = "example", no example moves
    another; with the mean of a batch, [], and unit = "batch", the steps are those of the authors' code.

    Args:
      loss: of parameters and one step's noise: [B], an example each, or [], nats.
      start: lambda_0, any structure of leaves [B, ...], such as (mean, log-variance).
      noise: of each step, [K, ...]; K is how many steps there are.
      rate: step size; or a structure like `start`.
      momentum: share of v that is kept.
      clip: norm of a leaf's gradient above which it is scaled down; 0: never.
      unit: what that is a norm over: "example" or "batch".
      gradient: what a tape finds of `refined`: "exact", through the steps, which needs a loss that can be differentiated twice and watches
        whatever the loss reads; "difference", the same by finite differences of gradients, to start and `parameters`; "official", that
        of the authors' code, see `tfvae.inference.adjoint.official`; "none", nothing.
      parameters: of the model, variables or tensors that the loss reads, whose gradient "difference" and "official" find.
      epsilon: of the differences; None: what suits the numbers' precision, or the authors' 1e-5.
      sides: points beside each step that "difference" takes gradients at: 2, on both sides; 1, less exact, for half as many.

    Raises:
      ValueError: a unit, gradient or number of sides that does not exist.

    References:
      Kim, Wiseman, Miller, Sontag, Rush. Semi-Amortized Variational Autoencoders. ICML 2018, section 3, algorithms 1 and 2.
    """
    if gradient not in GRADIENTS:
        raise ValueError(f"gradient = {gradient!r}: must be one of {', '.join(GRADIENTS)}")
    steps = Steps(rate, momentum, clip, unit)
    descent = run(loss, start, noise, steps, gradient=gradient, parameters=parameters, epsilon=epsilon, sides=sides)
    return Refined(start, descent.path, descent.refined, descent.losses)


def run(
    loss: Loss,
    start: Params,
    noise: tf.Tensor,
    steps: Steps,
    *,
    gradient: str,
    parameters: Sequence[Any] = (),
    epsilon: float | None = None,
    sides: int = 2,
) -> Descent:
    """Does what `refine` does, and tells the gradients of each step too."""
    if sides not in adjoint.EPSILON:
        raise ValueError(f"sides = {sides}: must be 1 or 2")
    if gradient == "exact":
        return descend_exactly(loss, start, noise, steps)
    on_the_way = adjoint.values_of(parameters) if gradient == "difference" and sides == 1 else ()
    descent = descend(loss, start, noise, steps, on_the_way)
    if gradient == "none":
        return descent
    given = (loss, noise, steps, descent, parameters, epsilon)
    backward = adjoint.official(*given) if gradient == "official" else adjoint.difference(*given, sides=sides)
    return descent._replace(refined=adjoint.through(descent, start, parameters, backward))
