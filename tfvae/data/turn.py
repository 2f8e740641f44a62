"""A turn of a conversation: what is said, and what was said before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tfvae.data.files import WHITE_SPACE
from tfvae.errors import UserError


class Said(NamedTuple):
    """An earlier turn.

    Attributes:
      text: what was said.
      own: whether the one who speaks now said it.
    """

    text: str
    own: bool


class Turn(str):
    """A text that comes with the turns before it: whatever reads texts reads what is said, and need not know of the rest.

    Attributes:
      context: earlier turns, the oldest first; none of them is empty.
    """

    context: tuple[Said, ...]

    def __new__(cls, text: str, context: Iterable[Said] = ()) -> Turn:
        """Joins a text and earlier turns, of which those in which nothing is said are left out."""
        turn = super().__new__(cls, text)
        turn.context = tuple(said for said in context if said.text.strip(WHITE_SPACE))
        return turn

    def __getnewargs__(self) -> tuple[str, tuple[Said, ...]]:  # type: ignore[override]
        """Returns what a copy is made of."""
        return str(self), self.context


def alternating(texts: Sequence[str]) -> tuple[Said, ...]:
    """Returns the turns before an answer, where two speak in turn: the last is the other's. Empty ones are no turns."""
    spoken = [text for text in texts if text.strip(WHITE_SPACE)]
    return tuple(Said(text, (len(spoken) - place) % 2 == 0) for place, text in enumerate(spoken))


def turns_of(dialogue: Sequence[tuple[str, str]], most: int) -> list[Turn]:
    """Returns every turn of a dialogue with those before it.

    Args:
      dialogue: (speaker, text) of each.
      most: earlier turns that are kept, the last ones.
    """
    made = []
    for place, (speaker, text) in enumerate(dialogue):
        before = [Said(earlier, who == speaker) for who, earlier in dialogue[:place] if earlier.strip(WHITE_SPACE)]
        made.append(Turn(text, before[max(0, len(before) - most) :]))
    return made


def context_of(context: Any, where: str, speaker: str = "") -> tuple[Said, ...]:
    """Returns what a user gives as earlier turns.

    Args:
      context: texts, of two who speak in turn, the last the other's; or objects {"speaker": …, "text": …}.
      where: it stands, for messages.
      speaker: who answers, where speakers are named.

    Raises:
      UserError: it is no such list.
    """
    if isinstance(context, str | bytes) or not isinstance(context, Sequence):
        raise UserError(f"{where}: must be a list of earlier turns, not {type(context).__name__}: put one turn into a list too")
    named = [turn_of(turn, f"{where}, turn {number}") for number, turn in enumerate(context, 1)]
    if not any(who for who, _ in named):
        return alternating([text for _, text in named])
    for number, (who, _) in enumerate(named, 1):
        if not who:
            raise UserError(f"{where}, turn {number}: names no speaker where others do: name all or none")
    if not speaker:
        raise UserError(f'{where}: names speakers, and not who answers: add "speaker" beside "text"')
    return tuple(Said(text, who == speaker) for who, text in named if text.strip(WHITE_SPACE))


def turn_of(turn: Any, where: str) -> tuple[str, str]:
    """Returns the speaker, "" where none is named, and the text of a turn: a text, or an object {"speaker": …, "text": …}.

    Raises:
      UserError: it is no such thing.
    """
    if isinstance(turn, str):
        return "", turn
    if not isinstance(turn, Mapping):
        raise UserError(f'{where}: must be a text, or an object with "text" and "speaker", not {type(turn).__name__}')
    speaker, text = turn.get("speaker", ""), turn.get("text")
    if not isinstance(text, str):
        raise UserError(f'{where}: has no "text" that is a string')
    if not isinstance(speaker, str):
        raise UserError(f"{where}: speaker is no string")
    return speaker, text
