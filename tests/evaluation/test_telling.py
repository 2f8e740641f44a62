import numpy as np
import pytest

from tfvae.errors import UserError
from tfvae.evaluation.telling import HeldBack, TextCounts, best, class_tf_idf, log_odds, of_groups

TEXTS = [
    "the train was late .",
    "the train was slow .",
    "the train is late .",
    "i like the soup .",
    "i like the cold soup !",
    "i like <unk> soup",
]
CODES = np.array([0, 0, 0, 1, 1, 1])


def told(part, score, **more):
    names, counts = part
    grouped = of_groups(counts, CODES, 2)
    return [[name for name, _ in group] for group in best(names, grouped, score(grouped), 3, **more)]


def test_words_and_phrases_of_groups_are_those_that_tell_them():
    counted = TextCounts(TEXTS)
    none, english = HeldBack.named("none"), HeldBack.named("english")
    assert set(told(counted.words, class_tf_idf, held_back=none)[1]) == {"i", "like", "soup"}
    assert told(counted.words, class_tf_idf, held_back=english) == [["train", "late", "slow"], ["like", "soup", "cold"]]
    assert told(counted.words, log_odds, held_back=english)[0][0] == "train"
    assert told(counted.phrases, log_odds, held_back=english) == [["the train"], ["i like"]]


def test_counts_of_groups_are_sums_of_their_texts():
    names, counts = TextCounts(TEXTS).words
    grouped = of_groups(counts, np.array([0, 0, -1, 1, 1, 1]), 2)
    by_hand = [[sum(text.split().count(name) for text in some) for name in names] for some in (TEXTS[:2], TEXTS[3:])]
    np.testing.assert_array_equal(grouped, by_hand)


def test_class_tf_idf_by_hand():
    counts = np.array([[3.0, 1.0], [1.0, 0.0]])
    expected = [[3 / 4 * np.log1p(2.5 / 4), 1 / 4 * np.log1p(2.5)], [np.log1p(2.5 / 4), 0.0]]
    np.testing.assert_allclose(class_tf_idf(counts), expected)


def test_a_word_of_one_group_alone_is_the_most_telling():
    counts = np.array([[50.0, 10, 0], [50, 0, 10], [50, 0, 0]])
    scores = log_odds(counts)
    assert scores.argmax(axis=1).tolist() == [1, 2, 0]
    assert scores[0, 1] > 1.5 and abs(scores[0, 0]) < abs(scores[0, 1]) and scores[1, 1] < 0
    np.testing.assert_allclose(log_odds(counts[:2])[0], -log_odds(counts[:2])[1], rtol=1e-6)


def test_what_is_held_back(tmp_path):
    english = HeldBack()
    assert all(english.holds(word) for word in ("the", "The", "i'd", "don't", "can't", "you\u2019re", "?", "...", "<unk>", "of the"))
    assert not any(english.holds(word) for word in ("train", "promise", "naïve", "the train"))
    none = HeldBack.named("none")
    assert none.holds("<unk>") and not none.holds("the") and not none.holds("?")
    (tmp_path / "stop.txt").write_text("Train\n")
    assert HeldBack.named(str(tmp_path / "stop.txt")).holds("train") and not HeldBack.named(str(tmp_path / "stop.txt")).holds("the")
    with pytest.raises(UserError, match="--stop_words: english, none or a file of words is wanted"):
        HeldBack.named(str(tmp_path / "missing.txt"))


def test_texts_without_words_have_none():
    assert TextCounts(["", ""]).words[0] == [] and TextCounts(["a b"]).phrases[0] == []
    assert best([], np.zeros((2, 0)), np.zeros((2, 0)), 3, held_back=HeldBack()) == [[], []]
