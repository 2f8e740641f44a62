"""Drawing sentences word by word."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.tokens import BOS, EOS, PAD, UNK


def sample(
    decoder: keras.layers.Layer,
    z: tf.Tensor,
    seed: tf.Tensor,
    *,
    temperature: float | tf.Tensor = 1.0,
    top_k: int | tf.Tensor = 0,
    top_p: float = 1.0,
    max_length: int = 40,
    unknown: bool = False,
) -> tf.Tensor:
    """Draws one sentence for each z, word by word; stops when all have ended.

    Args:
      decoder: with `init(z)` and `step_function()`.
      z: [N, size].
      seed: int32 [2], or [N, 2] where a sentence must not depend on its neighbours.
      temperature: divides the logits; a number, or [N], one a sentence.
      top_k: words are drawn from the k most probable ones; 0 for all, 1 for greedy decoding; a number, or [N], one a sentence.
      top_p: words are drawn from the fewest that together have at least this probability, of what temperature and top_k leave.
      max_length: most tokens, end of sentence included.
      unknown: whether the unknown word may be drawn. Padding and beginning of sentence never are.

    Returns:
      ids [N, T], T <= max_length, padded after the end of sentence.

    References:
      Fan, Lewis, Dauphin. Hierarchical Neural Story Generation. ACL 2018, section 5.3 (top k).
      Holtzman et al. The Curious Case of Neural Text Degeneration. ICLR 2020, section 3.1 (top p).
    """
    num, advance = tf.shape(z)[0], decoder.step_function()
    noise = stateless.uniform([num, max_length], seed)
    per_row = {name: value for name, value in (("temperature", temperature), ("top_k", top_k)) if tf.is_tensor(value)}

    def draw(logits: tf.Tensor, uniform: tf.Tensor, going: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(logits, tf.float32) + barred_words(logits.shape[-1], unknown=unknown)
        if not per_row and top_k == 1:
            return tf.argmax(logits, axis=-1, output_type=tf.int32)
        settings = {"temperature": temperature, "top_k": top_k, **{name: tf.gather(value, going) for name, value in per_row.items()}}
        divisor = settings["temperature"]
        logits = logits / (divisor[:, tf.newaxis] if tf.is_tensor(divisor) else divisor)
        return inverse_cdf(tf.nn.softmax(keep_probable(logits, top_k=settings["top_k"], top_p=top_p)), uniform)

    def body(position: tf.Tensor, going: tf.Tensor, tokens: tf.Tensor, state: Any, z: tf.Tensor, written: tf.TensorArray) -> tuple:
        """One word on for the sentences that have not ended, whose numbers are `going`: the others cost nothing."""
        logits, state = advance(state, tokens, z)
        tokens = draw(logits, tf.gather(noise[:, position], going), going)
        written = written.write(position, tf.scatter_nd(going[:, tf.newaxis], tokens, [num]))  # PAD where a sentence has ended
        goes_on = tf.reshape(tf.where(tf.not_equal(tokens, EOS)), [-1])
        going, tokens, state, z = tf.nest.map_structure(lambda value: tf.gather(value, goes_on), (going, tokens, state, z))
        return position + 1, going, tokens, state, z, written

    written = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    start = (tf.constant(0), tf.range(num), tf.fill([num], BOS), decoder.init(z), z, written)
    rows = tf.nest.map_structure(lambda value: tf.TensorShape([None, *value.shape[1:]]), start[1:-1])
    shapes = (tf.TensorShape([]), *rows, tf.TensorShape(None))
    *_, written = tf.while_loop(
        lambda position, going, *_: (position < max_length) & (tf.size(going) > 0), body, start, shape_invariants=shapes
    )
    return tf.transpose(written.stack())


_BLOCK = 128


def inverse_cdf(probabilities: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """Returns the first index at which the cumulative probability exceeds `uniform`: shape [N], int32, from [N, V] and [N].

    Nothing of probability 0 is ever returned. The block in which the index lies is found first, so that only it is accumulated.
    """
    below_one = 1 - 2.0**-22  # keeps rounded products within the sum
    padded = tf.pad(probabilities, [[0, 0], [0, -probabilities.shape[1] % _BLOCK]])
    blocks = tf.reshape(padded, [tf.shape(padded)[0], padded.shape[1] // _BLOCK, _BLOCK])
    until = tf.cumsum(tf.reduce_sum(blocks, -1), axis=-1)  # [N, V / block]
    level = tf.minimum(uniform, below_one) * until[:, -1]
    block = _first_above(until, level)
    inner = tf.cumsum(tf.gather(blocks, block, batch_dims=1), axis=-1)
    before = tf.gather(tf.pad(until, [[0, 0], [1, 0]]), block, batch_dims=1)
    return block * _BLOCK + _first_above(inner, tf.minimum(level - before, inner[:, -1] * below_one))


def _first_above(rising: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """The index of the first of rising numbers [N, K] that is above a level [N]."""
    return tf.reduce_sum(tf.cast(rising <= level[:, tf.newaxis], tf.int32), -1)


def barred_words(vocabulary_size: int, *, unknown: bool) -> tf.Tensor:
    """Returns what is added to logits [V] so that padding, the beginning of sentence and, unless asked for, the unknown word never come."""
    return tf.reduce_sum(tf.one_hot([PAD, BOS] if unknown else [PAD, BOS, UNK], vocabulary_size, on_value=-1e9), axis=0)


def keep_probable(logits: tf.Tensor, *, top_k: int | tf.Tensor = 0, top_p: float = 1.0) -> tf.Tensor:
    """Bars all but the top_k most probable words, and of those all but the fewest that have probability top_p together; logits [N, V]."""
    if tf.is_tensor(top_k):
        logits = tf.where(logits >= _least_kept(logits, top_k)[:, tf.newaxis], logits, logits.dtype.min)
    elif top_k and top_k < logits.shape[-1]:
        least = tf.math.top_k(logits, top_k).values[:, -1:]
        logits = tf.where(logits >= least, logits, logits.dtype.min)
    if top_p < 1:
        falling = tf.sort(logits, axis=-1, direction="DESCENDING")
        before = tf.cumsum(tf.nn.softmax(falling), axis=-1, exclusive=True)  # the probability of the words before each
        least = tf.reduce_min(tf.where(before < top_p, falling, tf.float32.max), axis=-1, keepdims=True)
        logits = tf.where(logits >= least, logits, logits.dtype.min)
    return logits


def _least_kept(logits: tf.Tensor, top_k: tf.Tensor) -> tf.Tensor:
    """The least logit of the k most probable words of each row, [N], for k [N]; below all of them where k is 0 or above V."""
    size = logits.shape[-1]
    kept = (top_k > 0) & (top_k < size)

    def search() -> tf.Tensor:
        most = tf.reduce_max(tf.where(kept, top_k, 1))
        falling = tf.math.top_k(logits, most).values
        return tf.gather(falling, tf.where(kept, top_k, 1) - 1, batch_dims=1)

    found = tf.cond(tf.reduce_any(kept), search, lambda: tf.zeros(tf.shape(top_k), logits.dtype))
    return tf.where(kept, found, logits.dtype.min)
