import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.layers import gru
from tfvae.layers.gru import GRU

B, T, D, C, H = 4, 6, 3, 2, 5
LENGTH = tf.constant([6, 1, 3, 0], tf.int32)


def inputs(samples, shared, seed=0):
    rng = np.random.default_rng(seed)
    shapes = ((1 if shared else samples, B, T, D), (samples, B, C), (samples, B, H))
    return [tf.constant(rng.normal(size=shape)) for shape in shapes]


def pair(**options):
    layers = [
        GRU(H, input_dim=D, implementation=name, initializer_range=0.7, seed=3, dtype="float64", **options) for name in ("fast", "plain")
    ]
    return layers


def with_gradients(layer, x, context, state):
    """Values and all gradients of a function of everything that the layer returns."""
    with tf.GradientTape() as tape:
        watched = [v for v in (x, context, state) if v is not None]
        tape.watch(watched)
        outputs, final = layer(x, LENGTH, context=context, initial_state=state, training=True)
        # Weights that tell all axes apart.
        slope = tf.reshape(tf.sin(tf.range(tf.size(outputs), dtype=tf.float64)), tf.shape(outputs))
        loss = tf.reduce_sum(outputs**2 * slope) + tf.reduce_sum(tf.sin(final) * slope[:, :, 0])
    return [outputs, final, *tape.gradient(loss, watched + [w.value for w in layer.trainable_variables])]


@pytest.mark.parametrize(("samples", "shared", "has_context", "has_state"), list(itertools.product((1, 3), *[(True, False)] * 3)))
@pytest.mark.parametrize("graph", [True, False])
def test_fast_equals_plain_in_values_and_gradients(samples, shared, has_context, has_state, graph):
    fast, plain = pair(context_dim=C if has_context else 0)
    x, context, state = inputs(samples, shared)
    context, state = context if has_context else None, state if has_state else None
    run = tf.function(with_gradients) if graph else with_gradients
    for value, expected in zip(run(fast, x, context, state), run(plain, x, context, state), strict=True):
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("samples", "shared", "has_context", "has_state"), list(itertools.product((1, 3), *[(True, False)] * 3)))
def test_the_path_for_a_gpu_equals_plain(samples, shared, has_context, has_state, monkeypatch):
    """Run where there is none: Keras then computes by itself what cuDNN would."""
    monkeypatch.setattr(gru, "on_gpu", lambda: True)
    fast, plain = pair(context_dim=C if has_context else 0)
    assert len(fast.weights) == 3
    x, context, state = inputs(samples, shared)
    context, state = context if has_context else None, state if has_state else None
    expected = with_gradients(plain, x, context, state)
    for run in (with_gradients, tf.function(with_gradients)):
        for value, other in zip(run(fast, x, context, state), expected, strict=True):
            np.testing.assert_allclose(value, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("implementation", ["fast", "plain"])
def test_equals_keras_gru_on_token_and_context(implementation):
    layer = GRU(H, input_dim=D, context_dim=C, implementation=implementation, initializer_range=0.7, dtype="float64")
    x, context, state = inputs(2, shared=True)
    peer = keras.layers.GRU(H, reset_after=True, return_sequences=True, return_state=True, dtype="float64")
    peer.build((None, None, D + C))
    peer.set_weights(layer.get_weights())
    outputs, final = layer(x, LENGTH, context=context, initial_state=state, training=True)
    mask = tf.sequence_mask(LENGTH, T)
    for sample in range(2):
        both = tf.concat([x[0], tf.repeat(context[sample][:, None], T, axis=1)], -1)
        expected, expected_final = peer(both, mask=mask, initial_state=state[sample])
        np.testing.assert_allclose(final[sample], expected_final, atol=1e-12)
        np.testing.assert_allclose(outputs[sample][mask], expected[mask], atol=1e-12)


def test_step_equals_call():
    layer = pair(context_dim=C)[0]
    x, context, state = inputs(1, shared=True)
    outputs, _ = layer(x, tf.fill([B], T), context=context, initial_state=state, training=True)
    state = state[0]
    for t in range(T):
        state = layer.step_function()(x[0, :, t], state, context[0])
        np.testing.assert_allclose(state, outputs[0, :, t], atol=1e-12)


@pytest.mark.parametrize("implementation", ["fast", "plain"])
def test_padding_changes_nothing(implementation):
    layer = GRU(H, input_dim=D, implementation=implementation, dtype="float64")
    x, _, state = inputs(1, shared=True)

    def run(x):
        with tf.GradientTape() as tape:
            outputs, final = layer(x, LENGTH, initial_state=state, training=True)
            loss = tf.reduce_sum(tf.where(tf.sequence_mask(LENGTH, tf.shape(x)[2])[..., None], outputs, 0)) + tf.reduce_sum(final)
        return [outputs[:, :, :T], final, *tape.gradient(loss, [w.value for w in layer.trainable_variables])]

    padded = tf.concat([x, tf.fill([1, B, 4, D], tf.constant(9.0, tf.float64))], 2)
    for value, expected in zip(run(padded), run(x), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-12)
    assert np.array_equal(run(x)[1][:, 3], state[:, 3])  # a sentence without steps keeps its initial state


def test_plain_is_twice_differentiable():
    layer = pair()[1]
    x, _, state = inputs(2, shared=False)
    direction = tf.constant(np.random.default_rng(5).normal(size=x.shape))

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs, final = layer(x, LENGTH, initial_state=state, training=True)
            loss = tf.reduce_sum(outputs**3) + tf.reduce_sum(final**2)
        return tape.gradient(loss, x)

    @tf.function
    def product(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            slope = tf.reduce_sum(gradient(x) * direction)
        return tape.gradient(slope, x)

    step = 1e-5
    expected = (gradient(x + step * direction) - gradient(x - step * direction)) / (2 * step)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(product(x), expected, atol=1e-7)


def test_second_derivative_of_the_fast_path_is_an_error():
    layer = pair()[0]
    x, _, state = inputs(1, shared=True)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(layer(x, LENGTH, initial_state=state, training=True)[0])
        slope = tf.reduce_sum(inner.gradient(loss, x) ** 2)
    with pytest.raises(LookupError, match="plain"):
        outer.gradient(slope, x)


def test_runs_in_a_graph_of_unknown_sizes():
    layer = GRU(H, input_dim=D, context_dim=C)
    x, context, state = (tf.cast(value, tf.float32) for value in inputs(3, shared=True))
    signature = [tf.TensorSpec([None, None, None, D]), tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None, C])]

    @tf.function(input_signature=[*signature, tf.TensorSpec([None, None, H])])
    def run(x, length, context, state):
        with tf.GradientTape() as tape:
            outputs, final = layer(x, length, context=context, initial_state=state, training=True)
            loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(final)
        return [outputs, *tape.gradient(loss, [w.value for w in layer.trainable_variables])]

    eager = run.python_function(x, LENGTH, context, state)
    for value, expected in zip(run(x, LENGTH, context, state), eager, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


def test_same_seed_gives_same_weights_and_config_round_trips():
    layer = GRU(H, input_dim=D, context_dim=C, seed=4)
    twin = GRU.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    for value, expected in zip(twin.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
    assert np.any(GRU(H, input_dim=D, context_dim=C, seed=5).get_weights()[0] != layer.get_weights()[0])


def test_context_must_match_context_dim():
    x, context, _ = inputs(1, shared=True)
    with pytest.raises(ValueError, match="context_dim is 0 and context is given"):
        pair()[0](x, LENGTH, context=context)
    with pytest.raises(ValueError, match="'quick'"):
        GRU(H, input_dim=D, implementation="quick")
