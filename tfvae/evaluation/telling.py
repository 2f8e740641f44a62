"""Words and phrases that tell groups of texts from each other.

References:
  Monroe, Colaresi, Quinn. Fightin' Words. Political Analysis 16, 2008, section 3.5 (log-odds with an informative Dirichlet prior).
  Grootendorst. BERTopic: Neural Topic Modeling with a Class-Based TF-IDF Procedure. 2022, section 3.3.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from tfvae.data.files import read_lines
from tfvae.data.vocabulary import RESERVED
from tfvae.errors import UserError

TELLING = 1.96
"""z-score from which a word counts as telling: what chance exceeds for one word in forty."""
_PRIOR_COUNT = 500.0  # words that the prior counts as: enough to keep rare words from the top
_PHRASE = 3  # texts that a phrase is in at least
_LONGEST = 3  # words of a phrase

_PIECES = frozenset(
    (
        *("s", "t", "m", "d", "re", "ve", "ll", "don", "didn", "doesn", "isn", "wasn", "weren", "won", "ain"),
        *("couldn", "wouldn", "shouldn", "aren", "hasn", "haven", "hadn"),
    )
)
"""What is left of English contractions that were split at their apostrophe."""

Told = list[tuple[str, float]]
"""Words or phrases with their scores, the highest first."""


class TextCounts:
    """How often words and phrases are in texts, which are words with spaces between, as a model reads them."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Joins texts; nothing is counted yet."""
        self.texts = texts

    @functools.cached_property
    def words(self) -> tuple[list[str], np.ndarray]:
        """The words, and how often each is in every text, sparse [N, V]."""
        return self._count((1, 1), 1)

    @functools.cached_property
    def phrases(self) -> tuple[list[str], np.ndarray]:
        """The same of phrases of two and three words, of those that several texts have."""
        return self._count((2, _LONGEST), _PHRASE)

    def _count(self, lengths: tuple[int, int], least: int) -> tuple[list[str], np.ndarray]:
        counter = CountVectorizer(tokenizer=str.split, token_pattern=None, lowercase=False, ngram_range=lengths, min_df=least)
        try:
            counts = counter.fit_transform(self.texts)
        except ValueError:  # there are none
            return [], np.zeros((len(self.texts), 0))
        return list(counter.get_feature_names_out()), counts


def of_groups(counts: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Returns counts in groups of texts, [K, V], of counts in texts, perhaps sparse, [N, V]; texts of a code below 0 are in none."""
    chosen = np.flatnonzero(codes >= 0)
    member = scipy.sparse.csr_matrix((np.ones(len(chosen)), (codes[chosen], chosen)), shape=(groups, len(codes)))
    summed = member @ counts
    return summed.toarray() if scipy.sparse.issparse(summed) else np.asarray(summed)


def log_odds(counts: np.ndarray) -> np.ndarray:
    """Returns z-scores [K, V] of each group's log-odds of words against the other groups', from counts [K, V].

    The prior is that of all words together, as strong as 500 words.
    """
    total = counts.sum(axis=0)
    prior = _PRIOR_COUNT * (total / max(total.sum(), 1.0)) + 1e-6
    own, rest = counts + prior, total - counts + prior
    odds = np.log(own / (own.sum(axis=1, keepdims=True) - own)) - np.log(rest / (rest.sum(axis=1, keepdims=True) - rest))
    return odds / np.sqrt(1 / own + 1 / rest)


def class_tf_idf(counts: np.ndarray) -> np.ndarray:
    """Returns f log(1 + A / n), [K, V]: f the word's share of a group's words, n its count in all, A the words of a group on average."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return share * np.log1p(counts.sum() / len(counts) / np.maximum(counts.sum(axis=0), 1))


def best(
    names: Sequence[str], counts: np.ndarray, scores: np.ndarray, most: int, *, least: float = 0.0, held_back: "HeldBack"
) -> list[Told]:
    """Returns the words or phrases of each group with the highest scores.

    Args:
      names: of the V words or phrases.
      counts: [K, V]; what a group does not have does not tell it.
      scores: [K, V].
      most: of a group; a phrase that is part of another, or has it in it, is left out after that one.
      least: score that is needed.
      held_back: words that do not count as telling, nor phrases of such alone.
    """
    shown = np.array([not held_back.holds(name) for name in names], bool)
    answer = []
    for count, score in zip(counts, scores, strict=True):
        ranked = np.argsort(-score, kind="stable")
        kept: Told = []
        for i in ranked[(shown & (count > 0) & (score > least))[ranked]]:
            if len(kept) == most:
                break
            if not any(_within(names[i], other) or _within(other, names[i]) for other, _ in kept):
                kept.append((names[i], float(score[i])))
        answer.append(kept)
    return answer


def _within(phrase: str, longer: str) -> bool:
    return f" {phrase} " in f" {longer} "


class HeldBack:
    """Words that are not shown among telling ones: stop words, marks of punctuation, and the mark of unknown words."""

    def __init__(self, words: Sequence[str] | frozenset[str] = ENGLISH_STOP_WORDS) -> None:
        """Holds words back, by default scikit-learn's English list, in any case and with what an apostrophe joins to them."""
        self.words = frozenset(word.lower() for word in words)
        if words is ENGLISH_STOP_WORDS:
            self.words |= _PIECES

    @classmethod
    def named(cls, name: str) -> "HeldBack":
        """Makes them of "english", "none", or a file of words, one a line.

        Raises:
          UserError: the file cannot be read.
        """
        if name == "none":
            return cls(())
        if name == "english":
            return cls()
        try:
            return cls([line.strip() for line in read_lines(name)[0]])
        except UserError as error:
            raise UserError(f"--stop_words: english, none or a file of words is wanted: {error}") from None

    def holds(self, phrase: str) -> bool:
        """Returns whether a word is held back, or all words of a phrase are, or a mark is at an end of it."""
        words = phrase.split(" ")
        marks = bool(self.words) and any(not any(map(str.isalnum, word)) for word in (words[0], words[-1]))
        return marks or all(self._holds(word) for word in words)

    def _holds(self, word: str) -> bool:
        if word in RESERVED:
            return True
        if not self.words:
            return False
        lower = word.lower().replace("\u2019", "'")
        return not any(map(str.isalnum, word)) or lower.endswith("n't") or bool({lower, re.sub("'.*", "", lower)} & self.words)
