import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from tfvae.layers import softmax
from tfvae.layers.softmax import VocabularySoftmax

S, B, T, H, Z, V = 3, 4, 5, 6, 2, 11
LENGTH = tf.constant([5, 1, 3, 0], tf.int32)  # S * 9 = 27 positions that are not padding


def layer_of(implementation, *, skip, tied, chunk_size=2048, dtype="float64"):
    layer = VocabularySoftmax(
        V,
        hidden_dim=H,
        z_dim=Z if skip else 0,
        tied=tied,
        implementation=implementation,
        chunk_size=chunk_size,
        initializer_range=1.0,
        dtype=dtype,
    )
    layer.bias.assign(np.linspace(-1, 1, V))
    return layer


def inputs(skip, tied):
    rng = np.random.default_rng(0)
    hidden, z, kernel = (tf.constant(rng.normal(size=shape)) for shape in ((S, B, T, H), (S, B, Z), (V, H)))
    targets = tf.constant(rng.integers(0, V, (B, T)), tf.int32)
    return hidden, targets, z if skip else None, kernel if tied else None


def with_gradients(layer, hidden, targets, z, kernel, training=False, uniform=False):
    with tf.GradientTape() as tape:
        watched = [v for v in (hidden, z, kernel) if v is not None]
        tape.watch(watched)
        scores = layer.log_prob(hidden, targets, LENGTH, z, kernel, training=training)
        loss = -3 * tf.reduce_mean(scores) if uniform else tf.reduce_sum(tf.sin(scores) * np.arange(1, S * B + 1.0).reshape(S, B))
    return [scores, *tape.gradient(loss, watched + [w.value for w in layer.trainable_variables])]


@pytest.mark.parametrize(("skip", "tied", "graph"), list(itertools.product(*[(True, False)] * 3)))
@pytest.mark.parametrize(("training", "uniform"), list(itertools.product(*[(True, False)] * 2)))
@pytest.mark.parametrize("chunk_size", [4, 9, 2048])
def test_fast_equals_plain_in_values_and_gradients(skip, tied, graph, training, uniform, chunk_size):
    fast, plain = layer_of("fast", skip=skip, tied=tied, chunk_size=chunk_size), layer_of("plain", skip=skip, tied=tied)
    arguments = (*inputs(skip, tied), training, uniform)
    run = tf.function(with_gradients) if graph else with_gradients
    for value, expected in zip(run(fast, *arguments), run(plain, *arguments), strict=True):
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("implementation", ["fast", "plain"])
def test_log_prob_is_the_sum_of_log_softmax(implementation):
    layer = layer_of(implementation, skip=True, tied=False, chunk_size=4)
    hidden, targets, z, _ = inputs(True, False)
    kernel, skip, bias = layer.get_weights()
    h, targets, z = (value.numpy() for value in (hidden, targets, z))
    expected = np.zeros([S, B])
    for s, b in itertools.product(range(S), range(B)):
        for t in range(LENGTH[b]):
            expected[s, b] += log_softmax(kernel @ h[s, b, t] + z[s, b] @ skip + bias)[targets[b, t]]
    np.testing.assert_allclose(layer.log_prob(hidden, targets, LENGTH, z), expected, atol=1e-12)
    logits = kernel @ h[1, 2, 0] + z[1, 2] @ skip + bias
    np.testing.assert_allclose(layer.logits_function()(hidden[1, :, 0], z[1])[2], logits, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("scale", "uniform"), [(1, True), (1, False), (1e3, True)])
def test_fast_equals_plain_in_float32(training, uniform, scale):
    """Also where most probabilities underflow."""
    hidden, targets, z, _ = inputs(True, False)
    arguments = (scale * tf.cast(hidden, tf.float32), targets, tf.cast(z, tf.float32), None, training, uniform)
    fast, plain = (
        with_gradients(layer_of(name, skip=True, tied=False, chunk_size=4, dtype="float32"), *arguments) for name in ("fast", "plain")
    )
    assert fast[0].numpy().min() < -40 * scale / 3
    for value, expected in zip(fast, plain, strict=True):
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_batch_of_empty_sentences_scores_zero():
    layer = layer_of("fast", skip=True, tied=False)
    hidden, targets, z, _ = inputs(True, False)
    with tf.GradientTape() as tape:
        scores = layer.log_prob(hidden, targets, tf.zeros([B], tf.int32), z)
        loss = tf.reduce_sum(scores)
    np.testing.assert_array_equal(scores, np.zeros([S, B]))
    np.testing.assert_array_equal(tape.gradient(loss, layer.kernel.value), np.zeros([V, H]))


def test_no_tensor_of_the_fast_path_holds_the_logits_of_all_positions():
    """A batch whose logits would need 40 GB."""
    layer = VocabularySoftmax(50_000, hidden_dim=1, chunk_size=8)
    hidden, targets = tf.zeros([500, 20, 20, 1]), tf.zeros([20, 20], tf.int32)
    run = tf.function(lambda hidden, targets, length: layer.log_prob(hidden, targets, length))
    scores = run(hidden, targets, tf.constant([1] + [0] * 19))
    np.testing.assert_allclose(scores[:, 0], -np.log(50_000), rtol=1e-4)


