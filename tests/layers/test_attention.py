import numpy as np
import tensorflow as tf

from tfvae.layers.attention import Attention, attentive_sum


def softmax(x):
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def test_what_is_read_is_the_formula_s_over_the_rows_and_one_of_zeros():
    layer = Attention(3, memory_dim=2, seed=1, dtype="float64")
    layer.bias.assign([0.1, -0.2, 0.3])
    draw = np.random.default_rng(0)
    query, memory = draw.normal(size=(2, 4, 3)), draw.normal(size=(2, 5, 2))
    mask = np.array([[True] * 5, [True, True, False, False, False]])
    answer = layer(query, *layer.prepare(tf.constant(memory), tf.constant(mask)))
    weights = {name: getattr(layer, name).numpy() for name in ("query_kernel", "memory_kernel", "score_kernel", "bias")}
    for row in range(2):
        rows = np.concatenate([memory[row][mask[row]], np.zeros([1, 2])])
        for place in range(4):
            q = query[row, place]
            hidden = np.tanh(q @ weights["query_kernel"] + rows @ weights["memory_kernel"] + weights["bias"])
            read = softmax(hidden @ weights["score_kernel"]) @ rows
            expected = np.tanh(q @ layer.query_output.numpy() + read @ layer.memory_output.numpy() + layer.output_bias.numpy())
            np.testing.assert_allclose(answer[row, place], expected, rtol=1e-10)


def test_an_empty_memory_is_one_of_which_nothing_is_there():
    layer = Attention(3, memory_dim=2)
    query = tf.random.stateless_normal([2, 1, 3], [0, 1])
    empty = layer(query, *layer.prepare(tf.zeros([2, 0, 2]), tf.zeros([2, 0], tf.bool)))
    masked = layer(query, *layer.prepare(tf.ones([2, 4, 2]), tf.zeros([2, 4], tf.bool)))
    np.testing.assert_allclose(empty, masked, rtol=1e-6)
    assert np.all(np.isfinite(empty))


def test_the_attentive_sum_weighs_the_values_of_each_group_by_a_softmax():
    draw = np.random.default_rng(0)
    values, score, group = draw.normal(size=(6, 2)), 500 * draw.normal(size=6), np.array([0, 2, 0, 0, 2, 2])
    answer = attentive_sum(tf.constant(values), tf.constant(score), tf.constant(group), 4)
    for number in range(4):
        own = group == number
        np.testing.assert_allclose(answer[number], softmax(score[own]) @ values[own] if own.any() else np.zeros(2), atol=1e-12)
