import math

import numpy as np
import pytest
from gensim.corpora import Dictionary
from gensim.models import CoherenceModel

from tfvae.evaluation.coherence import C_V_WINDOW, NPMI_WINDOW, Occurrences, c_v, diversity, npmi, u_mass
from tfvae.tokens import BOS, EOS, PAD, UNK

MEASURES = {"u_mass": (u_mass, None), "c_npmi": (npmi, NPMI_WINDOW), "c_v": (c_v, C_V_WINDOW)}


def flat(documents):
    return np.concatenate([np.asarray(document, np.int32) for document in documents]), np.cumsum([0, *map(len, documents)])


def count(topics, documents, window=None):
    return Occurrences(topics, *flat(documents), window=window)


def gensim_values(measure, topics, documents):
    texts = [[str(word) for word in document] for document in documents]
    dictionary = Dictionary(texts)
    corpus = {"corpus": [dictionary.doc2bow(text) for text in texts]} if measure == "u_mass" else {"texts": texts}
    words = [[str(word) for word in topic] for topic in topics]
    model = CoherenceModel(topics=words, dictionary=dictionary, coherence=measure, processes=1, **corpus)
    return np.array(model.get_coherence_per_topic())


def draw(seed, longest, words=120, shortest=0):
    """Documents of words as frequent as in language, a few of them rare, and topics of words that occur."""
    random = np.random.default_rng(seed)
    share = 1 / np.arange(1, words + 1)
    documents = [random.choice(words, n, p=share / share.sum()) + 4 for n in random.integers(shortest, longest, 60)]
    topics = [random.choice(np.unique(np.concatenate(documents)), 10, replace=False) for _ in range(7)]
    return topics, documents


@pytest.mark.parametrize("longest", [4, 12, 60, 300])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("measure", MEASURES)
def test_coherences_are_gensim_s(measure, seed, longest):
    """Documents shorter and longer than windows, empty ones, words that a window has several times, words that never meet."""
    topics, documents = draw(seed, longest)
    function, window = MEASURES[measure]
    counted = count(topics, documents, window)
    assert np.any(counted.joint == 0) or longest == 300
    np.testing.assert_allclose(function(topics, counted), gensim_values(measure, topics, documents), rtol=0, atol=1e-6)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_word_of_every_window_and_topics_of_several_lengths_are_gensim_s(measure):
    topics, documents = draw(5, 40)
    documents = [np.insert(document, slice(0, None, 3), 200) for document in documents if len(document)]
    topics = [[200, *topics[0][:3]], topics[1][:2], [*topics[2], 200]]
    function, window = MEASURES[measure]
    expected = gensim_values(measure, topics, documents)
    np.testing.assert_allclose(function(topics, count(topics, documents, window)), expected, rtol=0, atol=1e-6)


def test_windows_of_a_small_corpus_are_those_counted_by_hand():
    """Windows of 3: {5, 6, 7}, {6, 7, 8}, {7, 8, 5} of the first document, the second whole, the third empty."""
    counted = count([[5, 7, 8]], [[5, 6, 7, 8, 5], [5, 8], []], window=3)
    assert counted.windows == 5
    np.testing.assert_array_equal(counted.words, [5, 7, 8])
    np.testing.assert_array_equal(counted.single, [3, 3, 3])
    np.testing.assert_array_equal(counted.joint, [[3, 2, 2], [2, 3, 2], [2, 2, 3]])


def test_a_word_is_lost_to_the_window_that_its_first_place_leaves():
    """Windows of 3 of 5 5 6 6 5: {5, 6}, {6} without the second 5, {6, 5}, which 5 enters anew."""
    counted = count([[5, 6]], [[5, 5, 6, 6, 5]], window=3)
    assert counted.windows == 3
    np.testing.assert_array_equal(counted.single, [2, 3])
    np.testing.assert_array_equal(counted.joint, [[2, 2], [2, 3]])


