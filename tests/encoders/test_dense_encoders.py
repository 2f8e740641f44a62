import keras
import numpy as np
import pytest
import tensorflow as tf

from tfvae.encoders.bag_of_words import BagOfWordsEncoder
from tfvae.encoders.perceptron import PerceptronEncoder

TOKENS = {"tokens": tf.constant([[4, 6, 6, 1, 3], [5, 3, 0, 0, 0]])}
IMAGES = {"image": tf.constant(np.random.default_rng(0).integers(0, 2, [3, 2, 4]).astype(np.float32))}
MAKERS = {
    "bag of words": (lambda **options: BagOfWordsEncoder(9, hidden_dim=5, seed=2, **options), TOKENS),
    "perceptron": (lambda **options: PerceptronEncoder(2, 4, hidden_dim=5, seed=2, **options), IMAGES),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("num_layers", [1, 3])
def test_features_have_their_size_are_a_function_of_the_seed_and_come_back(name, num_layers):
    make, batch = MAKERS[name]
    encoder = make(num_layers=num_layers)
    features = encoder(batch)
    assert features.shape == (len(next(iter(batch.values()))), encoder.output_dim) and encoder.output_dim == 5
    np.testing.assert_array_equal(make(num_layers=num_layers)(batch), features)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(encoder))
    np.testing.assert_array_equal(again(batch), features)


@pytest.mark.parametrize("name", MAKERS)
def test_dropout_is_of_training_alone(name):
    make, batch = MAKERS[name]
    encoder = make(dropout=0.5)
    np.testing.assert_array_equal(encoder(batch), make()(batch))
    assert np.mean(encoder(batch, seed=tf.constant([1, 2])) == 0) > 0


def test_features_of_words_do_not_depend_on_their_order_or_on_padding():
    encoder = MAKERS["bag of words"][0]()
    other = tf.constant([[6, 1, 4, 3, 6, 0, 0], [3, 5, 0, 0, 0, 0, 0]])
    np.testing.assert_allclose(encoder({"tokens": other}), encoder(TOKENS), rtol=1e-6)
