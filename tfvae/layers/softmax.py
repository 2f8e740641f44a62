"""Cross-entropy over the vocabulary, for the positions that are not padding."""

import random
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tfvae.layers.gru import check_implementation, once_differentiable, uniform_initializer


@keras.saving.register_keras_serializable(package="tfvae")
class VocabularySoftmax(keras.layers.Layer):
    """log p(word) = log softmax(E h + U z + b), b always and U, when z_dim is not 0, owned by the layer.

    Args:
      vocabulary_size: V.
      hidden_dim: H.
      z_dim: Z, size of the z that enters the logits; 0: none does.
      tied: E, shape [V, H], is passed at every call instead of owned.
      implementation: "fast": only positions that are not padding, logits and gradients formed chunk by chunk, differentiable once; "plain":
        all positions at once by automatic differentiation.
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
        self, hidden: tf.Tensor, targets: tf.Tensor, length: tf.Tensor, z: tf.Tensor | None = None, kernel: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the log-probability of each sentence, shape [S, B], nats.

        Args:
          hidden: h before each word, shape [S, B, T, H].
          targets: ids of the words, shape [B, T].
          length: words of each sentence, shape [B].
          z: shape [S, B, Z], when z_dim is not 0.
          kernel: E, shape [V, H], when tied.
        """
        kernel, skip, bias = self._weights(z, kernel)
        hidden = tf.cast(hidden, self.compute_dtype)
        z = None if skip is None else tf.cast(z, self.compute_dtype)
        mask = tf.sequence_mask(length, tf.shape(targets)[1])  # [B, T]
        score = self._packed if self.implementation == "fast" else self._padded
        return score(hidden, targets, mask, z, kernel, skip, bias)

    def logits(self, hidden: tf.Tensor, z: tf.Tensor | None = None, kernel: tf.Tensor | None = None) -> tf.Tensor:
        """Returns E h + U z + b, shape [N, V], float32 or float64, from hidden [N, H], z [N, Z] and, when tied, E [V, H]."""
        kernel, skip, bias = self._weights(z, kernel)
        logits = tf.matmul(tf.cast(hidden, self.compute_dtype), kernel, transpose_b=True) + bias
        if skip is not None:
            logits += tf.matmul(tf.cast(z, self.compute_dtype), skip)
        return _widen(logits)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("vocabulary_size", "hidden_dim", "z_dim", "tied", "implementation", "chunk_size", "initializer_range", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _weights(self, z: tf.Tensor | None, kernel: tf.Tensor | None) -> list[Any]:
        """E, U or None, and b in the compute dtype, once it is known that what the arguments should hold is there."""
        if (kernel is not None) != self.tied:
            raise ValueError("the kernel is passed when the softmax is tied, and only then")
        if self.z_dim and z is None:
            raise ValueError(f"z_dim is {self.z_dim} and z is absent")
        weights = (kernel if self.tied else self.kernel, self.skip_kernel, self.bias)
        return [None if weight is None else tf.cast(weight, self.compute_dtype) for weight in weights]

    def _padded(
        self, hidden: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor, z: Any, kernel: tf.Tensor, skip: Any, bias: tf.Tensor
    ) -> tf.Tensor:
        logits = tf.tensordot(hidden, tf.transpose(kernel), 1) + bias  # [S, B, T, V]
        if skip is not None:
            logits += tf.tensordot(z, skip, 1)[:, :, None]
        targets = tf.broadcast_to(targets, tf.shape(logits)[:3])
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=_widen(logits))
        return -tf.reduce_sum(tf.where(mask, loss, tf.zeros_like(loss)), -1)

    def _packed(
        self, hidden: tf.Tensor, targets: tf.Tensor, mask: tf.Tensor, z: Any, kernel: tf.Tensor, skip: Any, bias: tf.Tensor
    ) -> tf.Tensor:
        samples, batch = tf.shape(hidden)[0], tf.shape(hidden)[1]
        position = tf.reshape(tf.where(tf.reshape(mask, [-1])), [-1])  # [M], where M positions are not padding
        sentence = tf.gather(tf.repeat(tf.range(batch), tf.shape(mask)[1]), position)  # [M]
        rows = tf.gather(tf.reshape(hidden, [samples, -1, self.hidden_dim]), position, axis=1)  # [S, M, H]
        if skip is not None:
            # Widening rows that are packed by z costs less than adding U z to logits, V wide.
            rows = tf.concat([rows, tf.gather(z, sentence, axis=1)], -1)  # [S, M, H + Z]
            kernel = tf.concat([kernel, tf.transpose(skip)], -1)  # [V, H + Z]
        words = tf.tile(tf.gather(tf.reshape(targets, [-1]), position), [samples])  # [S * M]
        rows = tf.reshape(rows, [-1, self.hidden_dim + self.z_dim])
        scores = _chunked_log_prob(rows, kernel, bias, words, self.chunk_size)  # [S * M]
        scores = tf.transpose(tf.reshape(scores, [samples, -1]))  # [M, S]
        return tf.transpose(tf.math.unsorted_segment_sum(scores, sentence, batch))


