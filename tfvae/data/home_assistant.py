"""Commands to a smart home: sentences of the templates by which Home Assistant knows intents.

References:
  The Home Assistant Authors. Intents for Home Assistant. github.com/home-assistant/intents, CC BY 4.0.
"""

import functools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfvae.config import DataConfig
from tfvae.data.corpus import Corpus
from tfvae.data.files import corpus_folder, find_file, read_text
from tfvae.data.labelled_texts import LabelledTexts, corpus_of
from tfvae.data.templates import Node, parse, say
from tfvae.errors import UserError

_ADVICE = "`pip download --no-deps home-assistant-intents` and tfvae-prepare-data --corpus=home_assistant --archive=WHEEL make it"
_MOST, _LEAST, _TRIES = 100, 20, 4  # different sentences of a kind, those below which it is left out, and draws for each
_NAMED: Mapping[str, tuple[str, ...]] = {
    "area": ("kitchen", "living room", "bedroom", "bathroom", "garage", "office", "hallway", "garden", "attic", "basement", "nursery"),
    "floor": ("first floor", "ground floor", "second floor", "upstairs"),
    "name": (
        *("ceiling light", "desk lamp", "floor lamp", "porch light", "coffee machine", "washing machine", "fan", "heater", "tv", "speaker"),
        *(
            "left curtain",
            "bedroom blinds",
            "front door",
            "garage door",
            "vacuum",
            "robot mower",
            "thermostat",
            "party scene",
            "air purifier",
        ),
    ),
    "message": ("dinner is ready", "the movie starts now", "time to go to school", "breakfast is served"),
    "search_query": ("the beatles", "jazz", "classical music", "my running playlist", "queen"),
    "timer_name": ("pizza", "laundry", "tea", "egg"),
    "timer_command": ("open the garage door", "turn off the lights"),
    "shopping_list_item": ("milk", "apples", "bread", "eggs", "cheese"),
    "todo_list_item": ("call mom", "walk the dog", "pay the rent", "water the plants"),
    "zone": ("home", "work", "school"),
}
"""What stands for the names that a home gives its things."""


def read(data: DataConfig) -> Corpus:
    """Makes the corpus of `en.json`; it is the same wherever it is made. Splits are drawn by `split_seed`.

    Returns:
      sentences with the labels "intent" and "kind", the intent and which of its details are said.

    Raises:
      UserError: there is no such file, or it is no file of intents.
    """
    path = find_file(corpus_folder(data, advice=_ADVICE), ["en.json"], advice=_ADVICE)
    try:
        rows = list(_sentences(json.loads(read_text(path))))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: not JSON: {error.msg}; {_ADVICE}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: not a file of Home Assistant's intents: {' '.join(str(error).split())[:200]}; {_ADVICE}") from None
    order = np.random.default_rng(0).permutation(len(rows))
    texts, intents, kinds = zip(*(rows[i] for i in order), strict=True) if rows else ((), (), ())
    made = LabelledTexts.of_rows(texts, {"intent": intents, "kind": kinds}, os.fspath(path), "sentence")
    return corpus_of({"train": made}, data)


def _sentences(intents: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Sentences with their intents and kinds."""
    draw = np.random.default_rng(0)
    rule = functools.cache(lambda name: parse(intents["expansion_rules"][name]))

    def value(name: str) -> str:
        return _value(name, intents["lists"].get(name, {}), rule, value, draw)

    found = []
    for intent, described in intents["intents"].items():
        kinds: dict[str, list[Node]] = {}
        for block in described["data"]:
            combination = block.get("metadata", {}).get("slot_combination", "default")
            kinds.setdefault(combination, []).extend(parse(template) for template in block["sentences"])
        for combination, templates in kinds.items():
            said: dict[str, None] = {}
            for _ in range(_TRIES * _MOST):
                if len(said) == _MOST:
                    break
                said[" ".join(say(templates[draw.integers(len(templates))], rule, value, draw).lower().split())] = None
            if len(said) >= _LEAST:
                found += [(sentence, intent, f"{intent}.{combination}") for sentence in said]
    return found


def _value(
    name: str, described: Mapping[str, Any], rule: Callable[[str], Node], value: Callable[[str], str], draw: np.random.Generator
) -> str:
    if name in _NAMED:
        return _NAMED[name][draw.integers(len(_NAMED[name]))]
    if "range" in described:
        bounds = described["range"]
        return str(draw.integers(bounds["from"], bounds["to"] + 1))
    if "values" in described:
        chosen = described["values"][draw.integers(len(described["values"]))]
        return say(parse(chosen["in"] if isinstance(chosen, Mapping) else chosen), rule, value, draw)
    return _NAMED["name"][draw.integers(len(_NAMED["name"]))]
