"""Cross-entropy over the vocabulary, for the positions that are not padding."""

import functools
import random
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfvae.layers.common import check_implementation, once_differentiable, uniform_initializer, widen
from tfvae.layers.packing import Packing


@keras.saving.register_keras_serializable(package="tfvae")
class VocabularySoftmax(keras.layers.Layer):
    """log p(word) = log softmax(E h + U z + b), b always and U, when z_dim is not 0, owned by the layer.

    Args:
      vocabulary_size: V.
      hidden_dim: H.
      z_dim: Z, size of the z that enters the logits; 0: none does.
      tied: E, shape [V, H], is passed at every call instead of owned.
      implementation: "fast": logits and gradients formed chunk by chunk, differentiable once; "plain": all at once by automatic
        differentiation. Either way, padding has no logits.
      chunk_size: rows whose logits are formed at a time.
      initializer_range: kernels are uniform on [-range, range].
      seed: of the initial weights.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        hidden_dim: int,
        z_dim: int = 0,
        tied: bool = False,
        implementation: str = "fast",
        chunk_size: int = 2048,
        initializer_range: float = 0.1,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_implementation(implementation)
        self.vocabulary_size, self.hidden_dim, self.z_dim, self.tied = vocabulary_size, hidden_dim, z_dim, tied
        self.implementation, self.chunk_size = implementation, chunk_size
        self.initializer_range, self.seed = initializer_range, seed
        draw = random.Random(seed)
        kernel, skip = (uniform_initializer(initializer_range, draw.getrandbits(31)) for _ in range(2))
        self.kernel = None if tied else self.add_weight(name="kernel", shape=(vocabulary_size, hidden_dim), initializer=kernel)
        self.skip_kernel = self.add_weight(name="skip_kernel", shape=(z_dim, vocabulary_size), initializer=skip) if z_dim else None
        self.bias = self.add_weight(name="bias", shape=(vocabulary_size,), initializer="zeros")
        self.built = True

    def build(self, *_: Any, **__: Any) -> None:
        """Does nothing: the weights are made in the constructor."""
        self.built = True

    def log_prob(
        self,
        hidden: tf.Tensor,
        targets: tf.Tensor,
        length: tf.Tensor,
        z: tf.Tensor | None = None,
        kernel: tf.Tensor | None = None,
        *,
        training: bool = False,
    ) -> tf.Tensor:
        """Returns the log-probability of each sentence, shape [S, B], nats.

        Args:
          hidden: h before each word, shape [S, B, T, H].
          targets: ids of the words, shape [B, T].
          length: words of each sentence, shape [B].
          z: shape [S, B, Z], when z_dim is not 0.
          kernel: E, shape [V, H], when tied.
          training: the gradient will be asked for: the fast implementation forms it at once, which saves a projection of all rows, and of
            half-precision logits it takes the logarithms of probabilities that are rounded alike.
        """
        packing = Packing(length, tf.shape(targets)[1])
        return self.packed_log_prob(
            packing.pack(tf.transpose(hidden, [1, 2, 0, 3])), packing.pack(targets), packing, z, kernel, training=training
        )

    def packed_log_prob(
        self,
        hidden: tf.Tensor,
        targets: tf.Tensor,
        packing: Packing,
        z: tf.Tensor | None = None,
        kernel: tf.Tensor | None = None,
        *,
        training: bool = False,
    ) -> tf.Tensor:
        """`log_prob` on tokens alone: of h [M, S, H] before the words [M]."""
        self._check_z(z)
        kernel, skip, bias = self._weights(kernel)
        rows = tf.cast(hidden, self.compute_dtype)
        if skip is not None:
            # Widening rows by z costs less than adding U z to logits, V wide.
            of_sentence = tf.cast(tf.transpose(z, [1, 0, 2]), self.compute_dtype)  # [B, S, Z]
            rows = tf.concat([rows, tf.gather(of_sentence, packing.sentence)], -1)  # [M, S, H + Z]
            kernel = tf.concat([kernel, tf.transpose(skip)], -1)  # [V, H + Z]
        words = tf.repeat(targets, tf.shape(rows)[1])  # [M * S]
        flat = tf.reshape(rows, [-1, self.hidden_dim + self.z_dim])
        if self.implementation == "plain":
            logits = tf.matmul(flat, tf.cast(kernel, flat.dtype), transpose_b=True) + tf.cast(bias, flat.dtype)
            scores = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=words, logits=widen(logits))
        else:
            scores = _chunked_log_prob(flat, kernel, bias, words, self.chunk_size, training=training)
        scores = tf.reshape(scores, tf.shape(rows)[:2])  # [M, S]
        return tf.transpose(tf.math.unsorted_segment_sum(scores, packing.sentence, packing.batch))

    def logits_function(self, kernel: tf.Tensor | None = None) -> Callable[..., tf.Tensor]:
        """Returns a function of h [N, H] and, when z_dim is not 0, z [N, Z] that gives E h + U z + b [N, V], float32 or float64.

        The weights change to the compute dtype here, once, and not at every word of a loop that calls the function.

        Args:
          kernel: E, shape [V, H], when tied.
        """
        dtype = self.compute_dtype
        kernel, skip, bias = (None if weight is None else tf.cast(weight, dtype) for weight in self._weights(kernel))

        def logits(hidden: tf.Tensor, z: tf.Tensor | None = None) -> tf.Tensor:
            self._check_z(z)
            values = tf.nn.bias_add(tf.matmul(tf.cast(hidden, dtype), kernel, transpose_b=True), bias)
            return widen(values if skip is None else values + tf.matmul(tf.cast(z, dtype), skip))

        return logits

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "hidden_dim", "z_dim", "tied", "implementation", "chunk_size", "initializer_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _weights(self, kernel: tf.Tensor | None) -> list[Any]:
        """E, U or None, and b, once it is known that E is passed where it should be."""
        if (kernel is not None) != self.tied:
            raise ValueError("the kernel is passed when the softmax is tied, and only then")
        weights = (kernel if self.tied else self.kernel, self.skip_kernel, self.bias)
        return [None if weight is None else tf.convert_to_tensor(weight) for weight in weights]

    def _check_z(self, z: tf.Tensor | None) -> None:
        if self.z_dim and z is None:
            raise ValueError(f"z_dim is {self.z_dim} and z is absent")


def _chunked_log_prob(
    rows: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, words: tf.Tensor, chunk_size: int, *, training: bool
) -> tf.Tensor:
    """Returns log softmax(rows kernel' + bias)[words], shape [N], from rows [N, D], kernel [V, D], bias [V] and words [N].

    Products are made in the dtype of the rows. In training the gradient is formed chunk by chunk beside the values, as if all rows weighed
    the same, which is right up to a factor where they do; otherwise, and outside training, the chunks are projected again for it.
    """
    count = tf.maximum(tf.shape(rows)[0] - 1, 0) // chunk_size + 1  # of chunks; one may be empty

    def part(values: tf.Tensor, chunk: Any) -> tf.Tensor:
        return values[chunk * chunk_size : (chunk + 1) * chunk_size]

    def places(chunk: Any) -> tf.Tensor:
        """Where a chunk's words are in its logits, [n, 2]."""
        observed = part(words, chunk)
        return tf.stack([tf.range(tf.size(observed)), observed], -1)

    @tf.custom_gradient
    def log_prob(rows: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        dtype = rows.dtype
        low_kernel, low_bias = tf.cast(kernel, dtype), tf.cast(bias, dtype)

        def score(chunk: Any, *, rounded: bool) -> tuple[tf.Tensor, tf.Tensor]:
            """A chunk's log-probabilities [n] and its softmax [n, V], which is rounded to the dtype of the rows or at least float32."""
            logits = tf.nn.bias_add(tf.matmul(part(rows, chunk), low_kernel, transpose_b=True), low_bias)
            if not rounded:
                logits = widen(logits)
            softmax, word = tf.nn.softmax(logits), places(chunk)
            probability = widen(tf.gather_nd(softmax, word))

            def through_the_greatest() -> tf.Tensor:
                odds = widen(tf.gather_nd(logits, word)) - widen(tf.reduce_max(logits, -1))
                return odds + tf.math.log(widen(tf.reduce_max(softmax, -1)))

            safe = tf.reduce_all(probability > 1e-30)  # else some would underflow
            return tf.cond(safe, lambda: tf.math.log(probability), through_the_greatest), softmax

        def slope(chunk: Any, softmax: tf.Tensor, weight: tf.Tensor | None) -> tuple[tf.Tensor, ...]:
            """Gradients of minus a chunk's log-probabilities to its rows, and of minus their (weighted) sum to kernel and bias."""
            features = part(rows, chunk)
            # The gradient of the logits. This operation works in place, which tensor_scatter_nd_sub does not.
            surprise = tf.raw_ops.ScatterNdNonAliasingAdd(
                input=tf.cast(softmax, dtype), indices=places(chunk), updates=-tf.ones_like(features[:, 0])
            )
            ones = tf.ones_like(features[:, :1])
            if weight is not None:
                ones = tf.cast(part(weight, chunk), dtype)[:, None]
                features *= ones
            d_kernel, d_bias = tf.matmul(surprise, features, transpose_a=True), tf.matmul(ones, surprise, transpose_a=True)
            return tf.matmul(surprise, low_kernel), widen(d_kernel), widen(d_bias[0])

        def all_scores() -> tf.Tensor:
            scores = tf.TensorArray(widen(bias).dtype, size=count, element_shape=[None], infer_shape=False)
            body = lambda chunk, scores: (chunk + 1, scores.write(chunk, score(chunk, rounded=False)[0]))  # noqa: E731
            return tf.while_loop(lambda chunk, _: chunk < count, body, (0, scores), parallel_iterations=1)[1].concat()

        def scores_and_slopes(weight: tf.Tensor | None) -> list[tf.Tensor]:
            """Log-probabilities [N] and, of all chunks, what `slope` says."""
            scores = tf.TensorArray(widen(bias).dtype, size=count, element_shape=[None], infer_shape=False)
            d_rows = tf.TensorArray(dtype, size=count, element_shape=[None, rows.shape[1]], infer_shape=False)

            def visit(chunk: Any, scores: Any, d_rows: Any) -> tuple:
                of_chunk, softmax = score(chunk, rounded=dtype.size < 4 and _softmax_is_sound(dtype))
                with tf.control_dependencies([of_chunk]):  # they have read the softmax, whose place the gradient takes
                    d_rows_of_chunk, *sums = slope(chunk, softmax, weight)
                return scores.write(chunk, of_chunk), d_rows.write(chunk, d_rows_of_chunk), sums

            def body(chunk: tf.Tensor, scores: Any, d_rows: Any, sums: list[tf.Tensor]) -> tuple:
                scores, d_rows, more = visit(chunk, scores, d_rows)
                return chunk + 1, scores, d_rows, [total + value for total, value in zip(sums, more, strict=True)]

            start = (1, *visit(0, scores, d_rows))  # the first chunk apart: what it makes is what the others add to
            _, scores, d_rows, sums = tf.while_loop(lambda chunk, *_: chunk < count, body, start, parallel_iterations=1)
            return [scores.concat(), d_rows.concat(), *sums]

        scores, *slopes = scores_and_slopes(None) if training else [all_scores()]

        def backward(d_scores: tf.Tensor) -> list[tf.Tensor]:
            def weighted(d_rows: tf.Tensor) -> tf.Tensor:
                """Times -d_scores; that itself is not rounded, since a weight that all rows share would be wrong alike in all of them."""
                return tf.cast(-d_scores[:, None] * widen(d_rows), dtype)

            def scaled() -> list[tf.Tensor]:
                d_rows, *sums = slopes
                return [weighted(d_rows), *(-d_scores[0] * total for total in sums)]

            def again() -> list[tf.Tensor]:
                unit = tf.maximum(tf.reduce_max(tf.abs(d_scores)), tf.cast(1e-30, d_scores.dtype))
                _, d_rows, *sums = scores_and_slopes(d_scores / unit)
                return [weighted(d_rows), *(-unit * total for total in sums)]

            same = tf.equal(tf.reduce_min(d_scores), tf.reduce_max(d_scores))  # not of no rows
            return once_differentiable(tf.cond(same, scaled, again) if training else again(), "softmax")

        return scores, backward

    return log_prob(rows, kernel, bias)


@functools.cache
def _softmax_is_sound(dtype: tf.DType) -> bool:
    """Whether the softmax of half-precision logits is, on this machine, the float32 one up to rounding.

    oneDNN's is, in one pass instead of three with the changes of precision; another might add up thousands of numbers in half precision.
    """
    with tf.init_scope():
        logits = tf.cast(2 * tf.random.stateless_normal([64, 8192], (1, 2)), dtype)
        expected = tf.nn.softmax(widen(logits))
        return bool(tf.reduce_all(tf.abs(widen(tf.function(tf.nn.softmax)(logits)) - expected) <= expected / 128))
