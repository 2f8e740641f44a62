import numpy as np
import pytest
import tensorflow as tf

from tfvae.errors import UserError
from tfvae.generation.beam_search import beam_search
from tfvae.generation.decoding import METHODS, Decoding
from tfvae.generation.sampling import sample

SEED = tf.constant([1, 2])


def test_each_method_is_its_graph(decoder):
    z = tf.constant(np.random.default_rng(0).normal(size=(6, 3)) * 5, tf.float32)
    expected = {
        "greedy": sample(decoder, z, SEED, top_k=1, max_length=9),
        "sample": sample(decoder, z, SEED, temperature=0.7, top_k=3, top_p=0.9, max_length=9),
        "beam": beam_search(decoder, z, width=3, length_penalty=0.5, max_length=9)[0],
    }
    for method, ids in expected.items():
        decoding = Decoding(method, temperature=0.7, top_k=3, top_p=0.9, beam_width=3, length_penalty=0.5, max_length=9)
        np.testing.assert_array_equal(decoding(decoder, z, SEED), ids)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num", [1, 3])
def test_a_graph_for_a_fixed_number_of_sentences_can_be_made(decoder, method, num):
    z = tf.constant(np.random.default_rng(0).normal(size=(num, 3)) * 5, tf.float32)
    graph = tf.function(lambda z: Decoding(method, max_length=5)(decoder, z, SEED), input_signature=[tf.TensorSpec([num, 3])])
    np.testing.assert_array_equal(graph(z), Decoding(method, max_length=5)(decoder, z, SEED))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "gready"}, "did you mean 'greedy'"),
        ({"temperature": 0.0}, "temperature = 0.0: must be above 0; for the most probable words use greedy"),
        ({"top_k": -1}, "top_k = -1: must be at least 0"),
        ({"top_p": 0.0}, "top_p = 0.0: must be above 0 and at most 1"),
        ({"beam_width": 0}, "beam_width = 0: must be at least 1"),
        ({"length_penalty": -1.0}, "must be at least 0"),
        ({"max_length": 0}, "must be at least 1"),
    ],
)
def test_what_is_not_admitted_is_said(settings, message):
    with pytest.raises(UserError, match=message):
        Decoding(**settings)