@pytest.mark.parametrize(("training", "uniform"), list(itertools.product(*[(True, False)] * 2)))
@pytest.mark.parametrize("sound", [True, False])
def test_half_precision_is_normalised_in_float32(training, uniform, sound, monkeypatch):
    monkeypatch.setattr(softmax, "_softmax_is_sound", lambda dtype: sound)
    policy = keras.DTypePolicy("mixed_bfloat16")
    fast, plain = (layer_of(name, skip=True, tied=False, chunk_size=4, dtype=policy) for name in ("fast", "plain"))
    reference = layer_of("plain", skip=True, tied=False)
    for layer in (fast, plain):
        layer.set_weights(reference.get_weights())
    arguments = inputs(True, False)
    halves = [None if v is None else v if v.dtype.is_integer else tf.cast(v, tf.float32) for v in arguments]
    values = [with_gradients(layer, *halves, training, uniform) for layer in (fast, plain)]
    exact = with_gradients(reference, *arguments, training, uniform)
    for value, other, expected in zip(*values, exact, strict=True):
        assert value.dtype == other.dtype == tf.float32
        scale = np.abs(expected).max()
        np.testing.assert_allclose(value, expected, atol=0.02 * scale)
        np.testing.assert_allclose(other, expected, atol=0.02 * scale)


@pytest.mark.parametrize("sound", [True, False])
def test_half_precision_stays_right_where_most_probabilities_underflow(sound, monkeypatch):
    monkeypatch.setattr(softmax, "_softmax_is_sound", lambda dtype: sound)
    policy = keras.DTypePolicy("mixed_bfloat16")
    hidden, targets, _, _ = inputs(False, False)
    fast, plain = (
        with_gradients(
            layer_of(name, skip=False, tied=False, chunk_size=4, dtype=policy),
            tf.cast(hidden * 1e3, tf.float32),
            targets,
            None,
            None,
            True,
            True,
        )
        for name in ("fast", "plain")
    )
    assert plain[0].numpy().min() < -1e4
    for value, expected in zip(fast, plain, strict=True):
        np.testing.assert_allclose(value, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize(("excess", "sound"), [(1.0, True), (1.02, False)])
def test_a_softmax_of_half_precision_is_used_only_where_it_is_the_rounded_one(excess, sound, monkeypatch):
    exact = tf.nn.softmax

    def imitation(logits):
        return exact(logits) if logits.dtype == tf.float32 else tf.cast(excess * exact(tf.cast(logits, tf.float32)), logits.dtype)

    monkeypatch.setattr(tf.nn, "softmax", imitation)
    assert softmax._softmax_is_sound.__wrapped__(tf.bfloat16) is sound


@pytest.mark.parametrize("count", [30, 600])
def test_half_precision_does_not_scale_gradients(count):
    """1/30 and 1/600, the weight of each of so many sentences, are not numbers of bfloat16: rounded, they bias every gradient alike."""
    layer = VocabularySoftmax(V, hidden_dim=H, initializer_range=0.7, dtype=keras.DTypePolicy("mixed_bfloat16"))
    rng = np.random.default_rng(0)
    hidden = tf.constant(rng.normal(size=[1, count, 1, H]), tf.float32)
    targets, length = tf.constant(rng.integers(0, V, [count, 1]), tf.int32), tf.ones([count], tf.int32)

    def gradients(reduce, training):
        with tf.GradientTape() as tape:
            tape.watch(hidden)
            total = reduce(layer.log_prob(hidden, targets, length, training=training))
        return tape.gradient(total, [hidden, layer.kernel.value, layer.bias.value])

    for training in (True, False):
        for mean, total in zip(gradients(tf.reduce_mean, training), gradients(tf.reduce_sum, training), strict=True):
            ratio = np.sum(mean * total) / np.sum(total * total)
            assert ratio * count == pytest.approx(1, abs=1e-3)


def test_second_derivative_of_the_fast_path_is_an_error():
    layer = layer_of("fast", skip=False, tied=False)
    hidden, targets, _, _ = inputs(False, False)
    with tf.GradientTape() as outer:
        outer.watch(hidden)
        with tf.GradientTape() as inner:
            inner.watch(hidden)
            loss = tf.reduce_sum(layer.log_prob(hidden, targets, LENGTH))
        slope = tf.reduce_sum(inner.gradient(loss, hidden) ** 2)
    with pytest.raises(LookupError, match="plain"):
        outer.gradient(slope, hidden)


def test_missing_or_superfluous_arguments_are_errors():
    hidden, targets, _, kernel = inputs(True, True)
    with pytest.raises(ValueError, match="tied"):
        layer_of("fast", skip=False, tied=True).log_prob(hidden, targets, LENGTH)
    with pytest.raises(ValueError, match="tied"):
        layer_of("fast", skip=False, tied=False).log_prob(hidden, targets, LENGTH, kernel=kernel)
    with pytest.raises(ValueError, match="z is absent"):
        layer_of("fast", skip=True, tied=False).logits_function()(hidden[0, :, 0])


def test_config_round_trips():
    layer = VocabularySoftmax(V, hidden_dim=H, z_dim=Z, chunk_size=7, seed=3)
    twin = VocabularySoftmax.from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    for value, expected in zip(twin.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
