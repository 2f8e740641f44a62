"""Ancestral sampling."""

from typing import Any

import keras
import tensorflow as tf

from tfvae import stateless
from tfvae.tokens import BOS, EOS, PAD, UNK


def ancestral_sample(
    decoder: keras.layers.Layer, z: tf.Tensor, seed: tf.Tensor, *, max_length: int = 40, temperature: float = 1.0, unknown: bool = False
) -> tf.Tensor:
    """Draws one sentence for each z, word by word; stops when all have ended.

    Args:
      decoder: with `init(z)` and `step(state, tokens, z)`.
      z: [N, size].
      seed: int32 [2], or [N, 2] where a sentence must not depend on its neighbours.
      max_length: most tokens, end of sentence included.
      temperature: divides the logits; 0 takes the most probable word.
      unknown: whether the unknown word may be drawn. Padding and beginning of sentence never are.

    Returns:
      ids [N, T], T <= max_length, padded after the end of sentence.
    """
    num = tf.shape(z)[0]

    def draw(logits: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
        barred = tf.reduce_sum(tf.one_hot([PAD, BOS] if unknown else [PAD, BOS, UNK], logits.shape[-1], on_value=-1e9), axis=0)
        logits = tf.cast(logits, tf.float32) + barred
        if temperature:
            uniform = stateless.uniform(tf.shape(logits), stateless.fold(seed, position))
            logits = logits / temperature - tf.math.log(-tf.math.log(uniform + 1e-20) + 1e-20)
        return tf.argmax(logits, axis=-1, output_type=tf.int32)

    def body(position: tf.Tensor, tokens: tf.Tensor, ended: tf.Tensor, state: Any, written: tf.TensorArray) -> tuple:
        logits, state = decoder.step(state, tokens, z)
        tokens = tf.where(ended, PAD, draw(logits, position))
        return position + 1, tokens, ended | tf.equal(tokens, EOS), state, written.write(position, tokens)

    written = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[None])
    start = (tf.constant(0), tf.fill([num], BOS), tf.zeros([num], tf.bool), decoder.init(z), written)
    going = lambda position, tokens, ended, *_: (position < max_length) & ~tf.reduce_all(ended)  # noqa: E731
    *_, written = tf.while_loop(going, body, start)
    return tf.transpose(written.stack())
