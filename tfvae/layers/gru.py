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
        weights = {
            "kernel": ((input_dim + context_dim, 3 * units), kernel),
            "recurrent_kernel": ((units, 3 * units), recurrent),
            "bias": ((2, 3 * units), bias),
        }
        self.kernel, self.recurrent_kernel, self.bias = (
            self.add_weight(name=name, shape=shape, initializer=initializer, autocast=False)
            for name, (shape, initializer) in weights.items()
        )
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(
        self, x: tf.Tensor, length: tf.Tensor, context: tf.Tensor | None = None, initial_state: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs along the sentences.

        Args:
          x: inputs, shape [R, B, T, I], R being S, or 1 when the samples share them.
          length: steps of each sentence, shape [B].
          context: shape [S, B, C], when context_dim is not 0.
          initial_state: shape [S, B, H]; None: zeros.

        Returns:
          (the state after each step, shape [S, B, T, H], of no meaning beyond a sentence's length; the state after the last step of each
          sentence, shape [S, B, H]).
        """
        kernel, recurrent_kernel, bias = self._weights()
        constant = self._constant(kernel, bias, context)  # [S, B, 3H] or [3H]
        inputs = tf.tensordot(tf.transpose(x, [2, 0, 1, 3]), kernel[: self.input_dim], 1)  # [T, R, B, 3H]
        if inputs.shape[1] == 1:
            inputs = widen(inputs)  # of one sample at most: worth a pass over the whole sequence instead of one at every step
        leader = x if context is None else context
        shape = [tf.shape(leader)[0], tf.shape(x)[1], self.units]
        initial = tf.zeros(shape, constant.dtype) if initial_state is None else widen(initial_state)
        if constant.shape.rank == 1 or inputs.shape[1] == constant.shape[0] == 1:
            inputs, constant = widen(inputs) + constant, None
        unroll = _fast if self.implementation == "fast" else _plain
        outputs = unroll(inputs, constant, recurrent_kernel, bias[1], initial)  # [T, S, B, H]
        return tf.transpose(outputs, [1, 2, 0, 3]), _last(outputs, tf.cast(initial, outputs.dtype), length)

    def step(self, x: tf.Tensor, state: tf.Tensor, context: tf.Tensor | None = None) -> tf.Tensor:
        """Returns the next state, shape [N, H], from x [N, I], the state [N, H] and the context [N, C]."""
        kernel, recurrent_kernel, bias = self._weights()
        inputs = widen(tf.matmul(x, kernel[: self.input_dim])) + self._constant(kernel, bias, context)
        recurrent = tf.nn.bias_add(tf.matmul(tf.cast(state, self.compute_dtype), recurrent_kernel), tf.cast(bias[1], self.compute_dtype))
        return tf.cast(_cell(inputs, widen(recurrent), widen(state))[0], state.dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "input_dim", "context_dim", "implementation", "initializer_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _weights(self) -> list[tf.Tensor]:
        """The kernel and the recurrent kernel in the compute dtype, the biases at least in float32."""
        return [*(tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.recurrent_kernel)), tf.convert_to_tensor(self.bias)]

    def _constant(self, kernel: tf.Tensor, bias: tf.Tensor, context: tf.Tensor | None) -> tf.Tensor:
        """What every step of a sentence adds to its projected input: the context's projection and the input bias."""
        if (context is None) != (self.context_dim == 0):
            raise ValueError(f"context_dim is {self.context_dim} and context is {'absent' if context is None else 'given'}")
        return bias[0] if context is None else widen(tf.tensordot(tf.cast(context, kernel.dtype), kernel[self.input_dim :], 1)) + bias[0]


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


def _cell(inputs: tf.Tensor, recurrent: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """One step: (next state, gates z and r, candidate, its recurrent product) from projections [..., 3H] and the state [..., H]."""
    units = state.shape[-1]
    product = recurrent[..., 2 * units :]
    gates = tf.sigmoid(inputs[..., : 2 * units] + recurrent[..., : 2 * units])
    z, r = gates[..., :units], gates[..., units:]
    candidate = tf.tanh(inputs[..., 2 * units :] + r * product)
    return candidate + z * (state - candidate), gates, candidate, product


def _array(like: tf.Tensor, time: tf.Tensor) -> tf.TensorArray:
    """An array of values a step, to be written, of the dtype and static shape of `like`."""
    return tf.TensorArray(like.dtype, size=time, element_shape=like.shape)


def _steps(values: tf.Tensor) -> tf.TensorArray:
    """An array of values a step, to be read, from [T, ...]."""
    return _array(values[0], tf.shape(values)[0]).unstack(values)


def _loop(
    inputs: tf.Tensor, constant: tf.Tensor | None, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor, *, keep: bool
) -> list[tf.Tensor]:
    """Runs the cell along time.

    Products are made in the kernel's dtype; states, gates and sums are at least float32. What is kept is kept in the kernel's dtype.

    Args:
      inputs: projected inputs, shape [T, R, B, 3H].
      constant: added at every step, shape [S, B, 3H]; None: nothing is.
      kernel: recurrent kernel, shape [H, 3H].
      bias: recurrent bias, shape [3H].
      initial: shape [S, B, H].
      keep: whether the backward pass will need the gates.

    Returns:
      states after each step [T, S, B, H]; where they are kept also gates [T, S, B, 2H], candidates and their recurrent products.
    """
    time, units, dtype = tf.shape(inputs)[0], initial.shape[-1], kernel.dtype
    of_inputs, bias = _steps(inputs), tf.cast(bias, dtype)
    wide = tf.concat([tf.shape(initial)[:2], [3 * units]], 0)
    width = [units, 2 * units, units, units] if keep else [units]
    written = [tf.TensorArray(dtype, size=time, element_shape=[*initial.shape[:2], size]) for size in width]

    def body(t: tf.Tensor, state: tf.Tensor, low: tf.Tensor, written: list[tf.TensorArray]) -> tuple:
        recurrent = tf.nn.bias_add(tf.matmul(tf.reshape(low, [-1, units]), kernel), bias)
        now = widen(of_inputs.read(t))
        state, *rest = _cell(now if constant is None else now + constant, widen(tf.reshape(recurrent, wide)), state)
        low = tf.cast(state, dtype)
        values = [low, *(tf.cast(value, dtype) for value in rest)][: len(written)]
        return t + 1, state, low, [array.write(t, value) for array, value in zip(written, values, strict=True)]

    invariants = (tf.TensorShape([]), initial.shape, initial.shape, [tf.TensorShape(None)] * len(written))
    start = (0, initial, tf.cast(initial, dtype), written)
    *_, written = tf.while_loop(lambda t, *_: t < time, body, start, shape_invariants=invariants)
    return [array.stack() for array in written]


def _plain(inputs: tf.Tensor, constant: tf.Tensor | None, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor) -> tf.Tensor:
    return _loop(inputs, constant, kernel, bias, initial, keep=False)[0]


def _fast(inputs: tf.Tensor, constant: tf.Tensor | None, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor) -> tf.Tensor:
    @tf.custom_gradient
    def run(inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, initial: tf.Tensor, *constant: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        outputs, *kept = _loop(inputs, constant[0] if constant else None, kernel, bias, initial, keep=True)

        def backward(d_outputs: tf.Tensor) -> list[tf.Tensor]:
            before = tf.concat([tf.cast(initial, kernel.dtype)[None], outputs[:-1]], 0)  # the state before each step
            d_inputs, d_recurrent, d_initial, d_constant = _loop_back(inputs, kernel, before, d_outputs, kept, has_constant=bool(constant))
            flat = tf.reshape(d_recurrent, [-1, kernel.shape[1]])
            d_kernel = tf.matmul(tf.reshape(before, [-1, kernel.shape[0]]), flat, transpose_a=True)
            d_bias = tf.reduce_sum(tf.cast(flat, bias.dtype), 0)
            return once_differentiable([d_inputs, d_kernel, d_bias, d_initial, *d_constant], "GRU")

        return outputs, backward

    return run(inputs, kernel, bias, initial, *([] if constant is None else [constant]))


def _loop_back(
    inputs: tf.Tensor, kernel: tf.Tensor, before: tf.Tensor, d_outputs: tf.Tensor, kept: list[tf.Tensor], *, has_constant: bool
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """Backpropagation through time.

    Args:
      inputs: as given to `_loop`.
      kernel: recurrent kernel, shape [H, 3H].
      before: state before each step, shape [T, S, B, H].
      d_outputs: gradient of what `_loop` returned as states, shape [T, S, B, H].
      kept: what else it returned.
      has_constant: whether there was a constant.

    Returns:
      gradients of the inputs [T, R, B, 3H], of the recurrent projections [T, S, B, 3H], of the initial state [S, B, H], and of the constant.
    """
    time, units, dtype = tf.shape(d_outputs)[0], kernel.shape[0], kernel.dtype
    transposed = tf.transpose(kernel)  # once: a product with transpose_b=True takes longer for few rows
    of_time = [_steps(values) for values in (d_outputs, before, *kept)]
    state = tf.zeros(tf.shape(before)[1:], widen(before[:0]).dtype)
    wide = tf.zeros(tf.concat([tf.shape(state)[:2], [3 * units]], 0), state.dtype)
    samples, batch = before.shape[1:3]
    shared = inputs.shape[1] == 1 and samples != 1
    shapes = ([1 if shared else samples, batch, 3 * units], [samples, batch, 3 * units])
    written = [tf.TensorArray(values.dtype, size=time, element_shape=shape) for values, shape in zip((inputs, kernel), shapes, strict=True)]

    def body(t: tf.Tensor, d_state: tf.Tensor, d_constant: list[tf.Tensor], written: list[tf.TensorArray]) -> tuple:
        d_output, state, gates, candidate, product = (widen(array.read(t)) for array in of_time)
        z, r = gates[..., :units], gates[..., units:]
        d_state += d_output
        d_candidate = d_state * (1 - z) * (1 - candidate * candidate)  # of what tanh is taken of
        d_z, d_r = d_state * (state - candidate) * z * (1 - z), d_candidate * product * r * (1 - r)
        d_recurrent = tf.concat([tf.cast(value, dtype) for value in (d_z, d_r, d_candidate * r)], -1)
        d_input = tf.concat([tf.cast(value, dtype) for value in (d_z, d_r, d_candidate)], -1)
        if has_constant:
            d_constant = [d_constant[0] + widen(d_input)]
        if shared:  # summed at once, so that memory does not grow with S
            d_input = tf.reduce_sum(widen(d_input), 0, keepdims=True)
        through = tf.reshape(tf.matmul(tf.reshape(d_recurrent, [-1, 3 * units]), transposed), tf.shape(d_state))
        values = [tf.cast(d_input, inputs.dtype), d_recurrent]
        return t - 1, d_state * z + widen(through), d_constant, [a.write(t, value) for a, value in zip(written, values, strict=True)]

    start = (time - 1, state, [wide] if has_constant else [], written)
    constants = [tf.TensorShape([samples, batch, 3 * units])] * has_constant
    invariants = (tf.TensorShape([]), before.shape[1:], constants, [tf.TensorShape(None)] * 2)
    _, d_initial, d_constant, written = tf.while_loop(lambda t, *_: t >= 0, body, start, shape_invariants=invariants)
    return _sum_to(written[0].stack(), inputs), written[1].stack(), d_initial, d_constant


def _last(outputs: tf.Tensor, initial: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """The state after the last step of each sentence, shape [S, B, H], from those after each step [T, S, B, H]."""
    samples, batch = tf.shape(outputs)[1], tf.shape(outputs)[2]
    states = tf.reshape(tf.concat([initial[None], outputs], 0), [-1, outputs.shape[-1]])
    sentence = tf.reshape(tf.range(samples * batch), [samples, batch])
    return tf.gather(states, tf.cast(length, tf.int32) * samples * batch + sentence)


def _sum_to(gradient: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Sums [T, S, B, 3H] over the samples that share what is `like`, [T, R, B, 3H]."""
    if gradient.shape[1] is not None and gradient.shape[1] == like.shape[1]:
        return gradient
    shape = tf.shape(like)
    _, axes = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(gradient), s1=shape)
    return tf.reshape(tf.reduce_sum(gradient, axes), shape)
