"""Sensitivity to the order of words: none of a bag of words, some of a recurrent encoder."""

import numpy as np
import pytest

from tfvae.evaluation.metrics import reason_absent
from tfvae.evaluation.word_order import shuffled, word_order


def figures_of(subject):
    return {figure.name: figure for figure in word_order(subject)}


def test_a_shuffled_text_has_its_words_and_its_end_and_depends_on_its_number_and_the_seed_alone():
    tokens = np.array([[5, 6, 7, 8, 9, 3, 0], [5, 6, 7, 8, 9, 3, 0], [4, 3, 0, 0, 0, 0, 0]])
    length, index = np.array([6, 6, 2]), np.array([7, 8, 9])
    found = shuffled(tokens, length, index, 0)
    np.testing.assert_array_equal(np.sort(found[:2, :5]), tokens[:2, :5])
    np.testing.assert_array_equal(found[:, 5:], tokens[:, 5:])
    np.testing.assert_array_equal(found[2], tokens[2])
    assert not np.array_equal(found[0], found[1]) and not np.array_equal(found[0], shuffled(tokens, length, index, 1)[0])
    np.testing.assert_array_equal(shuffled(tokens[1:], length[1:], index[1:], 0), found[1:])


def test_a_bag_of_words_encoder_has_exactly_none(subject_of):
    found = figures_of(subject_of("dem_vae", encoder__kind="bag_of_words", encoder__num_layers=1))
    assert 0.5 < found["reordered"].value <= 1
    for name, value in {"cosine": 1, "distance": 0, "code": 0, "loss": 0}.items():
        assert (found[f"order_{name}"].value, found[f"order_{name}"].error) == (value, 0), name
    assert found["order_bound"].value != 0  # the decoder has the words in their order


def test_a_recurrent_encoder_has_some(subject_of):
    found = figures_of(subject_of("vae"))
    assert found["order_distance"].value > 0 and found["order_cosine"].value < 1
    assert found["order_loss"].value != 0 and "order_code" not in found
    assert found["order_cosine"].settings["sentences"] == round(40 * found["reordered"].value)


@pytest.mark.parametrize(("model", "settings", "reason"), [
    ("rnn_lm", {}, "no latent variable"), ("vae", {"decoder__kind": "bag_of_words"}, "no order of words"),
])  # fmt: skip
def test_it_does_not_apply_where_there_is_no_order_or_no_z(subject_of, model, settings, reason):
    assert reason in reason_absent("word_order", subject_of(model, **settings))
    assert reason_absent("word_order", subject_of("vae")) == ""
