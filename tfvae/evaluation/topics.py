"""Words that components and dimensions of z stand for, how well they go together, and how they differ, beside those of LDA.

References:
  Miao, Yu, Blunsom. Neural Variational Inference for Text Processing. ICML 2016, section 5.1 (words of a dimension).
  Roeder, Both, Hinneburg. Exploring the Space of Topic Coherence Measures. WSDM 2015.
  Sievert, Shirley. LDAvis: A Method for Visualizing and Interpreting Topics. ILLVI 2014 (relevance).
  Dieng, Ruiz, Blei. Topic Modeling in Embedding Spaces. TACL 8, 2020, section 5 (diversity).
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
import scipy.sparse
import tensorflow as tf
from sklearn.decomposition import LatentDirichletAllocation

from tfvae.data.batching import TokenExamples
from tfvae.evaluation import coherence
from tfvae.evaluation.figure import Figure, mean_figure
from tfvae.evaluation.subject import Subject
from tfvae.layers.word_counts import FIRST
from tfvae.modalities.words import Words

WORDS = 10
"""Words of a topic."""
RELEVANCE = 0.6
"""Weight of a word's frequency in a topic against what sets the topic apart."""
_DRAWN = 200  # z of a component
_STEP = 2.0  # standard deviations that a dimension is moved by


@dataclasses.dataclass(frozen=True)
class TopicWords:
    """The words of a model's topics.

    Attributes:
      kind: "component" or "dimension".
      names: of each topic, "j:k" of a component, the number of a dimension.
      probabilities: of the ordinary words in each, [K, V - 4].
      how: where those are from, in words.
      relevance: see `telling`.
    """

    kind: str
    names: Sequence[str]
    probabilities: np.ndarray
    how: str
    relevance: float = RELEVANCE

    def words(self, most: int = WORDS) -> np.ndarray:
        """Returns the ids of each topic's most telling words, [K, most]."""
        return telling(self.probabilities, most, self.relevance)


def telling(probabilities: np.ndarray, most: int, relevance: float = RELEVANCE) -> np.ndarray:
    """Returns the ids of the words that tell each topic, [K, most], by relevance: frequent in it, and more so than in the mean topic.

    A word's relevance is r log p + (1 - r) log(p / mean p); by r = .6 users of topic models name topics best (Sievert, Shirley 2014,
    sections 3.1 and 4). A single topic has its likeliest words.

    Args:
      probabilities: of the ordinary words in each topic, [K, V - 4].
      most: words of a topic.
      relevance: r.
    """
    p = probabilities.astype(np.float64) + 1e-12
    score = np.log(p) - (1 - relevance) * np.log(p.mean(axis=0)) if len(p) > 1 else p
    return FIRST + np.argsort(-score, axis=1, kind="stable")[:, :most]


def written(subject: Subject, words: np.ndarray) -> list[list[str]]:
    """Returns words of ids [K, n] as they are written."""
    vocabulary = cast(Words, subject.model.modality).vocabulary
    return [[vocabulary.words[word - FIRST] for word in topic] for topic in words]


def topics_of(subject: Subject) -> TopicWords:
    """Returns the topics of a model: its components, or, of a decoder of bags of words without them, its dimensions."""
    latent, decoder = subject.model.vae.latent, subject.model.vae.decoder
    if latent.has_codes:
        names = [f"{j}:{k}" for j in range(latent.num_variables) for k in range(latent.num_components)]
        if decoder.ordered:
            how = "words of the split's sentences, by their codes"
            return TopicWords("component", names, _of_codes(subject), how)
        return TopicWords("component", names, _of_components(subject), f"mean of p(word | z) over {_DRAWN} z of the component, others free")
    names = [str(dimension) for dimension in range(latent.size)]
    how = f"p(word | z) at the mean of posterior means, one dimension {_STEP:g} standard deviations up"
    return TopicWords("dimension", names, _of_dimensions(subject), f"{how}, against the mean of those", relevance=0.0)


