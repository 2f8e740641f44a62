"""How often the words of a topic occur together, and how many of the words of all topics differ.

A topic is the ids of its top words. Coherences are held against reference documents, as gensim's CoherenceModel computes them.

References:
  Roeder, Both, Hinneburg. Exploring the Space of Topic Coherence Measures. WSDM 2015, section 3 (segmentation, counts, confirmation).
  Mimno, Wallach, Talley, Leenders, McCallum. Optimizing Semantic Coherence in Topic Models. EMNLP 2011, section 4 (U_Mass).
  Dieng, Ruiz, Blei. Topic Modeling in Embedding Spaces. TACL 8, 2020, section 6 (diversity).
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csc_array

from tfvae.tokens import BOS, EOS, PAD

NPMI_WINDOW = 10
"""Words of a window that NPMI counts in."""
C_V_WINDOW = 110
"""Words of a window that C_v counts in."""
_EPSILON = 1e-12  # of a joint probability

Topics = Sequence[Sequence[int]] | np.ndarray
"""K topics, each the ids of at least two words that differ, the most telling first."""


class Occurrences:
    """In how many windows of the documents each word of some topics occurs, and each two of them.

    A window slides over a document one word at a time; a document that it covers is one window, as is an empty one. As in gensim, what
    leaves the window's left edge is taken to be gone until the window's right edge meets it again, even if the window has it twice: a
    word that a long document repeats within a window has fewer windows than by the paper. Values can so be held against published ones.

    Args:
      topics: the topics whose words are counted, [K, n].
      tokens: the ids of all D documents one after the other. PAD, BOS and EOS take no place in a window; unknown words do.
      row_splits: document d is tokens[row_splits[d] : row_splits[d + 1]], [D + 1].
      window: words of a window; None: documents are counted, whole.

    Attributes:
      words: the distinct words of the topics, ascending, [V].
      windows: how many windows there are.
      single: windows that have a word, [V].
      joint: windows that have two words, [V, V]; a word with itself: those that have it.

    Raises:
      ValueError: if a topic has less than two words or one twice, or if there are no topics, no documents, or no words in a window.
    """

    def __init__(self, topics: Topics, tokens: np.ndarray, row_splits: np.ndarray, *, window: int | None = None):
        if not len(topics) or any(len(topic) < 2 or len(np.unique(topic)) < len(topic) for topic in topics):
            raise ValueError("there must be topics, each of two words or more that differ")
        if len(row_splits) < 2:
            raise ValueError("there are no documents to count in")
        if window is not None and window < 1:
            raise ValueError(f"window = {window}: a window has one word or more")
        kept = np.isin(tokens, (PAD, BOS, EOS), invert=True)
        tokens, row_splits = np.asarray(tokens)[kept], np.concatenate([[0], np.cumsum(kept)])[row_splits]
        length = np.diff(row_splits)
        size = window or max(1, int(length.max()))
        per_document = np.maximum(1, length - size + 1)
        self.windows = int(per_document.sum())
        self.words = np.unique(np.concatenate([np.asarray(topic) for topic in topics]))
        word, start, end = _stays(self.words, tokens, row_splits, size, per_document)
        duration = end - start
        self.single = np.bincount(word, duration, len(self.words)).astype(np.int64)
        row = np.arange(duration.sum()) + np.repeat(start - np.cumsum(duration) + duration, duration)
        columns = np.concatenate([[0], np.cumsum(self.single)])
        present = csc_array((np.ones(len(row), np.int32), row.astype(np.int32), columns), (self.windows, len(self.words)))
        self.joint = (present.T @ present).toarray()

    def probabilities(self, topic: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the shares of windows that have each word of a topic, [n], and each two of them, [n, n].

        Raises:
          ValueError: if a word was not counted.
        """
        place = np.searchsorted(self.words, topic).clip(max=len(self.words) - 1)
        if np.any(self.words[place] != topic):
            raise ValueError("the topic has a word that is in none of the topics whose words were counted")
        return self.single[place] / self.windows, self.joint[np.ix_(place, place)] / self.windows


