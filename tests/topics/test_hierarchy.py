import numpy as np
import pytest

from tfvae.errors import UserError
from tfvae.models.topics import Topics
from tfvae.topics.hierarchy import linkage, reduce

# words of four topics, of which the first and the third are alike, and the second and the fourth a little
COUNTS = np.array([[9.0, 1, 0, 0, 2], [0, 0, 9, 0, 2], [8, 2, 0, 0, 2], [0, 0, 3, 8, 2]])


def test_the_most_alike_topics_join_first():
    joins = linkage(COUNTS)
    assert sorted(joins[0, :2]) == [0, 2] and sorted(joins[1, :2]) == [1, 3] and np.all(np.diff(joins[:, 2]) > 0)


def test_topics_are_reduced_to_as_many_as_are_asked_for():
    three, two = (reduce(Topics.of(2, 4), 1, count, COUNTS) for count in (3, 2))
    assert three.into.tolist() == [[0, 1, 2, 3], [0, 1, 0, 3]] and two.into[1].tolist() == [0, 1, 0, 1]
    assert reduce(three, 1, 2, COUNTS[[0, 1, 0, 3]]).into[1].tolist() == [0, 1, 0, 1]
    for count in (0, 3):
        with pytest.raises(UserError, match="they can be reduced to 1 to 2"):
            reduce(three, 1, count, COUNTS)


def test_topics_without_words_are_apart():
    assert np.isfinite(linkage(np.array([[0.0, 0], [1, 0], [0, 1]]))).all()