def _of_codes(subject: Subject) -> np.ndarray:
    latent, shape = subject.model.vae.latent, subject.model.modality.shape
    examples = subject.sentences_read
    counts = np.zeros([latent.num_variables, latent.num_components, shape["vocabulary_size"]])
    for variable, codes in enumerate(subject.posteriors.codes.T):
        np.add.at(counts[variable], (np.repeat(codes, examples.length), examples.tokens), 1)
    counts = counts[..., FIRST:].reshape(-1, shape["vocabulary_size"] - FIRST)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _of_components(subject: Subject) -> np.ndarray:
    latent, decoder = subject.model.vae.latent, subject.model.vae.decoder
    held = np.full([latent.num_variables, latent.num_components, latent.num_variables], -1, np.int32)
    for variable in range(latent.num_variables):
        held[variable, :, variable] = np.arange(latent.num_components)

    @tf.function(autograph=False)
    def mean(component: tf.Tensor) -> tf.Tensor:
        z, _ = latent.sample_prior(_DRAWN, tf.constant([subject.seed, 4]), tf.tile(component[tf.newaxis], [_DRAWN, 1]))
        return tf.reduce_mean(tf.nn.softmax(decoder.word_logits(z)), axis=0)

    return np.stack([mean(tf.constant(component)).numpy() for component in held.reshape(-1, latent.num_variables)])


def _of_dimensions(subject: Subject) -> np.ndarray:
    mean = subject.posteriors.mean
    z = mean.mean(axis=0) + _STEP * np.diag(mean.std(axis=0))
    return tf.nn.softmax(subject.model.vae.decoder.word_logits(tf.constant(z, tf.float32))).numpy()


def topics(subject: Subject) -> Iterator[Figure]:
    """Yields coherence and diversity of a model's topics, and of as many of LDA's; all words are chosen alike."""
    found = topics_of(subject)
    used = found.probabilities.sum(axis=1) > 0
    if used.sum() == 0 or found.probabilities.shape[1] < 2:
        yield Figure(f"diversity_{found.kind}", None, estimator="there are not two ordinary words, or no component that has any")
        return
    unused = f"; {np.sum(~used)} that no text has are left out" if not used.all() else ""
    found = dataclasses.replace(found, names=[name for name, there in zip(found.names, used, strict=True) if there], how=found.how + unused)
    found = dataclasses.replace(found, probabilities=found.probabilities[used])
    train = cast(TokenExamples, subject.model.modality.examples(subject.corpus.train))
    lda = _lda(train, len(found.names), subject)
    of_lda = f"latent Dirichlet allocation of {len(found.names)} topics, fitted to the training split by online variational Bayes"
    for name, words, how in ((found.kind, found.words(), found.how), ("lda", telling(lda, WORDS), of_lda)):
        yield from _coherences(name, words, how, train, subject)


def _lda(train: TokenExamples, count: int, subject: Subject) -> np.ndarray:
    words = subject.model.modality.shape["vocabulary_size"]
    ones = np.ones(len(train.tokens), np.int32)
    counts = scipy.sparse.csr_matrix((ones, train.tokens, train.row_splits), shape=(len(train), words))[:, FIRST:]
    model = LatentDirichletAllocation(count, learning_method="online", random_state=subject.seed).fit(counts)
    return model.components_ / model.components_.sum(axis=1, keepdims=True)


def _coherences(name: str, words: np.ndarray, how: str, train: TokenExamples, subject: Subject) -> Iterator[Figure]:
    ordered = subject.corpus.ordered
    measures = {
        "c_v": (coherence.c_v, coherence.C_V_WINDOW if ordered else None),
        "npmi": (coherence.npmi, coherence.NPMI_WINDOW if ordered else None),
        "u_mass": (coherence.u_mass, None),
    }
    counted = {
        window: coherence.Occurrences(words, train.tokens, train.row_splits, window=window)
        for window in dict.fromkeys(window for _, window in measures.values())
    }
    for measure, (function, window) in measures.items():
        over = "whole training documents" if window is None else f"windows of {window} words of the training split"
        estimator = f"of the {words.shape[1]} most relevant words of a topic; {over}; topics: {how}"
        settings = {"topics": len(words), "words": words.shape[1], "window": window or 0}
        yield mean_figure(f"coherence_{measure}_{name}", function(words, counted[window]), estimator=estimator, settings=settings)
    different = f"different words among the {words.shape[1]} most relevant of each topic, of all; topics: {how}"
    yield Figure(f"diversity_{name}", coherence.diversity(words), None, "share", different, {"topics": len(words), "words": words.shape[1]})
