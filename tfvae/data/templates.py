"""Sentences of templates: (a|b) is one of several, [a] may be left out, (a;b) comes in any order, <rule> and {list} stand for others.

The grammar is that of hassil, which Home Assistant's intents are written in.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Node = tuple[str, Any]
"""What a part of a template is: "text", "all" after each other, "one" of several, "mixed" in any order, "maybe", "rule" or "list"."""


def parse(template: str) -> Node:
    """Returns a template as a tree.

    Raises:
      ValueError: a bracket is not closed, or closes nothing.
    """
    node, end = _choices(template, 0)
    if end != len(template):
        raise ValueError(f"{template!r}: {template[end]!r} at {end} closes nothing")
    return node


_PAIRS = {"(": ")", "[": "]", "<": ">", "{": "}"}


def _choices(text: str, at: int) -> tuple[Node, int]:
    """What is between two brackets: sequences with | or ; between."""
    parts, marks = [], set()
    while True:
        part, at = _sequence(text, at)
        parts.append(part)
        if at == len(text) or text[at] not in "|;":
            break
        marks.add(text[at])
        at += 1
    if len(parts) == 1:
        return parts[0], at
    return ("mixed" if ";" in marks else "one", parts), at


def _sequence(text: str, at: int) -> tuple[Node, int]:
    parts: list[Node] = []
    while at < len(text) and text[at] not in "|;)]":
        opening = text[at]
        if opening in "([":
            node, end = _choices(text, at + 1)
            if end == len(text) or text[end] != _PAIRS[opening]:
                raise ValueError(f"{text!r}: {opening!r} at {at} is not closed")
            parts.append(node if opening == "(" else ("maybe", node))
            at = end + 1
        elif opening in "<{":
            end = text.find(_PAIRS[opening], at)
            if end < 0:
                raise ValueError(f"{text!r}: {opening!r} at {at} is not closed")
            parts.append(("rule" if opening == "<" else "list", text[at + 1 : end].partition(":")[0]))
            at = end + 1
        else:
            end = next((place for place in range(at, len(text)) if text[place] in "([<{|;)]"), len(text))
            parts.append(("text", text[at:end]))
            at = end
    return ("all", parts), at


def say(node: Node, rules: Callable[[str], Node], values: Callable[[str], str], draw: np.random.Generator) -> str:
    """Returns a sentence of a template.

    Args:
      node: the template.
      rules: returns the template of a rule's name.
      values: returns a value of a list's name.
      draw: draws what is open.
    """
    kind, content = node
    if kind == "text":
        return content
    if kind == "rule":
        return say(rules(content), rules, values, draw)
    if kind == "list":
        return values(content)
    if kind == "maybe":
        return say(content, rules, values, draw) if draw.random() < 0.5 else ""
    if kind == "one":
        return say(content[draw.integers(len(content))], rules, values, draw)
    order = draw.permutation(len(content)) if kind == "mixed" else range(len(content))
    return (" " if kind == "mixed" else "").join(say(content[place], rules, values, draw) for place in order)
