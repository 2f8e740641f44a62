"""Gated recurrent units over padded sentences, for several posterior samples at once."""

import random
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

IMPLEMENTATIONS = ("fast", "plain")


@keras.saving.register_keras_serializable(package="tfvae")
class GRU(keras.layers.Layer):
    """One direction of a GRU, its weights laid out as in `keras.layers.GRU(reset_after=True)`, gates in the order z, r, h.

        z = sigmoid(W_z x + b_z + U_z h + c_z),  r = sigmoid(W_r x + b_r + U_r h + c_r)
        h' = z h + (1 - z) tanh(W_h x + b_h + r (U_h h + c_h))

    A context, constant along the sentence, counts as appended to x at every step; it is projected once a sentence. Inputs that the S
    posterior samples share are projected once for all of them.

    Args:
      units: H.
      input_dim: I, size of x.
      context_dim: C, size of the context; 0: none.
      implementation: "fast": backpropagation through time as a custom gradient, differentiable once; "plain": automatic differentiation.
      initializer_range: weights are uniform on [-range, range], biases too; None: Glorot kernel, orthogonal recurrent kernel, zero biases.
      seed: of the initial weights.

    References:
      Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014.
    """

    def __init__(
        self,
        units: int,
        *,
        input_dim: int,
        context_dim: int = 0,
        implementation: str = "fast",
        initializer_range: float | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_implementation(implementation)
        self.units, self.input_dim, self.context_dim = units, input_dim, context_dim
        self.implementation, self.initializer_range, self.seed = implementation, initializer_range, seed
        draw = random.Random(seed)
        kernel_seed, recurrent_seed, bias_seed = (draw.getrandbits(31) for _ in range(3))
        if initializer_range is None:
            kernel, recurrent = keras.initializers.GlorotUniform(kernel_seed), keras.initializers.Orthogonal(seed=recurrent_seed)
            bias = keras.initializers.Zeros()
        else:
            kernel, recurrent, bias = (uniform_initializer(initializer_range, s) for s in (kernel_seed, recurrent_seed, bias_seed))
        self.kernel = self.add_weight(name="kernel", shape=(input_dim + context_dim, 3 * units), initializer=kernel)
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", shape=(units, 3 * units), initializer=recurrent)
        self.bias = self.add_weight(name="bias", shape=(2, 3 * units), initializer=bias)
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(
        self, x: tf.Tensor, length: tf.Tensor, context: tf.Tensor | None = None, initial_state: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs along the sentences; steps beyond a sentence's length leave its state as it is.

        Args:
          x: inputs, shape [R, B, T, I], R being S, or 1 when the samples share them.
          length: steps of each sentence, shape [B].
          context: shape [S, B, C], when context_dim is not 0.
          initial_state: shape [S, B, H]; None: zeros.

        Returns:
          (the state after each step, shape [S, B, T, H]; the state after the last step of each sentence, shape [S, B, H]).
        """
        kernel, recurrent_kernel, bias = self._weights()
        batch, time = tf.shape(x)[1], tf.shape(x)[2]
        inputs = tf.tensordot(tf.transpose(x, [2, 0, 1, 3]), kernel[: self.input_dim], 1)  # [T, R, B, 3H]
        constant = self._constant(kernel, bias, context)  # [S, B, 3H] or [3H]
        if initial_state is None:
            leader = x if context is None else context
            initial_state = tf.zeros([tf.shape(leader)[0], batch, self.units], inputs.dtype)
        valid = (tf.range(time)[:, None] < tf.cast(length, tf.int32))[..., None]  # [T, B, 1]
        unroll = _fast if self.implementation == "fast" else _plain
        outputs, final = unroll(inputs, constant, recurrent_kernel, bias[1], initial_state, valid)
        return tf.transpose(outputs, [1, 2, 0, 3]), final

    def step(self, x: tf.Tensor, state: tf.Tensor, context: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the next state, shape [N, H], from x [N, I], the state [N, H] and the context [N, C]."""
        kernel, recurrent_kernel, bias = self._weights()
        inputs = tf.matmul(x, kernel[: self.input_dim]) + self._constant(kernel, bias, context)
        return _cell(inputs, tf.matmul(state, recurrent_kernel) + bias[1], state)[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "input_dim", "context_dim", "implementation", "initializer_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _weights(self) -> list[tf.Tensor]:
        return [tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.recurrent_kernel, self.bias)]

    def _constant(self, kernel: tf.Tensor, bias: tf.Tensor, context: tf.Tensor | None) -> tf.Tensor:
        """What every step of a sentence adds to its projected input: the context's projection and the input bias."""
        if (context is None) != (self.context_dim == 0):
            raise ValueError(f"context_dim is {self.context_dim} and context is {'absent' if context is None else 'given'}")
        return bias[0] if context is None else tf.tensordot(context, kernel[self.input_dim :], 1) + bias[0]


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


def _cell(inputs: tf.Tensor, recurrent: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """One step: (next state, z, r, candidate, the candidate's recurrent product) from projections [..., 3H] and the state [..., H]."""
    units = state.shape[-1]
    product = recurrent[..., 2 * units :]
    gates = tf.sigmoid(inputs[..., : 2 * units] + recurrent[..., : 2 * units])
    z, r = gates[..., :units], gates[..., units:]
    candidate = tf.tanh(inputs[..., 2 * units :] + r * product)
    return candidate + z * (state - candidate), z, r, candidate, product


def _loop(
    inputs: tf.Tensor, constant: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor, valid: tf.Tensor, *, keep: Callable
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Runs the cell along time.

    Args:
      inputs: projected inputs, shape [T, R, B, 3H].
      constant: added at every step, shape [S, B, 3H] or [3H].
      kernel: recurrent kernel, shape [H, 3H].
      bias: recurrent bias, shape [3H].
      initial: shape [S, B, H].
      valid: whether a step is within its sentence, shape [T, B, 1], bool.
      keep: what to keep of a step, a list of [S, B, H], as a function of the new state, the old state and the rest of `_cell`'s values.

    Returns:
      (what was kept, a list of [T, S, B, H]; final state [S, B, H]).
    """
    time, units = tf.shape(inputs)[0], initial.shape[-1]
    shape = tf.concat([tf.shape(initial)[:2], [3 * units]], 0)
    of_inputs = tf.TensorArray(inputs.dtype, size=time, element_shape=inputs.shape[1:]).unstack(inputs)
    of_valid = tf.TensorArray(tf.bool, size=time, element_shape=valid.shape[1:]).unstack(valid)
    kept = [tf.TensorArray(initial.dtype, size=time, element_shape=initial.shape) for _ in keep(*[None] * 6)]

    def body(t: tf.Tensor, state: tf.Tensor, kept: list[tf.TensorArray]) -> tuple:
        recurrent = tf.reshape(tf.matmul(tf.reshape(state, [-1, units]), kernel) + bias, shape)  # [S, B, 3H]
        new, *rest = _cell(of_inputs.read(t) + constant, recurrent, state)
        new = tf.where(of_valid.read(t), new, state)
        return t + 1, new, [array.write(t, value) for array, value in zip(kept, keep(new, state, *rest), strict=True)]

    invariants = (tf.TensorShape([]), initial.shape, [tf.TensorShape(None)] * len(kept))
    _, final, kept = tf.while_loop(lambda t, *_: t < time, body, (0, initial, kept), shape_invariants=invariants)
    return [array.stack() for array in kept], final


def _plain(
    inputs: tf.Tensor, constant: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor, valid: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    (outputs,), final = _loop(inputs, constant, kernel, bias, initial, valid, keep=lambda new, *_: [new])
    return outputs, final


@tf.custom_gradient
def _fast(
    inputs: tf.Tensor, constant: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor, valid: tf.Tensor
) -> tuple[tuple[tf.Tensor, tf.Tensor], Callable]:
    kept, final = _loop(inputs, constant, kernel, bias, initial, valid, keep=lambda *values: list(values))
    outputs, *saved = kept

    def backward(d_outputs: tf.Tensor, d_final: tf.Tensor) -> list[tf.Tensor | None]:
        state, z, r, candidate, product = saved  # [T, S, B, H] each
        units = initial.shape[-1]
        mask = tf.cast(valid, z.dtype)[:, None]  # [T, 1, B, 1]
        # The gates' gradients are these times the gradient of the new state, which alone has to be found step by step.
        to_candidate = (mask - mask * z) * (1 - candidate * candidate)
        to_z = mask * (state - candidate) * z * (1 - z)
        to_r = to_candidate * product * r * (1 - r)
        to_product = to_candidate * r
        to_recurrent = tf.concat([to_z, to_r, to_product], -1)  # [T, S, B, 3H]
        d_new, d_initial = _loop_back(d_outputs, d_final, to_recurrent, tf.where(valid[:, None], z, tf.ones_like(z)), kernel)
        d_recurrent = tf.concat([d_new] * 3, -1) * to_recurrent
        d_inputs = tf.concat([d_recurrent[..., : 2 * units], d_new * to_candidate], -1)
        flat = tf.reshape(d_recurrent, [-1, 3 * units])
        d_kernel = tf.matmul(tf.reshape(state, [-1, units]), flat, transpose_a=True)
        d_constant = _sum_to(tf.reduce_sum(d_inputs, 0), constant)
        gradients = [_sum_to(d_inputs, inputs), d_constant, d_kernel, tf.reduce_sum(flat, 0), d_initial]
        return [*once_differentiable(gradients, "GRU"), None]

    return (outputs, final), backward


def _loop_back(
    d_outputs: tf.Tensor, d_final: tf.Tensor, to_recurrent: tf.Tensor, to_state: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the gradients of the state after each step, shape [T, S, B, H], and of the initial state, shape [S, B, H]."""
    time, units = tf.shape(d_outputs)[0], kernel.shape[0]
    transposed = tf.transpose(kernel)  # once: a product with transpose_b=True takes three times as long for few rows
    of_time = (d_outputs, to_recurrent, to_state)
    arrays = [tf.TensorArray(values.dtype, size=time, element_shape=values.shape[1:]).unstack(values) for values in of_time]
    d_states = tf.TensorArray(d_final.dtype, size=time, element_shape=d_final.shape)

    def body(t: tf.Tensor, d_state: tf.Tensor, d_states: tf.TensorArray) -> tuple:
        d_output, to_recurrent, to_state = (array.read(t) for array in arrays)
        d_state += d_output
        d_recurrent = tf.concat([d_state] * 3, -1) * to_recurrent
        through = tf.matmul(tf.reshape(d_recurrent, [-1, 3 * units]), transposed)
        return t - 1, d_state * to_state + tf.reshape(through, tf.shape(d_state)), d_states.write(t, d_state)

    invariants = (tf.TensorShape([]), d_final.shape, tf.TensorShape(None))
    _, d_initial, d_states = tf.while_loop(lambda t, *_: t >= 0, body, (time - 1, d_final, d_states), shape_invariants=invariants)
    return d_states.stack(), d_initial


def _sum_to(gradient: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Sums over the axes along which `like` was broadcast."""
    shape = tf.shape(like)
    _, axes = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(gradient), s1=shape)
    return tf.reshape(tf.reduce_sum(gradient, axes), shape)