def _chunked_log_prob(rows: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, words: tf.Tensor, chunk_size: int) -> tf.Tensor:
    """Returns log softmax(rows kernel' + bias)[words], shape [N], from rows [N, D], kernel [V, D], bias [V] and words [N].

    At most two chunks of logits exist at a time. The last chunk's softmax is kept for the gradient, so that what fits in one chunk is
    computed once; the others' are computed again.
    """
    last = tf.maximum(tf.shape(rows)[0] - 1, 0) // chunk_size  # the number of the last chunk

    def part(values: tf.Tensor, chunk: tf.Tensor) -> tf.Tensor:
        return values[chunk * chunk_size : (chunk + 1) * chunk_size]

    def score(rows: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, chunk: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """A chunk's log-probabilities [n], and its softmax as numerators [n, V] and 1 / denominator [n, 1]."""
        logits = _widen(tf.matmul(part(rows, chunk), kernel, transpose_b=True) + bias)
        top = tf.reduce_max(logits, -1)
        numerators = tf.exp(logits - top[:, None])
        denominator = tf.reduce_sum(numerators, -1)
        log_prob = tf.gather(logits, part(words, chunk), batch_dims=1) - top - tf.math.log(denominator)
        return log_prob, tf.cast(numerators, rows.dtype), tf.cast(1 / denominator, rows.dtype)[:, None]

    @tf.custom_gradient
    def log_prob(rows: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def forward(chunk: tf.Tensor, scores: tf.TensorArray) -> tuple:
            return chunk + 1, scores.write(chunk, score(rows, kernel, bias, chunk)[0])

        scores = tf.TensorArray(_widen(bias).dtype, size=last + 1, element_shape=[None], infer_shape=False)
        _, scores = tf.while_loop(lambda chunk, _: chunk < last, forward, (0, scores), parallel_iterations=1)
        score_of_last, numerators, inverse = score(rows, kernel, bias, last)
        scores = scores.write(last, score_of_last)

        def backward(d_scores: tf.Tensor) -> list[tf.Tensor]:
            weight = tf.cast(d_scores, rows.dtype)[:, None]  # [N, 1]
            weighted = weight * rows  # [N, D]

            # d log p = d logit of the word - softmax . d logits. No pass over [n, V] scales or shifts: weights go to what is D wide.
            def expected(chunk: Any, numerators: tf.Tensor, inverse: tf.Tensor, d_rows: Any, d_kernel: Any, d_bias: Any) -> tuple:
                d_rows = d_rows.write(chunk, inverse * tf.matmul(numerators, kernel))
                d_kernel += _widen(tf.matmul(numerators, inverse * part(weighted, chunk), transpose_a=True))
                d_bias += _widen(tf.matmul(numerators, inverse * part(weight, chunk), transpose_a=True))
                return d_rows, d_kernel, d_bias

            def body(chunk: tf.Tensor, d_rows: Any, d_kernel: Any, d_bias: Any) -> tuple:
                _, numerators, inverse = score(rows, kernel, bias, chunk)
                return chunk + 1, *expected(chunk, numerators, inverse, d_rows, d_kernel, d_bias)

            d_rows = tf.TensorArray(rows.dtype, size=last + 1, element_shape=[None, rows.shape[1]], infer_shape=False)
            sums = [tf.zeros_like(_widen(values)) for values in (kernel, bias[:, None])]
            start = (0, *expected(last, numerators, inverse, d_rows, *sums))
            _, d_rows, *sums = tf.while_loop(lambda chunk, *_: chunk < last, body, start, parallel_iterations=1)
            d_rows = weight * (tf.gather(kernel, words) - d_rows.concat())
            observed = [tf.math.unsorted_segment_sum(_widen(values), words, kernel.shape[0]) for values in (weighted, weight)]
            d_kernel, d_bias = (tf.cast(mine - other, rows.dtype) for mine, other in zip(observed, sums, strict=True))
            return once_differentiable([d_rows, d_kernel, d_bias[:, 0]], "softmax")

        return scores.concat(), backward

    return log_prob(rows, kernel, bias)


def _widen(logits: tf.Tensor) -> tf.Tensor:
    """Half precision to float32: the normaliser sums over the whole vocabulary."""
    return tf.cast(logits, tf.float32) if logits.dtype.size < 4 else logits
