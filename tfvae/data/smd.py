"""Stanford multi-domain dialogues (KVRET): a driver and an in-car assistant, in three domains. A turn is an example.

With `data.context`, it comes with the turns before it.

References:
  Eric, Krishnan, Charette, Manning. Key-Value Retrieval Networks for Task-Oriented Dialogue. SIGDIAL 2017.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import SPLITS, Corpus, Split
from tfvae.data.dialogues import with_contexts
from tfvae.data.files import WHITE_SPACE, corpus_folder, find_file, read_text
from tfvae.errors import UserError

_FILES = {"train": "kvret_train_public.json", "valid": "kvret_dev_public.json", "test": "kvret_test_public.json"}
_ENTITIES = "kvret_entities.json"
_WORD = re.compile(f"[^{WHITE_SPACE}]+")
_INTENTS = ("schedule", "navigate", "weather")
_SPEAKERS = ("driver", "assistant")
_ADVICE = (
    "unpack kvret_dataset_public.zip (scripts/prepare_data.py --corpus=smd does) and name its folder in config.data.dir, "
    "or make it $TFVAE_DATA_DIR/smd"
)


def read(data: DataConfig) -> Corpus:
    """Reads kvret_train_public.json, kvret_dev_public.json and kvret_test_public.json.

    Args:
      data: `dir` is their folder; empty: $TFVAE_DATA_DIR/smd. With `context`, turns come with those before them; with `delexicalize`,
        entities of kvret_entities.json are marks of their kinds.

    Returns:
      A corpus with the labels "intent", the dialogue's, and "speaker". The few turns in which nothing is said are left out.

    Raises:
      UserError: a file is missing, cannot be read or is not built as expected.
    """
    folder = corpus_folder(data, advice=_ADVICE)
    written = _marking(find_file(folder, [_ENTITIES], advice=_ADVICE)) if data.delexicalize else str
    splits = [_read_split(find_file(folder, [_FILES[name]], advice=_ADVICE)) for name in SPLITS]
    splits = [dataclasses.replace(split, items=[written(text) for text in split.items]) for split in splits]
    if data.context:
        splits = [with_contexts(split, split.lines, split.labels["speaker"], data.context) for split in splits]
    train, valid, test = splits
    return Corpus("smd", train, valid, test, {"intent": _INTENTS, "speaker": _SPEAKERS})


def _read_split(path: str) -> Split:
    try:
        dialogues = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON: {error.msg}; fetch the file again") from None
    if not isinstance(dialogues, list) or not dialogues:
        raise UserError(f"{path}: a list of dialogues is wanted; fetch the file again")
    turns = [turn for number, dialogue in enumerate(dialogues, 1) for turn in _turns(dialogue, number, path)]
    if not turns:
        raise UserError(f"{path}: nothing is said in any of its {len(dialogues)} dialogues; fetch the file again")
    texts, intents, speakers, numbers = zip(*turns, strict=True)
    labels = {"intent": np.array(intents, np.int32), "speaker": np.array(speakers, np.int32)}
    return Split(texts, labels, path, np.array(numbers, np.int64), "dialogue")


def _turns(dialogue: Any, number: int, path: str) -> Iterator[tuple[str, int, int, int]]:
    """Yields text, intent, speaker and the dialogue's number."""
    where = f"{path}: dialogue {number}"
    intent = _INTENTS.index(_get(dialogue, ("scenario", "task", "intent"), where, _INTENTS))
    turns = _get(dialogue, ("dialogue",), where)
    if not isinstance(turns, list):
        raise UserError(f"{where}: dialogue is no list of turns")
    for i, turn in enumerate(turns, 1):
        speaker = _SPEAKERS.index(_get(turn, ("turn",), f"{where}, turn {i}", _SPEAKERS))
        text = _get(turn, ("data", "utterance"), f"{where}, turn {i}")
        if not isinstance(text, str):
            raise UserError(f"{where}, turn {i}: data.utterance is no string")
        if words := _WORD.findall(text):
            yield " ".join(words), intent, speaker, number


def _marking(path: str) -> Callable[[str], str]:
    """Returns a function that puts <kind> where a text names an entity of that kind, the longest name first."""
    try:
        kinds = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON: {error.msg}; fetch the file again") from None
    if not isinstance(kinds, dict) or not all(isinstance(values, list) for values in kinds.values()):
        raise UserError(f"{path}: lists of entities by their kind are wanted; fetch the file again")
    marks: dict[str, str] = {}
    for kind, values in kinds.items():
        for value in values:
            names = value.items() if isinstance(value, dict) else [(kind, value)]
            for what, name in names:
                # a number alone is too many other things
                if isinstance(name, str) and what != "type":
                    marks.setdefault(name.lower(), f"<{what}>")
    if not marks:
        raise UserError(f"{path}: names no entity; fetch the file again")
    found = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(marks, key=len, reverse=True)))})(?!\w)", re.IGNORECASE)
    return lambda text: found.sub(lambda match: marks[match[0].lower()], text)


def _get(record: Any, keys: tuple[str, ...], where: str, known: tuple[str, ...] = ()) -> Any:
    """Returns the value under nested keys, one of `known` if any are given."""
    value = record
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise UserError(f"{where}: has no {'.'.join(keys)}")
        value = value[key]
    if known and value not in known:
        raise UserError(f"{where}: {'.'.join(keys)} is {value!r}, none of {', '.join(known)}")
    return value
