"""All topics of a model in a table: shares, names, words, examples."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tfvae.topics.cards import Card, Cards

COLUMNS = (
    *("variable", "topic", "name", "share", "texts", "words", "class_words", "phrases", "coherence", "diversity"),
    *("examples", "generated"),
)
"""Of the table: the topic's number in its variable, its name, given or proposed, its share of the split and how many texts that is, its
telling words by log-odds and by class-based TF-IDF, its phrases, NPMI of its words, the share of them that no other topic of the variable
has, texts that are most its own, and generated ones."""


def table(made: Cards, *, dead: bool = False) -> list[dict[str, Any]]:
    """Returns a row for each topic, by COLUMNS, those of a variable after each other, the most used first.

    Args:
      made: cards of a model with codes on a split.
      dead: whether topics are among them that next to no text is of.
    """
    subject = made.subject
    rows: list[dict[str, Any]] = []
    for variable in range(subject.model.vae.latent.num_variables):
        cards = [card for card in made.each(variable) if dead or not card.dead]
        rows += _rows(cards, len(subject.data))
    return rows


def _rows(cards: Sequence[Card], count: int) -> list[dict[str, Any]]:
    used = Counter(word for card in cards for word, _ in card.words)
    return [
        {
            "variable": card.variable,
            "topic": card.component,
            "name": card.name,
            "share": card.share,
            "texts": round(card.share * count),
            "words": [word for word, _ in card.words],
            "class_words": [word for word, _ in card.class_words],
            "phrases": [phrase for phrase, _ in card.phrases],
            "coherence": card.coherence,
            "diversity": sum(used[word] == 1 for word, _ in card.words) / len(card.words) if card.words else None,
            "examples": list(card.closest),
            "generated": list(card.generated),
        }
        for card in cards
    ]
