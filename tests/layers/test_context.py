import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.data.turn import Said, alternating
from tfvae.data.vocabulary import Vocabulary
from tfvae.layers.context import ContextEncoder
from tfvae.modalities.turns import Turns

TURNS = Turns(Vocabulary(["a", "b", "c", "d"]), context=60)
CONTEXTS = [alternating(["a b", "c", "a a d"]), (), alternating(["b c d"]), alternating(["c a"] * 50)]


@pytest.fixture(scope="module")
def encoder():
    return ContextEncoder(8, embedding_dim=3, turn_dim=4, context_dim=5, implementation="plain", dtype="float64")


def test_a_conversation_is_read_alike_whatever_it_is_beside(encoder):
    together = encoder(TURNS.contexts(CONTEXTS))
    assert together.memory.shape == (4, 50, 5) and together.mask.numpy().sum(1).tolist() == [3, 0, 1, 50]
    for row, context in enumerate(CONTEXTS):
        alone = encoder(TURNS.contexts([context]))
        np.testing.assert_allclose(alone.summary[0], together.summary[row], atol=1e-12)
        count = len(context)
        np.testing.assert_allclose(alone.memory[0, :count], together.memory[row, :count], atol=1e-12)
        if count:
            np.testing.assert_allclose(together.memory[row, count - 1], together.summary[row], atol=1e-12)
    padded = {name: tf.pad(value, [[0, 0], [0, 2], [0, 3]][: value.shape.rank]) for name, value in TURNS.contexts(CONTEXTS).items()}
    np.testing.assert_allclose(encoder(padded).summary, together.summary, atol=1e-12)


def test_nothing_said_before_is_zeros(encoder):
    read, empty = encoder(TURNS.contexts([(), ()])), encoder.empty(2)
    assert not np.any(read.summary) and not np.any(read.mask)
    assert empty.summary.shape == (2, 5) and not np.any(empty.summary) and empty.memory.shape == (2, 0, 5)


def test_who_said_it_their_order_and_their_words_matter(encoder):
    contexts = [(Said("a", False), Said("b", True)), (Said("a", True), Said("b", True)), (Said("b", False), Said("a", True))]
    contexts += [
        (Said("a", False), Said("b", True), Said("c", False)),
        (Said("a b", False), Said("b", True)),
        (Said("b a", False), Said("b", True)),
    ]
    summaries = encoder(TURNS.contexts(contexts)).summary.numpy()
    apart = np.abs(summaries[:, None] - summaries).max(-1) + np.eye(len(contexts))
    assert apart.min() > 1e-6


def test_both_implementations_have_the_same_gradient():
    batch = TURNS.contexts(CONTEXTS[:3])
    found = []
    for implementation in ("plain", "fast"):
        layer = ContextEncoder(8, embedding_dim=3, turn_dim=4, context_dim=5, implementation=implementation, dtype="float64", seed=3)
        with tf.GradientTape() as tape:
            context = layer(batch, tf.constant([0, 1]))
            loss = tf.reduce_sum(context.summary**2) + tf.reduce_sum(tf.sin(context.memory))
        found.append(tape.gradient(loss, layer.trainable_variables))
    for plain, fast in zip(*found, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(plain), tf.convert_to_tensor(fast), rtol=1e-9, atol=1e-12)
        assert np.any(tf.convert_to_tensor(plain))


def test_it_is_made_again_from_its_configuration(encoder):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(encoder))
    batch = TURNS.contexts(CONTEXTS[:1])
    np.testing.assert_array_equal(again(batch).summary, encoder(batch).summary)
