"""Searching for the most probable sentence."""

from typing import Any

import keras
import tensorflow as tf

from tfvae.generation.sampling import barred_words
from tfvae.tokens import BOS, EOS, PAD

_NEVER = -1e9  # log-probability of what cannot be


def beam_search(
    decoder: keras.layers.Layer, z: tf.Tensor, *, width: int, length_penalty: float = 0.0, max_length: int = 40, unknown: bool = False
) -> tuple[tf.Tensor, tf.Tensor]:
    """Follows `width` hypotheses of each z, ended ones among them, until all of them have ended.

    The search is monotonic: the hypotheses are ranked, and number i continues one of the first i. So a wider beam holds all hypotheses of a
    narrower one and never scores worse, as an ordinary beam may. A width of 1 is greedy decoding.

    Args:
      decoder: with `init(z)`, `step_function()` and `vocabulary_size`.
      z: [N, size].
      width: hypotheses W a sentence.
      length_penalty: hypotheses are ranked by log p / ((5 + length) / 6)^length_penalty.
      max_length: most tokens, end of sentence included.
      unknown: whether the unknown word may be written.

    Returns:
      ids [N, T] of the best hypothesis, padded after the end of sentence, and its log p(x|z) [N], nats.

    References:
      Lemons et al. Beam Search: Faster and Monotonic. ICAPS 2022, section 4.
      Wu et al. Google's Neural Machine Translation System. 2016, equation 14 (length penalty).
    """
    branches = min(width, decoder.vocabulary_size)
    num = tf.shape(z)[0]
    rows = tf.repeat(z, width, axis=0)  # [N * W, size]
    advance = decoder.step_function()
    barred = barred_words(decoder.vocabulary_size, unknown=unknown)

    def rank(log_prob: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
        return log_prob / ((5 + tf.cast(length, tf.float32)) / 6) ** length_penalty

    def choose(state: Any, tokens: tf.Tensor, log_prob: tf.Tensor, ended: tf.Tensor, length: tf.Tensor) -> tuple:
        """The W hypotheses one word on: their parents [N, W], words [N, W], log-probabilities, lengths, and the decoder's next state."""
        logits, state = advance(state, tf.reshape(tokens, [-1]), rows)
        words = tf.nn.log_softmax(tf.cast(logits, tf.float32)) + barred
        best = tf.math.top_k(words, branches)  # no more continuations of one hypothesis can be among W
        step, word = (tf.reshape(value, [num, width, branches]) for value in (best.values, best.indices))
        # An ended hypothesis goes on as itself, once.
        stay = tf.one_hot(0, branches, on_value=0.0, off_value=_NEVER)
        step = tf.where(ended[..., tf.newaxis], stay, step)
        word = tf.where(ended[..., tf.newaxis], PAD, word)
        new_length = tf.where(ended, length, length + 1)
        total = log_prob[..., tf.newaxis] + step
        chosen = _choose_in_turn(rank(total, new_length[..., tf.newaxis]))
        parent = chosen // branches
        pick = lambda value: tf.gather(tf.reshape(value, [num, width * branches]), chosen, batch_dims=1)  # noqa: E731
        return parent, pick(word), pick(total), tf.gather(new_length, parent, batch_dims=1), state

    def body(
        position: tf.Tensor, tokens: tf.Tensor, log_prob: tf.Tensor, ended: tf.Tensor, length: tf.Tensor, state: Any, written: tf.Tensor
    ) -> tuple:
        parent, tokens, log_prob, length, state = choose(state, tokens, log_prob, ended, length)
        row = tf.reshape(parent + tf.range(num)[:, tf.newaxis] * width, [-1])
        state = tf.nest.map_structure(lambda value: tf.gather(value, row), state)
        ended = tf.gather(ended, parent, batch_dims=1) | tf.equal(tokens, EOS)
        written = tf.concat([tf.gather(written, parent, batch_dims=1), tokens[..., tf.newaxis]], axis=-1)
        return position + 1, tokens, log_prob, ended, length, state, written

    # All but the first hypothesis begin as impossible, so that the first step does not choose the same word W times.
    log_prob = tf.tile(tf.one_hot([0], width, on_value=0.0, off_value=_NEVER), [num, 1])
    start = (
        tf.constant(0),
        tf.fill([num, width], BOS),
        log_prob,
        tf.zeros([num, width], tf.bool),
        tf.zeros([num, width], tf.int32),
        decoder.init(rows),
        tf.zeros([num, width, 0], tf.int32),
    )
    # The body's shapes are known less well than those it begins with, where the number of sentences is fixed.
    shapes = tf.nest.map_structure(lambda value: tf.TensorShape([None] * min(1, len(value.shape)) + value.shape[1:]), start)
    going = lambda position, tokens, log_prob, ended, *_: (position < max_length) & ~tf.reduce_all(ended)  # noqa: E731
    shapes = (*shapes[:-1], tf.TensorShape([None, width, None]))
    _, _, log_prob, _, length, _, written = tf.while_loop(going, body, start, shape_invariants=shapes)
    best = tf.argmax(rank(log_prob, length), axis=1)
    return tf.gather(written, best, batch_dims=1), tf.gather(log_prob, best, batch_dims=1)


def _choose_in_turn(score: tf.Tensor) -> tf.Tensor:
    """Lets hypothesis i = 0, 1, … take the best continuation of hypotheses 0 … i that is left.

    Args:
      score: of each continuation of each hypothesis, [N, W, K].

    Returns:
      the continuations' numbers, in N's flattened [W * K], int32 [N, W].
    """
    width, branches = score.shape[1:]
    left, chosen = tf.reshape(score, [-1, width * branches]), []
    for i in range(width):
        best = tf.argmax(left[:, : (i + 1) * branches], axis=1, output_type=tf.int32)
        left = tf.where(tf.one_hot(best, width * branches, on_value=True, off_value=False), left.dtype.min, left)
        chosen.append(best)
    return tf.stack(chosen, axis=1)