def test_values_of_a_small_corpus_are_those_computed_by_hand():
    documents = [[5, 6], [5, 6], [5, 7], [7, 8]]  # p(5) = 3/4, p(6) = p(7) = 1/2, p(5, 6) = 1/2, p(5, 7) = 1/4, p(6, 7) = 0
    topics = [[5, 6, 7], [5, 6]]
    counted = count(topics, documents)
    mass = [(math.log(2 / 3) + math.log(1 / 3) + math.log(1e-12 / 0.5)) / 3, math.log(2 / 3)]
    np.testing.assert_allclose(u_mass(topics, counted), mass, atol=1e-9)
    together = math.log(4 / 3) / math.log(2)  # of 5 and 6
    apart = math.log(2 / 3) / math.log(4)  # of 5 and 7
    never = math.log(4e-12) / -math.log(1e-12)  # of 6 and 7
    np.testing.assert_allclose(npmi(topics, counted), [(together + apart + never) / 3, together], atol=1e-9)
    # the vectors (1, t) and (t, 1) are at equal angles to their sum (1 + t, 1 + t)
    np.testing.assert_allclose(c_v(topics[1:], counted), [(1 + together) / math.sqrt(2 * (1 + together**2))], atol=1e-9)


def test_u_mass_conditions_on_the_more_telling_word():
    documents = [[5, 6], [5], [5], [7]]
    values = u_mass([[5, 6], [6, 5]], count([[5, 6]], documents))
    np.testing.assert_allclose(values, [math.log(1 / 3), 0], atol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_npmi_and_c_v_are_in_their_range(seed):
    topics, documents = draw(seed, 30)
    topics.append([500, 501])
    documents += [[500, 501]] * 3
    information, cosine = npmi(topics, count(topics, documents, NPMI_WINDOW)), c_v(topics, count(topics, documents, C_V_WINDOW))
    assert np.all(np.abs(information) <= 1 + 1e-6) and np.all(np.abs(cosine) <= 1 + 1e-6)
    assert information[-1] == pytest.approx(1) and cosine[-1] == pytest.approx(1)
    assert information[:-1].max() < 0.9


def test_words_that_occur_nowhere_say_nothing():
    topics = [[5, 6, 90], [90, 91]]
    counted = count(topics, [[5, 6], [5], [7]])
    information = math.log((1 / 3) / (2 / 9)) / math.log(3)
    np.testing.assert_allclose(npmi(topics, counted), [information / 3, 0], atol=1e-9)
    # 90 has not been seen where 5 and 6 have; nothing is known of where 90 is
    np.testing.assert_allclose(u_mass(topics, counted), [(math.log(1 / 2) + math.log(1e-12 * 3 / 2) + math.log(3e-12)) / 3, 0], atol=1e-9)
    pair = (1 + information) / math.sqrt(2 * (1 + information**2))
    np.testing.assert_allclose(c_v(topics, counted), [2 * pair / 3, 0], atol=1e-9)


def test_ends_beginnings_and_padding_take_no_place_in_a_window_and_unknown_words_do():
    topics = [[5, 6]]
    plain = count(topics, [[5, UNK, 6], [5, 6]], window=2)
    marked = count(topics, [[BOS, 5, UNK, EOS, PAD, 6, EOS], [5, PAD, 6, EOS]], window=2)
    for counted in (plain, marked):
        assert counted.windows == 3
        np.testing.assert_array_equal(counted.joint, [[2, 1], [1, 2]])


def test_what_cannot_be_counted_is_told():
    documents = [[5, 6]]
    with pytest.raises(ValueError, match="two words or more"):
        count([[5]], documents)
    with pytest.raises(ValueError, match="that differ"):
        count([[5, 5]], documents)
    with pytest.raises(ValueError, match="must be topics"):
        count([], documents)
    with pytest.raises(ValueError, match="no documents"):
        Occurrences([[5, 6]], np.zeros(0, np.int32), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="window = 0"):
        count([[5, 6]], documents, window=0)
    with pytest.raises(ValueError, match="none of the topics"):
        npmi([[5, 7]], count([[5, 6]], documents))


def test_diversity_is_the_share_of_distinct_words():
    assert diversity([[4, 5, 6], [7, 8, 9]]) == 1
    assert diversity([[4, 5, 6]] * 4) == 1 / 4
    assert diversity(np.array([[4, 5, 6, 7], [4, 8, 9, 10]])) == 7 / 8
