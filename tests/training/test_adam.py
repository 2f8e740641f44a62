import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.training.adam import Adam


def run(optimizer, gradients):
    variables = [keras.Variable(np.linspace(-1, 1, 12).reshape(6, 2)), keras.Variable(np.ones(3))]
    optimizer.build(variables)
    update = tf.function(lambda pair: optimizer.apply(pair, variables))
    for pair in gradients:
        update(pair)
    return [value.numpy() for value in [*variables, *optimizer.variables]]


def some_gradients(steps=5):
    rng = np.random.default_rng(0)
    return [[tf.constant(rng.normal(size=shape), tf.float32) for shape in ((6, 2), (3,))] for _ in range(steps)]


def test_equals_keras_adam():
    options = {"learning_rate": 0.1, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}
    for value, expected in zip(
        run(Adam(**options), some_gradients()), run(keras.optimizers.Adam(**options), some_gradients()), strict=True
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


def test_rows_that_a_sparse_gradient_names_twice_are_added_up():
    rows = tf.constant([[1.0, 2.0], [3.0, -4.0], [0.5, 4.0]])
    sparse = tf.IndexedSlices(rows, tf.constant([4, 0, 4]), tf.constant([6, 2]))
    others = [pair[1] for pair in some_gradients()]
    values = [run(Adam(0.1), [[gradient, other] for other in others]) for gradient in (sparse, tf.convert_to_tensor(sparse))]
    for value, expected in zip(*values, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert np.all(values[0][0][[0, 4]] != run(Adam(0.1), [])[0][[0, 4]])


def test_config_round_trips_and_amsgrad_is_refused():
    optimizer = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Adam(0.1, beta_1=0.7)))
    assert isinstance(optimizer, Adam) and (float(optimizer.learning_rate), optimizer.beta_1) == (pytest.approx(0.1), 0.7)
    with pytest.raises(ValueError, match="amsgrad"):
        Adam(amsgrad=True)


def test_in_parts_every_variable_is_updated_as_by_an_optimiser_of_its_own():
    first, second = keras.Variable(np.ones(3)), keras.Variable(np.ones(3))
    optimizer, own = Adam(0.1, in_parts=True), [keras.optimizers.Adam(0.1) for _ in range(2)]
    optimizer.build([first, second])
    alone = [keras.Variable(np.ones(3)) for _ in range(2)]
    rng = np.random.default_rng(0)
    for step in range(12):
        number = int(step % 4 == 3)  # the second is updated every fourth time
        gradient = tf.constant(rng.normal(size=3), tf.float32)
        optimizer.apply([gradient], [(first, second)[number]])
        own[number].apply([gradient], [alone[number]])
    np.testing.assert_allclose(first, alone[0], rtol=1e-5)
    np.testing.assert_allclose(second, alone[1], rtol=1e-5)
    assert Adam.from_config(optimizer.get_config()).in_parts
    assert len(optimizer.variables) == len(Adam(0.1).variables) + 2 * 2 + 2
