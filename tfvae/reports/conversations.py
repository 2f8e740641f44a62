"""Answers in conversations of a split: what the policy chooses, and what is said when a topic is held."""

from collections.abc import Sequence

import numpy as np

from tfvae.evaluation.answers import answered
from tfvae.evaluation.subject import Subject
from tfvae.modalities.turns import contexts_of
from tfvae.models.topics import Topics
from tfvae.reports.space import most_used
from tfvae.reports.walks import Walk

_EARLIER = 4  # turns, the last, that are shown of what was said before


def conversations(subject: Subject, information: np.ndarray, count: int = 4) -> list[Walk]:
    """Returns turns of the split with what was said before, the true answer, the policy's, and those of a variable's topics held.

    Args:
      subject: a model that answers, on a split.
      information: of each variable's code, by which the variable is chosen.
      count: turns, drawn by the seed from those before which the most was said, up to some turns.
    """
    items, topics = subject.data.items, subject.model.topics
    earlier = np.array([min(len(contexts_of(item)), _EARLIER) for item in items])
    most = np.flatnonzero(earlier == earlier.max())
    chosen = np.sort(np.random.default_rng(subject.seed).permutation(most)[:count])
    asked = [items[i] for i in chosen]
    codes = subject.posteriors.probabilities[chosen].argmax(axis=-1)
    [variable] = most_used(information, 1)
    numbers = topics.numbers(variable)
    free, own, _ = answered(subject, asked)
    held = [answered(subject, asked, subject.model.held({variable: topic}, len(asked)))[0] for topic in numbers]
    found = []
    for row, turn in enumerate(asked):
        said = [("same speaker" if said.own else "other speaker", said.text) for said in contexts_of(turn)[-_EARLIER:]]
        true = f"true turn, {_written(topics, codes[row])}", str(turn)
        answer = f"answer, {_written(topics, own[row])}", free[row]
        others = [(f"{topics.shown(variable, topic)} held", texts[row]) for topic, texts in zip(numbers, held, strict=True)]
        found.append(Walk(f"{subject.split} turn {chosen[row] + 1:,}", [*said, true, answer, *others]))
    return found


def _written(topics: Topics, codes: Sequence[int]) -> str:
    return ", ".join(topics.shown(variable, int(topic)) for variable, topic in enumerate(codes))