def _stays(
    words: np.ndarray, tokens: np.ndarray, row_splits: np.ndarray, size: int, per_document: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns how long words stay in windows: number of the word, first window, the one after the last; [S] each.

    Stays of a word do not overlap. They are ordered by word, then by window; windows are numbered through all documents.
    """
    place = np.searchsorted(words, tokens).clip(max=len(words) - 1)
    position = np.flatnonzero(words[place] == tokens)
    position = position[np.argsort(place[position], kind="stable")]
    word = place[position]
    document = np.searchsorted(row_splits, position, side="right") - 1
    begin = row_splits[document]
    left_edge = np.maximum(position - size + 1, begin)  # of the first window that has this place
    # the window loses the word when it leaves the first place it has of it
    key = word * (len(tokens) + 1)
    first = position[np.searchsorted(key + position, key + left_edge)]
    offset = (np.cumsum(per_document) - per_document)[document]
    start = offset + left_edge - begin
    end = offset + np.minimum(first - begin + 1, per_document[document])
    again = word[1:] == word[:-1]
    start[1:][again] = np.maximum(start[1:], end[:-1])[again]
    return word, start, np.maximum(start, end)


def u_mass(topics: Topics, occurrences: Occurrences) -> np.ndarray:
    """Returns U_Mass, the mean of log((p(w_i, w_j) + 1e-12) / p(w_j)) over pairs of words j < i, nats, shape [K].

    Args:
      topics: the topics.
      occurrences: their words in whole documents. A pair whose w_j occurs nowhere counts as 0, as in gensim.
    """
    values = []
    for topic in topics:
        single, joint = occurrences.probabilities(topic)
        confirmation = np.log(joint + _EPSILON) - np.log(np.where(single > 0, single, 1))  # [n, n]
        values.append(np.where(single > 0, confirmation, 0)[np.tril_indices(len(topic), -1)].mean())
    return np.array(values)


def npmi(topics: Topics, occurrences: Occurrences) -> np.ndarray:
    """Returns the mean normalized pointwise mutual information of pairs of words, in [-1, 1], shape [K].

    Args:
      topics: the topics.
      occurrences: their words in windows of NPMI_WINDOW words. A pair with a word that occurs nowhere counts as 0; gensim's is infinite.
    """
    return np.array([_npmi(topic, occurrences)[np.tril_indices(len(topic), -1)].mean() for topic in topics])


def c_v(topics: Topics, occurrences: Occurrences) -> np.ndarray:
    """Returns C_v, the mean cosine of each word's NPMI with the topic's words and the sum of all words', in [-1, 1], shape [K].

    Args:
      topics: the topics.
      occurrences: their words in windows of C_V_WINDOW words. A word that occurs nowhere has the cosine 0; gensim's is NaN.
    """
    values = []
    for topic in topics:
        vectors = _npmi(topic, occurrences)  # [n, n]
        whole = vectors.sum(axis=0)
        norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(whole)
        values.append(np.divide(vectors @ whole, norms, out=np.zeros(len(topic)), where=norms > 0).mean())
    return np.array(values)


def _npmi(topic: Sequence[int] | np.ndarray, occurrences: Occurrences) -> np.ndarray:
    """The normalized pointwise mutual information of each two words of a topic, themselves included, [n, n]."""
    single, joint = occurrences.probabilities(topic)
    independent = np.outer(single, single)
    seen = independent > 0
    return np.where(seen, np.log((joint + _EPSILON) / np.where(seen, independent, 1)) / -np.log(joint + _EPSILON), 0)


def diversity(topics: Topics) -> float:
    """Returns the share of distinct words among the words of all topics: 1 if no two topics share one, 1 / K if all have the same."""
    words = np.concatenate([np.asarray(topic) for topic in topics])
    return len(np.unique(words)) / len(words)
