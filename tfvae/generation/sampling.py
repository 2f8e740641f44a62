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
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    max_length: int = 40,
    unknown: bool = False,
) -> tf.Tensor:
    """Draws one sentence for each z, word by word; stops when all have ended.

    Args:
      decoder: with `init(z)` and `step(state, tokens, z)`.
      z: [N, size].
      seed: int32 [2], or [N, 2] where a sentence must not depend on its neighbours.
      temperature: divides the logits.
      top_k: words are drawn from the k most probable ones; 0 for all, 1 for greedy decoding.
      top_p: words are drawn from the fewest that together have at least this probability, of what temperature and top_k leave.
      max_length: most tokens, end of sentence included.
      unknown: whether the unknown word may be drawn. Padding and beginning of sentence never are.

    Returns:
      ids [N, T], T <= max_length, padded after the end of sentence.

    References:
      Fan, Lewis, Dauphin. Hierarchical Neural Story Generation. ACL 2018, section 5.3 (top k).
      Holtzman et al. The Curious Case of Neural Text Degeneration. ICLR 2020, section 3.1 (top p).
    """
    num = tf.shape(z)[0]

    def draw(logits: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(logits, tf.float32) + barred_words(logits.shape[-1], unknown=unknown)
        if top_k == 1:
            return tf.argmax(logits, axis=-1, output_type=tf.int32)
        logits = keep_probable(logits / temperature, top_k=top_k, top_p=top_p)
        uniform = stateless.uniform(tf.shape(logits), stateless.fold(seed, position))
        gumbel = -tf.math.log(-tf.math.log(uniform + 1e-20) + 1e-20)
        return tf.argmax(logits + gumbel, axis=-1, output_type=tf.int32)

    def body(position: tf.Tensor, tokens: tf.Tensor, ended: tf.Tensor, state: Any, written: tf.TensorArray) -> tuple:
        logits, state = decoder.step(state, tokens, z)
        tokens = tf.where(ended, PAD, draw(logits, position))
        return position + 1, tokens, ended | tf.equal(tokens, EOS), state, written.write(position, tokens)

    written = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    start = (tf.constant(0), tf.fill([num], BOS), tf.zeros([num], tf.bool), decoder.init(z), written)
    going = lambda position, tokens, ended, *_: (position < max_length) & ~tf.reduce_all(ended)  # noqa: E731
    *_, written = tf.while_loop(going, body, start)
    return tf.transpose(written.stack())


def barred_words(vocabulary_size: int, *, unknown: bool) -> tf.Tensor:
    """Returns what is added to logits [V] so that padding, the beginning of sentence and, unless asked for, the unknown word never come."""
    return tf.reduce_sum(tf.one_hot([PAD, BOS] if unknown else [PAD, BOS, UNK], vocabulary_size, on_value=-1e9), axis=0)


def keep_probable(logits: tf.Tensor, *, top_k: int = 0, top_p: float = 1.0) -> tf.Tensor:
    """Bars all but the top_k most probable words, and of those all but the fewest that have probability top_p together; logits [N, V]."""
    if top_k and top_k < logits.shape[-1]:
        least = tf.math.top_k(logits, top_k).values[:, -1:]
        logits = tf.where(logits >= least, logits, -1e9)
    if top_p < 1:
        falling = tf.sort(logits, axis=-1, direction="DESCENDING")
        before = tf.cumsum(tf.nn.softmax(falling), axis=-1, exclusive=True)  # the probability of the words before each
        least = tf.reduce_min(tf.where(before < top_p, falling, tf.float32.max), axis=-1, keepdims=True)
        logits = tf.where(logits >= least, logits, -1e9)
    return logits
