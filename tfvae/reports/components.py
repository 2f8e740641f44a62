"""What each component of a mixture stands for, in words, sentences and labels.

References:
  Monroe, Colaresi, Quinn. Fightin' Words. Political Analysis 16, 2008, section 3.5 (log-odds with an informative Dirichlet prior).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.data.wordpiece import JOINER
from tfvae.evaluation.subject import Subject
from tfvae.modalities.words import Words
from tfvae.tokens import EOS

WORDS, SENTENCES, NAMING, CLASSES = 8, 5, 3, 4
"""Most words and sentences on a card, words in a proposed name, and classes of a label."""
DEAD = 0.1
"""Share of 1/K below which a component, its sentences and its probability, counts as dead."""
_TELLING = 1.96
"""z-score from which a word counts as telling: what chance exceeds for one word in forty."""
_PRIOR_COUNT = 500.0  # words that the prior counts as: enough to keep rare words from the top


@dataclasses.dataclass(frozen=True)
class Card:
    """One component of one variable.

    Attributes:
      variable: j.
      component: k.
      share: share of the split's examples whose most probable component it is.
      probability: q(c_j = k), the mean over the split.
      words: its most telling words with their z-scores, the highest first.
      likeliest: the words that a decoder of bags of words tells it by, the most telling first; none of other decoders.
      closest: items of the split that are most its own.
      generated: items drawn with the component held and the other variables free.
      labels: for each label its classes and their counts among the component's examples, the most frequent first, a few at most.
      others: for each label how many of the component's examples are of classes that `labels` has not.
      dead: whether next to nothing is of it.
      unnamed: its name where no words tell of it.
    """

    variable: int
    component: int
    share: float
    probability: float
    words: Sequence[tuple[str, float]]
    likeliest: Sequence[str]
    closest: Sequence[Any]
    generated: Sequence[Any]
    labels: dict[str, Sequence[tuple[str, int]]]
    others: dict[str, int]
    dead: bool
    unnamed: str = "no telling words"

    @property
    def name(self) -> str:
        """A name proposed from its words, marks of punctuation only where there is nothing else."""
        written = [word for word, _ in self.words if any(character.isalnum() for character in word)]
        return " · ".join((written or [word for word, _ in self.words])[:NAMING]) or self.unnamed


def cards(subject: Subject, variable: int, likeliest: Mapping[str, Sequence[str]] | None = None) -> list[Card]:
    """Returns the cards of a variable's components, the most used first.

    Args:
      subject: a model with codes on a split.
      variable: j.
      likeliest: words of components "j:k", where the decoder is one of bags of words.
    """
    posteriors, latent = subject.posteriors, subject.model.vae.latent
    probabilities = posteriors.probabilities[:, variable]
    codes = probabilities.argmax(-1)
    shares, use = _use(probabilities)
    is_dead = dead(probabilities)
    words = isinstance(subject.model.modality, Words)
    telling = telling_words(subject, codes, latent.num_components) if words else [[]] * latent.num_components
    width = latent.size // latent.num_variables
    place = posteriors.mean[:, variable * width : (variable + 1) * width]
    found = []
    for component in np.lexsort((-use, -shares)):
        own = np.flatnonzero(codes == component)
        centre = place[own].mean(axis=0) if len(own) else 0.0
        distance = np.linalg.norm(place[own] - centre, axis=1)
        closest = own[np.lexsort((distance, -np.round(probabilities[own, component], 3)))]
        held = np.full(latent.num_variables, -1)
        held[variable] = component
        generated = subject.model.generate(2 * SENTENCES, component=held, seed=subject.seed, **subject.limits)[0]
        labels = {label: _counts(label, truth[own], subject) for label, truth in subject.data.labels.items()}
        found.append(
            Card(
                variable,
                int(component),
                float(shares[component]),
                float(use[component]),
                telling[component],
                (likeliest or {}).get(f"{variable}:{component}", ()),
                _distinct([subject.data.items[i] for i in closest]),
                _distinct(generated),
                {label: counts[:CLASSES] for label, counts in labels.items()},
                {label: sum(count for _, count in counts[CLASSES:]) for label, counts in labels.items()},
                bool(is_dead[component]),
                "no telling words" if words else "",
            )
        )
    return found


def dead(probabilities: np.ndarray) -> np.ndarray:
    """Returns which of a variable's components are dead, [K], from q(c_j|x) [N, K]."""
    return np.maximum(*_use(probabilities)) < DEAD / probabilities.shape[1]


def _use(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The components' shares of the sentences and their mean probabilities, [K] each, from q(c_j|x) [N, K]."""
    count, components = probabilities.shape
    return np.bincount(probabilities.argmax(-1), minlength=components) / count, probabilities.mean(axis=0)


def telling_words(subject: Subject, codes: np.ndarray, components: int) -> list[list[tuple[str, float]]]:
    """Returns the words of each component's sentences that are most telling against all others', with the z-scores of their log-odds.

    Args:
      subject: the split.
      codes: of its sentences, [N].
      components: K.
    """
    examples = subject.sentences_read
    vocabulary = ["<pad>", "<unk>", "<s>", "</s>", *subject.model.modality.vocabulary.words]  # type: ignore[attr-defined]
    counts = np.zeros([components, len(vocabulary)])
    np.add.at(counts, (np.repeat(codes, examples.length), examples.tokens), 1)
    counts[:, : EOS + 1] = 0
    counts[:, [word.startswith(JOINER) for word in vocabulary]] = 0  # the rest of a word says nothing by itself
    scores = log_odds(counts)
    answer = []
    for row, score in enumerate(scores):
        best = np.argsort(-score, kind="stable")[:WORDS]
        answer.append([(vocabulary[word], float(score[word])) for word in best if score[word] > _TELLING and counts[row, word] > 0])
    return answer


def log_odds(counts: np.ndarray) -> np.ndarray:
    """Returns z-scores [K, V] of each group's log-odds of words against the other groups', from counts [K, V].

    The prior is that of all words together, as strong as `_PRIOR_COUNT` words.
    """
    total = counts.sum(axis=0)
    prior = _PRIOR_COUNT * (total / max(total.sum(), 1.0)) + 1e-6
    own, rest = counts + prior, total - counts + prior
    odds = np.log(own / (own.sum(axis=1, keepdims=True) - own)) - np.log(rest / (rest.sum(axis=1, keepdims=True) - rest))
    return odds / np.sqrt(1 / own + 1 / rest)


def _counts(label: str, classes: np.ndarray, subject: Subject) -> list[tuple[str, int]]:
    names = subject.corpus.label_names.get(label, ())
    found, counts = np.unique(classes, return_counts=True)
    ranked = sorted(zip(found.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1])
    return [(names[value] if value < len(names) else str(value), count) for value, count in ranked]


def _distinct(items: Sequence[Any]) -> list[Any]:
    """The first few that differ."""
    seen: dict[Any, Any] = {}
    for item in items:
        seen.setdefault(item if isinstance(item, str) else np.asarray(item).tobytes(), item)
    return list(seen.values())[:SENTENCES]
