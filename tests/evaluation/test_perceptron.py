import numpy as np
import pytest

from tfvae.evaluation.perceptron import PerceptronClassifier


@pytest.fixture(scope="module")
def quarters():
    """Points of two pairs of opposite quarters, which no line parts, with classes 3 and 7."""
    x = np.random.default_rng(0).normal(size=[600, 2]).astype(np.float32)
    return x, np.where(x.prod(axis=1) > 0, 3, 7)


def fitted(quarters, **settings):
    x, y = quarters
    return PerceptronClassifier(64, batch_size=64, **settings).fit(x[:400], y[:400])


def test_it_learns_what_no_line_parts_and_answers_the_classes_own_numbers(quarters):
    x, y = quarters
    found = fitted(quarters, dropout=0.1, epochs=30).predict(x[400:])
    assert set(found) == {3, 7} and np.mean(found == y[400:]) > 0.95


def test_it_is_a_function_of_its_seed(quarters):
    same, again, other = (fitted(quarters, epochs=2, seed=seed).network.get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(same, again, strict=True))
    assert not np.allclose(same[0], other[0])


def test_units_are_hidden_in_training_alone(quarters):
    x, _ = quarters
    found = fitted(quarters, epochs=1)
    np.testing.assert_array_equal(found.network(x), found.network(x))
    assert not np.allclose(found.network(x, training=True), found.network(x))


def test_its_layers_are_those_of_dieng_et_al():
    found = PerceptronClassifier(epochs=1).fit(np.eye(4, 5), np.array([0, 1, 2, 0]))
    assert [weight.shape for weight in found.network.get_weights() if weight.ndim == 2] == [(5, 1024), (1024, 1024), (1024, 3)]
    assert [layer.rate for layer in found.network.layers if hasattr(layer, "rate")] == [0.5, 0.5]


def test_many_vectors_are_classified_in_parts(quarters):
    x, _ = quarters
    found = fitted(quarters, epochs=1)
    many = np.tile(x, [40, 1])
    np.testing.assert_array_equal(found.predict(many), np.tile(found.predict(x), 40))
    assert found.predict(x[:0]).shape == (0,)
