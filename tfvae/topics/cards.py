"""What each topic of a mixture stands for, in words, phrases, items and labels."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.data.batching import spread
from tfvae.evaluation import coherence
from tfvae.evaluation.generation import as_read
from tfvae.evaluation.subject import Subject
from tfvae.evaluation.telling import TELLING, HeldBack, TextCounts, Told, best, class_tf_idf, log_odds, of_groups
from tfvae.layers.word_counts import FIRST
from tfvae.modalities.words import Words

WORDS, ITEMS, NAMING, CLASSES = 8, 5, 3, 4
"""Most words and items on a card, words in a proposed name, and classes of a label."""
UNNAMED = "no telling words"
"""The name of a topic that nothing tells of."""
COUNTED = 20_000
"""Items, at most, that shares and words are counted in."""
DEAD = 0.1
"""Share of 1/K below which a component, its items and its probability, counts as dead."""


@dataclasses.dataclass(frozen=True)
class Card:
    """One topic of one variable: a component, or several that count as one.

    Attributes:
      variable: j.
      component: the topic's number, the first component's.
      members: the components that it is made of.
      given: the name that a person gave it, or "".
      proposed: a name made of its telling words, or "" where there are none.
      share: share of the split's examples whose most probable topic it is.
      probability: the mean of its probability over the split.
      words: its most telling words with the z-scores of their log-odds, the highest first.
      class_words: its words of the highest class-based TF-IDF, with it.
      phrases: its most telling phrases, as `words`.
      coherence: NPMI of its words in windows of the training texts; None where there are not two.
      likeliest: the words that a decoder of bags of words tells it by, the most telling first; none of other decoders.
      closest: items of the split that are most its own.
      generated: items drawn with the topic held and the other variables free.
      labels: for each label its classes and their counts among the topic's examples, the most frequent first, a few at most.
      others: for each label how many of the topic's examples are of classes that `labels` has not.
      dead: whether next to nothing is of it.
      unnamed: its name where no words tell of it.
    """

    variable: int
    component: int
    members: Sequence[int]
    given: str
    proposed: str
    share: float
    probability: float
    words: Told
    class_words: Told
    phrases: Told
    coherence: float | None
    likeliest: Sequence[str]
    closest: Sequence[Any]
    generated: Sequence[Any]
    labels: dict[str, Sequence[tuple[str, int]]]
    others: dict[str, int]
    dead: bool
    unnamed: str = UNNAMED

    @property
    def name(self) -> str:
        """The name that was given, or one proposed from its words."""
        return self.given or self.proposed or self.unnamed


def proposed_name(words: Told) -> str:
    """Returns a name made of telling words, of marks of punctuation only where there is nothing else."""
    written = [word for word, _ in words if any(character.isalnum() for character in word)]
    return " · ".join((written or [word for word, _ in words])[:NAMING])


def counted(subject: Subject, split: str) -> Subject:
    """Returns a model on a split of which 20,000 items at most are left, spread evenly, whose words are counted."""
    whole = subject.corpus.split(split)
    corpus = dataclasses.replace(subject.corpus, **{split: whole.take(spread(len(whole), COUNTED))})  # type: ignore[arg-type]
    return Subject(subject.model, subject.config, corpus, split, seed=subject.seed, progress=subject.progress)


class Cards:
    """Makes cards of a split; what all variables share is counted once."""

    def __init__(
        self,
        subject: Subject,
        *,
        stop_words: str = "",
        likeliest: Mapping[str, Sequence[str]] | None = None,
        named_by: "Cards | None" = None,
    ) -> None:
        """Names the split.

        Args:
          subject: a model with codes on a split.
          stop_words: words that are not shown as telling: "english", "none" or a file; "": English ones, but for variables whose codes are
            read from a view of common words.
          likeliest: words of topics "j:k", where the decoder is one of bags of words.
          named_by: those of another split, whose words names are proposed from; None: from this one's.

        Raises:
          UserError: the file of stop words cannot be read.
        """
        self.subject, self.likeliest, self.named_by = subject, likeliest or {}, named_by
        self.in_words = isinstance(subject.model.modality, Words)
        self.stop_words = HeldBack.named(stop_words) if stop_words else None

    @functools.cached_property
    def _counts(self) -> TextCounts:
        return TextCounts(as_read(self.subject, self.subject.data.items))

    def of(self, variable: int) -> list[Card]:
        """Returns the cards of a variable's topics, the most used first."""
        return list(self.each(variable))

    def each(self, variable: int) -> Iterator[Card]:
        """Yields them, one at a time, since each draws items."""
        subject, latent, topics = self.subject, self.subject.model.vae.latent, self.subject.model.topics
        probabilities = self._probabilities(variable)
        codes = probabilities.argmax(-1)
        shares, use = _use(probabilities)
        is_dead = dead(probabilities)
        told = self._told(variable, codes) if self.in_words else [([], [], [])] * latent.num_components
        scores = self._coherence([[word for word, _ in words] for words, _, _ in told])
        names = self.named_by.proposed(variable) if self.named_by else {}
        place = subject.posteriors.mean[:, latent.code_columns(variable)]
        for topic in self._ordered(variable, probabilities):
            own = np.flatnonzero(codes == topic)
            centre = place[own].mean(axis=0) if len(own) else 0.0
            distance = np.linalg.norm(place[own] - centre, axis=1)
            closest = own[np.lexsort((distance, -np.round(probabilities[own, topic], 3)))]
            held = np.full(latent.num_variables, -1)
            held[variable] = topic
            generated = subject.model.generate(2 * ITEMS, component=held, seed=subject.seed, **subject.limits)[0]
            labels = {label: _counts(label, truth[own], subject) for label, truth in subject.data.labels.items()}
            words, class_words, phrases = told[topic]
            yield Card(
                variable,
                int(topic),
                topics.members(variable, int(topic)),
                topics.name(variable, int(topic)),
                names.get(int(topic)) or proposed_name(words),
                float(shares[topic]),
                float(use[topic]),
                words,
                class_words,
                phrases,
                scores[topic],
                self.likeliest.get(f"{variable}:{topic}", ()),
                _distinct([subject.data.items[i] for i in closest]),
                _distinct(generated),
                {label: counts[:CLASSES] for label, counts in labels.items()},
                {label: sum(count for _, count in counts[CLASSES:]) for label, counts in labels.items()},
                bool(is_dead[topic]),
                UNNAMED if self.in_words else "",
            )

    def names(self, variable: int) -> dict[int, str]:
        """Returns the names of a variable's topics that are in use, given or proposed, the most used first."""
        given = self.subject.model.topics
        return {topic: given.name(variable, topic) or name or UNNAMED for topic, name in self.proposed(variable).items()}

    def proposed(self, variable: int) -> dict[int, str]:
        """Returns a name for each of a variable's topics that are in use, made of their telling words, "" where there are none."""
        if not self.in_words:
            return {}
        probabilities = self._probabilities(variable)
        words, is_dead = self._telling_words(variable, probabilities.argmax(-1)), dead(probabilities)
        used = [topic for topic in self._ordered(variable, probabilities).tolist() if not is_dead[topic]]
        return {topic: proposed_name(words[topic]) for topic in used}

    def word_counts(self, variable: int) -> np.ndarray:
        """Returns how often words are in the texts of each topic's number, [K, V]."""
        codes = self._probabilities(variable).argmax(-1)
        return of_groups(self._counts.words[1], codes, self.subject.model.vae.latent.num_components)

    def _probabilities(self, variable: int) -> np.ndarray:
        """Of the topics, [N, K]."""
        return self.subject.model.topics.merged(self.subject.posteriors.probabilities)[:, variable]

    def _ordered(self, variable: int, probabilities: np.ndarray) -> np.ndarray:
        """The numbers of a variable's topics, the most used first."""
        shares, use = _use(probabilities)
        numbers = np.array(self.subject.model.topics.numbers(variable))
        return numbers[np.lexsort((-use[numbers], -shares[numbers]))]

    def held_back(self, variable: int) -> HeldBack:
        """Returns the words that are not shown as telling a variable's codes."""
        if self.stop_words is not None:
            return self.stop_words
        return HeldBack.named("none" if self.subject.model.vae.inference.of_common_words(variable) else "english")

    def _told(self, variable: int, codes: np.ndarray) -> list[tuple[Told, Told, Told]]:
        """Words by log-odds, words by class-based TF-IDF and phrases, of each component's number."""
        components, held = self.subject.model.vae.latent.num_components, self.held_back(variable)
        words = self._telling_words(variable, codes)
        names, counts = self._counts.words
        grouped = of_groups(counts, codes, components)
        weighted = best(names, grouped, class_tf_idf(grouped), WORDS, held_back=held)
        names, counts = self._counts.phrases
        grouped = of_groups(counts, codes, components)
        phrases = best(names, grouped, log_odds(grouped), WORDS, least=TELLING, held_back=held)
        return list(zip(words, weighted, phrases, strict=True))

    def _telling_words(self, variable: int, codes: np.ndarray) -> list[Told]:
        """Words by log-odds, of each component's number."""
        names, counts = self._counts.words
        grouped = of_groups(counts, codes, self.subject.model.vae.latent.num_components)
        return best(names, grouped, log_odds(grouped), WORDS, least=TELLING, held_back=self.held_back(variable))

    def _coherence(self, groups: Sequence[Sequence[str]]) -> list[float | None]:
        """NPMI of each group's words, counted together; None of those that have not two known words."""
        places = self._places if self.in_words else {}
        ids = [[places[word] for word in words if word in places] for words in groups]
        told = [group for group in ids if len(group) > 1]
        if not told:
            return [None] * len(ids)
        train = self._train
        occurrences = coherence.Occurrences(told, train.tokens, train.row_splits, window=coherence.NPMI_WINDOW)
        values = iter(coherence.npmi(told, occurrences).tolist())
        return [next(values) if len(group) > 1 else None for group in ids]

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        """The ids of words."""
        vocabulary = self.subject.model.modality.vocabulary  # type: ignore[attr-defined]
        return {word: FIRST + number for number, word in enumerate(vocabulary.words)}

    @functools.cached_property
    def _train(self) -> Any:
        return self.subject.model.modality.examples(self.subject.corpus.train)


def dead(probabilities: np.ndarray) -> np.ndarray:
    """Returns which of a variable's components are dead, [K], from q(c_j|x) [N, K]."""
    return np.maximum(*_use(probabilities)) < DEAD / probabilities.shape[1]


def _use(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The components' shares of the examples and their mean probabilities, [K] each, from q(c_j|x) [N, K]."""
    count, components = probabilities.shape
    return np.bincount(probabilities.argmax(-1), minlength=components) / count, probabilities.mean(axis=0)


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
    return list(seen.values())[:ITEMS]
