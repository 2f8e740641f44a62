import collections
import hashlib
import itertools
import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score

from tfvae.data import demo
from tfvae.data.corpus import SPLITS

CLASSES = {"topic": 5, "act": 4, "polarity": 2}
SIZES = {"train": 10_000, "valid": 1_000, "test": 1_000}


@pytest.fixture(scope="module")
def corpus():
    return demo.read()


@pytest.fixture(scope="module")
def texts(corpus):
    return [text for name in SPLITS for text in corpus.split(name).items]


@pytest.mark.parametrize(("name", "size"), list(SIZES.items()))
def test_split_has_its_size_labels_and_lines(corpus, name, size):
    split = corpus.split(name)
    assert len(split) == size
    assert split.where(0) == "demo:1"
    assert split.lines.dtype == np.int64
    np.testing.assert_array_equal(split.lines, np.arange(1, size + 1))
    assert list(split.labels) == list(CLASSES)
    assert all(values.dtype == np.int32 and values.shape == (size,) for values in split.labels.values())


def test_label_names_name_every_class(corpus):
    assert corpus.name == "demo"
    assert {label: len(set(names)) for label, names in corpus.label_names.items()} == CLASSES


def test_no_sentence_occurs_twice_in_any_splits(texts):
    assert len(set(texts)) == len(texts) == 12_000


def test_sentences_are_lower_case_tokens_between_single_spaces_with_an_end(texts):
    for text in texts:
        words = text.split(" ")
        assert text == text.lower()
        assert all(word in ".,!?" or word.replace("'", "").isalpha() for word in words), text
        assert words[-1] in ".!?"
        assert not set(words[:-1]) & set(".!?"), text


def test_sentence_lengths_are_those_of_short_utterances(texts):
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) >= 4
    assert max(lengths) <= 18
    assert 9 < np.mean(lengths) < 11


def test_vocabulary_has_400_to_700_types_and_none_is_rare(texts):
    counts = collections.Counter(word for text in texts for word in text.split())
    assert 400 <= len(counts) <= 700
    assert min(counts.values()) >= 5


def test_articles_agree_with_the_next_word(texts):
    for text in texts:
        for article, word in itertools.pairwise(text.split()):
            if article in ("a", "an"):
                assert (article == "an") == (word[0] in "aeiou"), text


@pytest.mark.parametrize("name", SPLITS)
def test_every_combination_of_classes_is_equally_frequent(corpus, name):
    split = corpus.split(name)
    cells = collections.Counter(zip(*(split.labels[label].tolist() for label in CLASSES), strict=True))
    assert len(cells) == 5 * 4 * 2
    assert set(cells.values()) == {SIZES[name] // 40}


@pytest.mark.parametrize("pair", list(itertools.combinations(CLASSES, 2)))
def test_labels_share_no_information(corpus, pair):
    first, second = (corpus.train.labels[label] for label in pair)
    assert mutual_info_score(first, second) < 0.01


def test_rows_are_shuffled(corpus):
    for label, classes in CLASSES.items():
        values = corpus.train.labels[label]
        assert np.mean(values[1:] == values[:-1]) == pytest.approx(1 / classes, abs=0.02)


@pytest.mark.parametrize("label", CLASSES)
def test_first_word_does_not_tell_the_label(corpus, label):
    counts = collections.defaultdict(collections.Counter)
    for text, value in zip(corpus.train.items, corpus.train.labels[label], strict=True):
        counts[text.split()[0]][value] += 1
    hits = [counts[text.split()[0]].most_common(1)[:1] for text in corpus.test.items]
    hits = [bool(best) and best[0][0] == value for best, value in zip(hits, corpus.test.labels[label], strict=True)]
    assert np.mean(hits) < 0.8  # by chance 1 / classes; a bag of words tells nine in ten


@pytest.mark.parametrize("word", ["well", "so", "you", "honestly", "by", "to", "i"])
def test_opening_occurs_with_every_class(corpus, word):
    rows = [row for row, text in enumerate(corpus.train.items) if text.split()[0] == word]
    for label, classes in CLASSES.items():
        assert np.bincount(corpus.train.labels[label][rows], minlength=classes).min() >= 10


@pytest.mark.parametrize(("label", "accuracy"), [("topic", 0.9), ("act", 0.9), ("polarity", 0.85)])
def test_bag_of_words_tells_the_label(corpus, label, accuracy):
    bags = CountVectorizer(token_pattern=r"\S+")
    model = LogisticRegression(max_iter=1000).fit(bags.fit_transform(corpus.train.items), corpus.train.labels[label])
    assert model.score(bags.transform(corpus.test.items), corpus.test.labels[label]) > accuracy


def test_two_reads_are_equal(corpus):
    again = demo.read()
    for name in SPLITS:
        assert again.split(name).items == corpus.split(name).items
        for label in CLASSES:
            np.testing.assert_array_equal(again.split(name).labels[label], corpus.split(name).labels[label])


def test_corpus_is_the_published_one(corpus):
    rows = [
        "\t".join([text, *(corpus.label_names[label][split.labels[label][row]] for label in CLASSES)])
        for split in map(corpus.split, SPLITS)
        for row, text in enumerate(split.items)
    ]
    assert hashlib.sha256("\n".join(rows).encode()).hexdigest() == "829b0927cc0a8ca3cd2eacf947a3b0e0584e2cdcc766b7c67fed149c0b416c79"


def test_global_random_states_are_left_alone():
    random.seed(3)
    np.random.seed(3)
    expected = random.random(), np.random.random()
    random.seed(3)
    np.random.seed(3)
    demo.read()
    assert (random.random(), np.random.random()) == expected


def test_with_contexts_each_act_follows_upon_one_other():
    plain, split = demo.read().test, demo.read(2).test
    assert list(split.items) == list(plain.items)
    labels = {text: row for text, *row in zip(plain.items, *plain.labels.values(), strict=True)}
    assert {len(turn.context) for turn in split.items} == {1, 2}
    before = {}
    for turn in split.items:
        topic, act, polarity = labels[turn]
        other = labels[turn.context[-1].text]
        assert (other[0], other[2]) == (topic, polarity)
        before.setdefault(act, set()).add(other[1])
    assert sorted(map(len, before.values())) == [1, 1, 1, 1] and len(set.union(*before.values())) == 4
    assert [turn.context for turn in demo.read(2).test.items] == [turn.context for turn in split.items]
