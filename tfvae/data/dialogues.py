"""Users' own dialogues: JSON lines, a dialogue a line, or an answer and what was said before it."""

import dataclasses
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.files import WHITE_SPACE, numbered_lines
from tfvae.data.text import own_files
from tfvae.data.turn import Turn, context_of, turn_of, turns_of
from tfvae.errors import UserError

_FORM = 'a line is {"dialogue": [turn, …]} or {"context": [turn, …], "text": "…"}'
Line = tuple[int, list[Turn]]
"""The number of a line, and the turns that it holds."""


def read(data: DataConfig) -> Corpus:
    """Reads `train_file`, `valid_file` and `test_file`; of those that are not named, dialogues are drawn from the training file.

    Every turn of a dialogue in which something is said is an example. A turn is a text, or an object {"speaker": …, "text": …}; without
    speakers two speak in turn.

    Args:
      data: the files, in `dir` where that is set; the fractions to draw; and `context`, the earlier turns that an example keeps.

    Raises:
      UserError: no training file is named, a file cannot be read, a line is no dialogue, or there are too few.
    """
    files = own_files(data)
    lines = {name: _lines(path, data.context, f"check config.data.{name}_file") for name, path in files.items()}
    drawn = [name for name in ("test", "valid") if name not in lines]
    if drawn and len(lines["train"]) <= len(drawn):
        named = " and ".join(f"config.data.{name}_file" for name in drawn)
        raise UserError(
            f"{files['train']}: too few lines: {len(lines['train'])}, of which {' and '.join(drawn)} would be drawn: name {named}"
        )
    order = np.random.default_rng(data.split_seed).permutation(len(lines["train"]))
    whole = lines["train"]
    for name in drawn:
        held, order = np.split(order, [max(1, int(len(whole) * getattr(data, f"{name}_fraction")))])
        lines[name] = [whole[i] for i in np.sort(held)]
    lines["train"] = [whole[i] for i in np.sort(order)]
    train, valid, test = (_split(lines[name], files.get(name, files["train"])) for name in SPLITS)
    return Corpus(data.name, train, valid, test)


def _split(lines: Sequence[Line], path: str) -> Split:
    turns = [turn for _, some in lines for turn in some]
    numbers = np.repeat([number for number, _ in lines], [len(some) for _, some in lines])
    return Split(turns, {}, path, numbers.astype(np.int64))


def _lines(path: str, most: int, advice: str) -> list[Line]:
    made = []
    for number, line in numbered_lines(os.path.expanduser(path), advice=advice):
        where = f"{path}:{number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{where}: not JSON: {getattr(error, 'msg', error)}; {_FORM}") from None
        made.append((number, [_checked(turn, where) for turn in _turns(values, where, most)]))
    kept = [(number, [turn for turn in turns if turn.strip(WHITE_SPACE)]) for number, turns in made]
    if not any(turns for _, turns in kept):
        raise UserError(f"{path}: nothing is said in any of its {len(kept)} lines")
    return [(number, turns) for number, turns in kept if turns]


def _turns(values: Any, where: str, most: int) -> list[Turn]:
    if not isinstance(values, Mapping) or not ("dialogue" in values or "text" in values):
        raise UserError(f"{where}: no dialogue; {_FORM}")
    if "dialogue" in values:
        if not isinstance(values["dialogue"], list):
            raise UserError(f"{where}: dialogue is no list of turns; {_FORM}")
        said = [turn_of(turn, f"{where}, turn {number}") for number, turn in enumerate(values["dialogue"], 1)]
        named = any(speaker for speaker, _ in said)
        spoken = said if named else [(str(place % 2), text) for place, (_, text) in enumerate(said)]
        return turns_of(spoken, most)
    speaker, text = turn_of(values, where)
    context = context_of(values.get("context", []), f"{where}, context", speaker)
    return [Turn(text, context[max(0, len(context) - most) :])]


def _checked(turn: Turn, where: str) -> Turn:
    """A turn without space around it; what no text file can hold is refused."""
    if "\0" in turn or any("\0" in said.text for said in turn.context):
        raise UserError(f"{where}: a NUL character in a turn; delete it")
    try:
        turn.encode()
    except UnicodeEncodeError:
        raise UserError(f"{where}: half of a surrogate pair, which is no character; mend the turn") from None
    return Turn(turn.strip(WHITE_SPACE), turn.context)


def with_contexts(split: Split, dialogue: Any, speaker: Any, most: int) -> Split:
    """Returns a split of turns, in order, that know of those before them.

    Args:
      split: N turns.
      dialogue: which each belongs to, [N].
      speaker: who says each, [N].
      most: earlier turns that are kept.
    """
    made: list[Turn] = []
    starts = [place for place in range(len(split)) if not place or dialogue[place] != dialogue[place - 1]]
    for start, end in zip(starts, [*starts[1:], len(split)], strict=True):
        made += turns_of([(str(speaker[place]), split.items[place]) for place in range(start, end)], most)
    return dataclasses.replace(split, items=made)


def turns_of_file(path: str) -> list[Turn] | None:
    """Returns the turns of a file of dialogues, each with all that was said before it; None where the file is of another kind.

    Raises:
      UserError: it cannot be read, or a line is no dialogue where the first is one.
    """
    if not path.lower().removesuffix(".gz").endswith(".jsonl"):
        return None
    _, line = next(numbered_lines(path, advice="check --input"))
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, Mapping) or not values.keys() & {"dialogue", "context"}:
        return None
    return [turn for _, turns in _lines(path, sys.maxsize, "check --input") for turn in turns]
