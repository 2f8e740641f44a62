"""Gated recurrent units over padded sentences, for several posterior samples at once."""

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from tfvae.layers.common import check_implementation, once_differentiable, uniform_initializer, widen
from tfvae.layers.packing import Packing


@keras.saving.register_keras_serializable(package="tfvae")
class GRU(keras.layers.Layer):
    """One direction of a GRU, its weights laid out as in `keras.layers.GRU(reset_after=True)`, gates in the order z, r, h.

        z = sigmoid(W_z x + b_z + U_z h + c_z),  r = sigmoid(W_r x + b_r + U_r h + c_r)
        h' = z h + (1 - z) tanh(W_h x + b_h + r (U_h h + c_h))

    A context, constant along the sentence, counts as appended to x at every step; it is projected once a sentence. Inputs that the S
    posterior samples share are projected once for all of them. On a GPU, the fast implementation is cuDNN's.

    Args:
      units: H.
      input_dim: I, size of x.
      context_dim: C, size of the context; 0: none.
      implementation: "fast": in training, backpropagation through time as a custom gradient, differentiable once; "plain": automatic
        differentiation.
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
        self._twin: Callable[[], Any] | None = self._make_twin() if on_gpu() and implementation == "fast" else None
        self.built = True

    def _make_twin(self) -> Callable[[], keras.layers.Layer]:
        """Keras's GRU with this layer's weights; within a function, so that Keras does not count them twice."""
        twin = keras.layers.GRU(self.units, return_sequences=True, reset_after=True, dtype=self.variable_dtype)
        twin.cell.kernel, twin.cell.recurrent_kernel, twin.cell.bias = self.kernel, self.recurrent_kernel, self.bias
        twin.built = twin.cell.built = True
        return lambda: twin

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def call(
        self,
        x: tf.Tensor,
        length: tf.Tensor,
        context: tf.Tensor | None = None,
        initial_state: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Runs along the sentences.

        Args:
          x: inputs, shape [R, B, T, I], R being S, or 1 when the samples share them.
          length: steps of each sentence, shape [B].
          context: shape [S, B, C], when context_dim is not 0.
          initial_state: shape [S, B, H]; None: zeros.
          training: the gradient will be asked for: the fast implementation keeps what it needs.

        Returns:
          (the state after each step, shape [S, B, T, H], zero beyond a sentence's length; the state after the last step of each sentence,
          shape [S, B, H]).
        """
        packing = Packing(length, tf.shape(x)[2])
        packed = packing.pack(tf.transpose(x, [1, 2, 0, 3]))
        outputs, final = self.packed(packed, packing, context=context, initial_state=initial_state, training=training)
        return tf.transpose(packing.unpack(outputs), [2, 0, 1, 3]), final

    def packed(
        self,
        x: tf.Tensor,
        packing: Packing,
        context: tf.Tensor | None = None,
        initial_state: tf.Tensor | None = None,
        *,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """`call` on tokens alone.

        Args:
          x: inputs, shape [M, R, I], R being S, or 1 when the samples share them.
          packing: where the M tokens are.
          context: shape [S, B, C], when context_dim is not 0.
          initial_state: shape [S, B, H]; None: zeros.
          training: as for `call`.

        Returns:
          (the state after each token, shape [M, S, H]; the state after the last token of each sentence, shape [S, B, H]).
        """
        if initial_state is None:
            samples = tf.shape(x)[1] if context is None else tf.shape(context)[0]
            initial = tf.zeros([packing.batch, samples, self.units], widen(x).dtype)
        else:
            initial = tf.transpose(widen(initial_state), [1, 0, 2])  # [B, S, H]
        if self._twin:
            outputs = self._cudnn(self._twin(), x, packing, context, initial)
        else:
            unroll = _fast if training and self.implementation == "fast" else _plain
            outputs = self._unroll(x, packing, context, initial, unroll)
        final = packing.last(outputs, tf.cast(initial, outputs.dtype))
        return outputs, tf.transpose(final, [1, 0, 2])

    def _unroll(self, x: tf.Tensor, packing: Packing, context: tf.Tensor | None, initial: tf.Tensor, unroll: Callable) -> tf.Tensor:
        """The state after each token, [M, S, H], from initial ones [B, S, H]."""
        kernel, context_kernel, recurrent_kernel, bias = self._weights()
        x, inputs, constants = tf.cast(x, kernel.dtype), [], []
        fixed = self._constant(context_kernel, _folded(bias), context)  # [S, B, 3H] or [3H]
        for part, constant in zip(_gates(kernel), _gates(fixed), strict=True):
            projected = widen(tf.tensordot(x, part, 1))  # [M, R, H]
            if constant.shape.rank == 1:
                projected = tf.nn.bias_add(projected, constant)
            elif projected.shape[1] == constant.shape[0] == 1:
                projected += tf.expand_dims(tf.gather(constant[0], packing.sentence), 1)
            else:
                constants.append(tf.gather(tf.transpose(constant, [1, 0, 2]), packing.order))
            inputs.append(projected)
        operands = _Operands(inputs, constants, _gates(recurrent_kernel), bias[1, 2 * self.units :], tf.gather(initial, packing.order))
        return unroll(operands, packing)

    def _cudnn(self, twin: Any, x: tf.Tensor, packing: Packing, context: tf.Tensor | None, initial: tf.Tensor) -> tf.Tensor:
        """Does what `_unroll` does by Keras's GRU over padded [x; context], which on a GPU is cuDNN's, in float32."""
        samples, time = tf.shape(initial)[1], packing.time
        x = tf.repeat(x, samples // tf.shape(x)[1], axis=1)
        if context is not None:
            x = tf.concat([x, tf.cast(tf.gather(tf.transpose(context, [1, 0, 2]), packing.sentence), x.dtype)], -1)  # [M, S, I + C]
        padded = tf.transpose(packing.unpack(tf.cast(x, self.variable_dtype)), [0, 2, 1, 3])  # [B, S, T, I + C]
        outputs = twin(
            tf.reshape(padded, [-1, time, self.input_dim + self.context_dim]),
            initial_state=tf.cast(tf.reshape(initial, [-1, self.units]), self.variable_dtype),
            mask=tf.sequence_mask(tf.maximum(tf.repeat(packing.length, samples), 1), time),  # cuDNN refuses sentences of no token
        )
        outputs = tf.transpose(tf.reshape(outputs, [-1, samples, time, self.units]), [0, 2, 1, 3])
        return tf.cast(packing.pack(outputs), self.compute_dtype)

    def step_function(self) -> Callable[..., tf.Tensor]:
        """Returns a function of x [N, I], the state [N, H] and, where there is one, the context [N, C] that gives the next state [N, H].

        The weights change to the compute dtype here, once, and not in every step of a loop that calls the function.
        """
        kernel, context_kernel, recurrent_kernel, bias = self._weights()
        recurrent_bias = tf.cast(bias[1], self.compute_dtype)

        def step(x: tf.Tensor, state: tf.Tensor, context: tf.Tensor | None = None) -> tf.Tensor:
            inputs = widen(tf.matmul(x, kernel)) + self._constant(context_kernel, bias[0], context)
            recurrent = tf.nn.bias_add(tf.matmul(tf.cast(state, self.compute_dtype), recurrent_kernel), recurrent_bias)
            return tf.cast(_cell(_gates(inputs), _gates(widen(recurrent)), widen(state))[0], state.dtype)

        return step

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "input_dim", "context_dim", "implementation", "initializer_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _weights(self) -> list[Any]:
        """The kernels of the input, the context (None without one) and the state in the compute dtype; the biases, at least in float32."""
        of_input, of_state = (tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.recurrent_kernel))
        # Split, not sliced: the gradient of a slice is as large as the whole, once for each.
        parts = tf.split(of_input, [self.input_dim, self.context_dim]) if self.context_dim else [of_input, None]
        return [*parts, of_state, tf.convert_to_tensor(self.bias)]

    def _constant(self, kernel: Any, bias: tf.Tensor, context: tf.Tensor | None) -> tf.Tensor:
        """What every step of a sentence adds to its projected input: the context's projection and the bias [3H]."""
        if (context is None) != (self.context_dim == 0):
            raise ValueError(f"context_dim is {self.context_dim} and context is {'absent' if context is None else 'given'}")
        return bias if context is None else tf.nn.bias_add(widen(tf.tensordot(tf.cast(context, kernel.dtype), kernel, 1)), bias)


def on_gpu() -> bool:
    """Whether TensorFlow sees a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def _gates(values: tf.Tensor) -> list[tf.Tensor]:
    """[..., 3H] as the parts of z, r and the candidate, [..., H] each."""
    return tf.split(values, 3, -1)


def _folded(bias: tf.Tensor) -> tf.Tensor:
    """The biases of input and state, [2, 3H], as far as they can be added at once, [3H]: the candidate's of the state is within r (...)."""
    units = bias.shape[1] // 3
    return bias[0] + tf.concat([bias[1, : 2 * units], tf.zeros([units], bias.dtype)], 0)


def _cell(inputs: Sequence[tf.Tensor], recurrent: Sequence[tf.Tensor], state: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """One step: (next state, z, r, candidate) from inputs and recurrent products of those three and the state, [..., H] each."""
    z, r = (tf.sigmoid(inputs[i] + recurrent[i]) for i in range(2))
    candidate = tf.tanh(inputs[2] + r * recurrent[2])
    return candidate + z * (state - candidate), z, r, candidate


class _Operands(NamedTuple):
    """What a recurrent layer is run on.

    Attributes:
      inputs: projected inputs of z, r and the candidate, shape [M, R, H] each.
      constants: added to them at every step, shape [B, S, H] each, longest sentence first; empty: nothing is.
      kernels: recurrent kernels, shape [H, H] each.
      bias: that of the candidate's recurrent product, shape [H].
      initial: shape [B, S, H], longest sentence first.
    """

    inputs: list[tf.Tensor]
    constants: list[tf.Tensor]
    kernels: list[tf.Tensor]
    bias: tf.Tensor
    initial: tf.Tensor


def _loop(
    operands: _Operands, packing: Packing, *, read: Callable[[tf.Tensor, Packing], Callable[[tf.Tensor], tf.Tensor]], keep: bool
) -> tuple[tf.Tensor, list[tf.TensorArray]]:
    """Runs the cell along time.

    Products are made in the kernels' dtype; states, gates and sums are at least float32.

    Args:
      operands: what it is run on.
      packing: where the M tokens are.
      read: makes a function of t that returns a step's values.
      keep: whether the backward pass will need the gates.

    Returns:
      states after each token [M, S, H], in the kernels' dtype; and, where they are kept, a step's z, r, candidates and the recurrent
      products of the candidates, [n, S, H] each, by step.
    """
    inputs, constants, kernels, bias, initial = operands
    units, dtype, samples = initial.shape[-1], kernels[0].dtype, initial.shape[1]
    of_inputs, bias = [read(values, packing) for values in inputs], tf.cast(bias, dtype)
    arrays = [
        tf.TensorArray(kind, size=packing.time, element_shape=[None, samples, units], infer_shape=False, clear_after_read=False)
        for kind in (dtype, *[initial.dtype] * 4 * keep)
    ]

    def body(t: tf.Tensor, state: tf.Tensor, low: tf.Tensor, arrays: list[tf.TensorArray]) -> tuple:
        count = packing.counts[t]
        low = low[:count]
        rows = tf.reshape(low, [-1, units])
        *gates, product = (tf.matmul(rows, kernel) for kernel in kernels)
        recurrent = [tf.reshape(widen(values), tf.shape(low)) for values in (*gates, tf.nn.bias_add(product, bias))]
        now = [widen(values(t)) for values in of_inputs]
        if constants:
            now = [values + constant[:count] for values, constant in zip(now, constants, strict=True)]
        state, *rest = _cell(now, recurrent, state[:count])
        low = tf.cast(state, dtype)
        values = [low, *rest, recurrent[2]] if keep else [low]
        return t + 1, state, low, [array.write(t, value) for array, value in zip(arrays, values, strict=True)]

    some = tf.TensorShape([None, samples, units])
    invariants = (tf.TensorShape([]), some, some, [tf.TensorShape(None)] * len(arrays))
    start = (0, initial, tf.cast(initial, dtype), arrays)
    *_, (outputs, *kept) = tf.while_loop(lambda t, *_: t < packing.time, body, start, shape_invariants=invariants)
    return outputs.concat(), kept


def _sliced(values: tf.Tensor, packing: Packing) -> Callable[[tf.Tensor], tf.Tensor]:
    """Reads a step's values [n, ...] off packed ones [M, ...]."""
    return lambda t: values[packing.offsets[t] : packing.offsets[t + 1]]


def _split(values: tf.Tensor, packing: Packing) -> Callable[[tf.Tensor], tf.Tensor]:
    """Does what `_sliced` does, and differentiates well, for the price of a copy."""
    array = tf.TensorArray(values.dtype, size=packing.time, element_shape=[None, *values.shape[1:]], infer_shape=False)
    return array.split(values, packing.counts).read


def _plain(operands: _Operands, packing: Packing) -> tf.Tensor:
    """The states after each token, as `_loop` returns them, differentiated by TensorFlow; what needs no gradient runs so too."""
    return _loop(operands, packing, read=_split, keep=False)[0]


def _fast(operands: _Operands, packing: Packing) -> tf.Tensor:
    """The states after each token, as `_loop` returns them, whose gradient is `_loop_back`."""

    @tf.custom_gradient
    def run(*flat: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        given = tf.nest.pack_sequence_as(operands, flat)
        outputs, kept = _loop(given, packing, read=_sliced, keep=True)

        def backward(d_outputs: tf.Tensor) -> list[tf.Tensor]:
            return once_differentiable(tf.nest.flatten(_loop_back(given, packing, outputs, tf.convert_to_tensor(d_outputs), kept)), "GRU")

        return outputs, backward

    return run(*tf.nest.flatten(operands))


def _before(outputs: tf.Tensor, initial: tf.Tensor, packing: Packing) -> tf.Tensor:
    """The state before each token, [M, S, H], from those after each and the initial ones [B, S, H], longest sentence first."""
    batch, rank = packing.batch, tf.gather(packing.rank, packing.sentence)
    previous = tf.gather(packing.offsets, tf.maximum(packing.position - 1, 0)) + rank
    return tf.gather(tf.concat([initial, outputs], 0), tf.where(packing.position == 0, rank, batch + previous))


def _loop_back(operands: _Operands, packing: Packing, outputs: tf.Tensor, d_outputs: tf.Tensor, kept: list[tf.TensorArray]) -> _Operands:
    """Backpropagation through time.

    Args:
      operands: as given to `_loop`.
      packing: as given to `_loop`.
      outputs: states after each token, as it returned them, shape [M, S, H].
      d_outputs: their gradient, shape [M, S, H].
      kept: what else it returned.

    Returns:
      gradients of the operands.
    """
    inputs, constants, kernels, bias, initial = operands
    units, dtype, samples = initial.shape[-1], kernels[0].dtype, initial.shape[1]
    before = _before(outputs, tf.cast(initial, outputs.dtype), packing)
    transposed = [tf.transpose(kernel) for kernel in kernels]  # once: a product with transpose_b=True takes longer for few rows
    of_time = [*(_sliced(values, packing) for values in (d_outputs, before)), *(array.read for array in kept)]
    shared = inputs[0].shape[1] == 1 and samples != 1
    arrays = [
        tf.TensorArray(kind, size=packing.time, element_shape=[None, width, units], infer_shape=False)
        for kind, width in [(inputs[0].dtype, 1 if shared else samples)] * 3 + [(dtype, samples)] * 3
    ]

    def body(t: tf.Tensor, d_state: tf.Tensor, d_constants: list[tf.Tensor], arrays: list[tf.TensorArray]) -> tuple:
        more = [[0, packing.counts[t] - tf.shape(d_state)[0]], [0, 0], [0, 0]]  # the sentences whose last token this is
        d_output, state, z, r, candidate, product = (widen(read(t)) for read in of_time)
        d_state = tf.pad(d_state, more) + d_output
        d_before = d_state * z
        d_candidate = tf.raw_ops.TanhGrad(y=candidate, dy=d_state - d_before)  # of what tanh is taken of
        d_z = tf.raw_ops.SigmoidGrad(y=z, dy=d_state * (state - candidate))
        d_r = tf.raw_ops.SigmoidGrad(y=r, dy=d_candidate * product)
        d_recurrent = [tf.cast(value, dtype) for value in (d_z, d_r, d_candidate * r)]
        d_input = [d_z, d_r, d_candidate]
        if constants:
            d_constants = [tf.pad(constant, more) + value for constant, value in zip(d_constants, d_input, strict=True)]
        if shared:  # summed at once, so that memory does not grow with S
            d_input = [tf.reduce_sum(value, 1, keepdims=True) for value in d_input]
        products = [tf.matmul(tf.reshape(d, [-1, units]), kernel) for d, kernel in zip(d_recurrent, transposed, strict=True)]
        through = tf.reshape(tf.add_n([widen(product) for product in products]), tf.shape(d_state))
        values = [*(tf.cast(d, values.dtype) for d, values in zip(d_input, inputs, strict=True)), *d_recurrent]
        return t - 1, d_before + through, d_constants, [a.write(t, value) for a, value in zip(arrays, values, strict=True)]

    none, some = initial[:0], tf.TensorShape([None, samples, units])
    start = (packing.time - 1, none, [none] * len(constants), arrays)
    invariants = (tf.TensorShape([]), some, [some] * len(constants), [tf.TensorShape(None)] * 6)
    _, d_initial, d_constants, arrays = tf.while_loop(lambda t, *_: t >= 0, body, start, shape_invariants=invariants)
    # Sentences of no token, the last ones, have been in no step.
    d_initial, *d_constants = (tf.pad(d, [[0, packing.batch - tf.shape(d)[0]], [0, 0], [0, 0]]) for d in (d_initial, *d_constants))
    d_inputs = [_sum_to(array.concat(), values) for array, values in zip(arrays[:3], inputs, strict=True)]
    states, *d_recurrent = (tf.reshape(values, [-1, units]) for values in (before, *(array.concat() for array in arrays[3:])))
    d_kernels = [tf.matmul(states, values, transpose_a=True) for values in d_recurrent]
    return _Operands(d_inputs, d_constants, d_kernels, tf.reduce_sum(tf.cast(d_recurrent[2], bias.dtype), 0), d_initial)


def _sum_to(gradient: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Sums [M, S, H] over the samples that share what is `like`, [M, R, H]."""
    if gradient.shape[1] is not None and gradient.shape[1] == like.shape[1]:
        return gradient
    shape = tf.shape(like)
    _, axes = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(gradient), s1=shape)
    return tf.reshape(tf.reduce_sum(gradient, axes), shape)
