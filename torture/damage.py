"""Files and trees spoilt at random; `random` may be Python's, or that of a property-based test, which then makes failures smaller."""

import json
import random
from collections.abc import Callable
from typing import Any

_WORST = (b"", b"\0", b"\xff", b"5", b"{}", b"[]", b"null", b"[" * 100_000, b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")
_SPLICES = (
    b"\0",
    b"\n",
    b"\r",
    b"\t",
    b'"',
    b",",
    b"{",
    b"]",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"NaN",
    b"1e999",
    b"-1",
    b"9" * 400,
)
_LEAVES = (None, True, -1, 0, 2**63, -(2**63), 10**40, 0.5, 1e308, float("inf"), float("nan"), "", "x", "\0", "\ud800", "../..", "[" * 400)


def with_values(**values: Any) -> Callable[[bytes], bytes]:
    """Returns what changes values of a JSON object; a name with __ in it is a path."""

    def damage(content: bytes) -> bytes:
        found = json.loads(content)
        for path, value in values.items():
            *parents, leaf = path.split("__")
            node = found
            for parent in parents:
                node = node[parent]
            node[leaf] = value
        return json.dumps(found).encode()

    return damage


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Returns a file's content with a few of its bytes, or all of them, made otherwise."""
    for _ in range(draw.randint(1, 3)):
        content = draw.choice(_DAMAGES)(content, draw)
    return content


def _place(content: bytes, draw: random.Random) -> int:
    return draw.randint(0, len(content))


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: _place(content, draw)]


def _beheaded(content: bytes, draw: random.Random) -> bytes:
    return content[_place(content, draw) :]


def _flipped(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.randint(1, 8) if changed else 0):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def _spliced(content: bytes, draw: random.Random) -> bytes:
    at = _place(content, draw)
    return content[:at] + draw.choice(_SPLICES) + content[at:]


def _gapped(content: bytes, draw: random.Random) -> bytes:
    first, last = sorted((_place(content, draw), _place(content, draw)))
    return content[:first] + content[last:]


def _twice(content: bytes, draw: random.Random) -> bytes:
    first, last = sorted((_place(content, draw), _place(content, draw)))
    return content[:last] + content[first:]


def _replaced(content: bytes, draw: random.Random) -> bytes:
    return draw.choice(_WORST)


def _json_changed(content: bytes, draw: random.Random) -> bytes:
    """One value of a JSON text, or of its first line, made another; where it is none, a few of its bytes."""
    head, newline, rest = content.partition(b"\n") if content[:1] == b"{" and b"\n{" in content else (content, b"", b"")
    try:
        tree = json.loads(head)
    except (ValueError, RecursionError):
        return _flipped(content, draw)
    return json.dumps(changed(tree, draw)).encode() + newline + rest


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut, _beheaded, _flipped, _flipped, _spliced, _gapped, _twice, _replaced, _json_changed, _json_changed
)  # fmt: skip


def leaf(draw: random.Random) -> Any:
    """Returns a value that few fields admit."""
    return draw.choice((*_LEAVES, [], {}, [[]], {"": {}}, ["x"] * 3, {"a": 5}))


def changed(tree: Any, draw: random.Random) -> Any:
    """Returns a tree of JSON with one value made another, dropped or added."""
    if not isinstance(tree, dict | list) or not tree or draw.random() < 0.1:
        return leaf(draw)
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    key = draw.choice(list(keys))
    made = tree.copy()
    way = draw.random()
    if way < 0.1:
        del made[key]
    elif way < 0.2 and isinstance(made, dict):
        made[draw.choice(("x", "", "\0", "model", "__class__"))] = leaf(draw)
    else:
        made[key] = changed(tree[key], draw)
    return made
