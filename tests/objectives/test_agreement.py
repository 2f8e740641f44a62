import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mutual_info_score

from tfvae.objectives.agreement import agreement, joint_use


def one_hot(codes, count=4):
    return tf.one_hot(codes, count, dtype=tf.float64)[:, tf.newaxis]


def test_of_hard_codes_it_is_the_mutual_information_of_the_symmetric_table():
    draw = np.random.default_rng(0)
    first = draw.integers(4, size=500)
    second = np.where(draw.random(500) < 0.7, first, draw.integers(4, size=500))
    joint = joint_use(one_hot(first), one_hot(second), tf.ones([500], tf.float64))
    both = np.concatenate([first, second]), np.concatenate([second, first])
    assert float(agreement(joint)[0]) == pytest.approx(mutual_info_score(*both), rel=1e-9)


def test_it_is_log_k_where_sights_agree_and_0_where_one_says_nothing():
    codes = one_hot(np.arange(400) % 4)
    weight = tf.ones([400], tf.float64)
    assert float(agreement(joint_use(codes, codes, weight))[0]) == pytest.approx(np.log(4))
    assert float(agreement(joint_use(codes, tf.fill([400, 1, 4], tf.constant(0.25, tf.float64)), weight))[0]) == pytest.approx(0, abs=1e-9)


def test_examples_without_weight_do_not_count_and_variables_are_apart():
    draw = np.random.default_rng(0)
    first, second = (tf.nn.softmax(tf.constant(draw.normal(size=[6, 2, 3]))) for _ in range(2))
    whole = joint_use(first, second, tf.constant([1.0, 1, 1, 1, 0, 0], tf.float64))
    np.testing.assert_allclose(whole, joint_use(first[:4], second[:4], tf.ones([4], tf.float64)))
    np.testing.assert_allclose(whole[1:], joint_use(first[:4, 1:], second[:4, 1:], tf.ones([4], tf.float64)))
    np.testing.assert_allclose(tf.reduce_sum(whole, axis=[1, 2]), 1)


def test_balance_weighs_the_entropies_of_use():
    joint = joint_use(one_hot([0, 0, 0, 1]), one_hot([0, 0, 0, 1]), tf.ones([4], tf.float64))
    use = np.array([0.75, 0.25])
    entropy = -np.sum(use * np.log(use))
    assert float(agreement(joint, 0.85)[0]) == pytest.approx(0.7 * entropy)


def test_gradients_are_finite_where_codes_are_certain():
    logits = tf.constant(np.where(np.eye(4), 200.0, -200.0)[:, np.newaxis].astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = agreement(joint_use(tf.nn.softmax(logits), tf.nn.softmax(logits), tf.ones([4])))
    assert np.all(np.isfinite(tape.gradient(value, logits)))
