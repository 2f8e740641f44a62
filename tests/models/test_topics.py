import numpy as np
import pytest
import tensorflow as tf

from tfvae.errors import UserError
from tfvae.models.topics import FILE, Topics


@pytest.fixture
def topics():
    """Of two variables of four components: 0:1, 0:3 are one, called travel; 1:0 is called a question."""
    return Topics.of(2, 4).merge(0, [3, 1]).rename(0, 3, "travel").rename(1, 0, "a question")


def test_names_that_are_numbers_are_left_out():
    topics = Topics.of(2, 3).called({(0, 0): "question", (0, 1): "7", (1, 2): "question"})
    assert topics.names == {(0, 0): "question", (1, 2): "question"}


def test_a_topic_has_the_number_of_its_first_component(topics):
    assert topics.numbers(0) == [0, 1, 2] and topics.numbers(1) == [0, 1, 2, 3]
    assert topics.members(0, 1) == [1, 3] and topics.name(0, 1) == "travel" and topics.any_merged
    further = topics.merge(0, [2, 3])
    assert further.numbers(0) == [0, 1] and further.members(0, 1) == [1, 2, 3] and further.name(0, 1) == "travel"
    assert not Topics.of(2, 4).any_merged and Topics.of(2, 4).named([0, 1]) == {}
    assert topics.named([1, 1]) == {"names": ["travel", ""]}


def test_topics_are_found_by_numbers_and_by_names(topics):
    assert topics.find("0:3") == topics.find("0:1") == topics.find("travel") == topics.find("0:travel") == (0, 1)
    assert topics.find("a question") == (1, 0)
    both = topics.rename(1, 2, "travel")
    assert both.find("1:travel") == (1, 2)
    for written, message in (
        ("2:0", "variables are numbered 0 to 1 and components 0 to 3"),
        ("0:4", "variables are numbered 0 to 1 and components 0 to 3"),
        ("3", "must be j:k"),
        ("travels", "it is the name of none: a question, travel"),
        ("1:travels", "it is the name of none"),
        ("travel", "it is the name of several topics"),
    ):
        with pytest.raises(UserError, match=message):
            both.find(written)


def test_names_and_merges_that_make_no_sense_are_refused(topics):
    for name, message in (("3", "is no number"), ("a:b", "no colon"), ("travel", "the name of another topic")):
        with pytest.raises(UserError, match=message):
            topics.rename(0, 2, name)
    with pytest.raises(UserError, match="two different ones at least"):
        topics.merge(0, [1, 3])
    assert topics.rename(0, 1, " ").names == {(1, 0): "a question"}


def test_probabilities_of_a_topic_are_those_of_its_components(topics):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), (5, 2)).astype(np.float32)
    merged = topics.merged(probabilities)
    np.testing.assert_allclose(merged[:, 0, 1], probabilities[:, 0, 1] + probabilities[:, 0, 3], rtol=1e-6)
    assert np.all(merged[:, 0, 3] == 0)
    np.testing.assert_array_equal(merged[:, 1], probabilities[:, 1])
    np.testing.assert_allclose(topics.merged(tf.constant(probabilities)).numpy(), merged, rtol=1e-6)
    assert Topics.of(2, 4).merged(probabilities) is probabilities
    assert topics.of_codes(tf.constant([[3, 3], [0, 1]])).numpy().tolist() == [[1, 3], [0, 1]]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (None, [-1, -1]),
        ("0:2", [2, -1]),
        ("travel", [1, -1]),
        (["1:3", "0:3"], [1, 3]),
        ({0: 2}, [2, -1]),
        ({0: "travel", 1: 0}, [1, 0]),
        ([-1, 2], [-1, 2]),
        (np.array([[0, 1], [2, 3]]), [[0, 1], [2, 3]]),
    ],
)
def test_topics_are_held_by_number_or_by_name(topics, chosen, expected):
    np.testing.assert_array_equal(topics.held(chosen, 2), np.broadcast_to(expected, [2, 2]))
    assert Topics.of(1, 4).held(3, 2).tolist() == [[3], [3]] and Topics.of(0, 0).held(None, 2).shape == (2, 0)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (2, r"component 2: must name 2 variables, -1 for a free one, or be written variable:component, as '0:3'"),
        ([2], "must name 2 variables"),
        ([0, 1, 2], "must name 2 variables"),
        ([0.5, 1], "must name 2 variables"),
        ([], "must name 2 variables"),
        ([4, 0], "components are numbered 0 to 3"),
        ([-2, 0], "components are numbered 0 to 3"),
        ("0", "0: must be j:k"),
        ({2: 0}, "2:0: variables are numbered 0 to 1"),
        (["0:1", "travel"], "travel: variable 0 is held twice"),
    ],
)
def test_what_names_no_topic_cannot_be_held(topics, chosen, message):
    with pytest.raises(UserError, match=message):
        topics.held(chosen, 2)


def test_a_held_topic_draws_its_components_by_their_weights(topics):
    count = 4000
    log_mixing = tf.math.log([[0.1, 0.2, 0.1, 0.6], [0.25] * 4])
    seeds = tf.stack([tf.range(count), tf.zeros(count, tf.int32)], axis=1)
    held = tf.tile([[1, -1]], [count, 1])
    drawn = topics.drawn(held, log_mixing, seeds).numpy()
    assert set(drawn[:, 0].tolist()) == {1, 3} and np.all(drawn[:, 1] == -1)
    assert np.mean(drawn[:, 0] == 3) == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / count))
    others = tf.tile([[2, 3]], [count, 1])
    np.testing.assert_array_equal(topics.drawn(others, log_mixing, seeds).numpy(), others.numpy())


def test_what_is_saved_is_read_again_and_what_is_damaged_is_said(topics, tmp_path):
    assert not Topics.load(tmp_path, 2, 4).any_merged
    topics.save(tmp_path)
    found = Topics.load(tmp_path, 2, 4)
    assert found.names == topics.names and found.into.tolist() == topics.into.tolist()
    with pytest.raises(UserError, match=r"of \[2, 4\] components, and the model has \[2, 5\]"):
        Topics.load(tmp_path, 2, 5)
    for content in ("", "[]", '{"components": [2, 4]}', '{"components": [2, 4], "merged": {"0": [[0, 9]]}, "names": {}}'):
        (tmp_path / FILE).write_text(content)
        with pytest.raises(UserError, match="is damaged: mend it, or delete it"):
            Topics.load(tmp_path, 2, 4)
