import gzip
import json

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import corpora, dialogues
from tfvae.data.turn import Said
from tfvae.errors import UserError

LINES = [
    {"dialogue": ["hi", "hello", "", "bye"]},
    {"dialogue": [{"speaker": "a", "text": "one"}, {"speaker": "a", "text": "two"}, {"speaker": "b", "text": "three"}]},
    {"context": ["what ?", "where ?"], "text": " here "},
    {"text": "alone"},
]


def make(folder, lines=LINES, **fields):
    path = folder / "d.jsonl"
    path.write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return DataConfig(name="dialogues", train_file=str(path), **{"context": 10, **fields})


def named(folder, **fields):
    data = make(folder, **fields)
    data.valid_file = data.test_file = data.train_file
    return data


def test_a_line_is_a_dialogue_or_an_answer(tmp_path):
    train = corpora.read(named(tmp_path)).train
    assert list(train.items) == ["hi", "hello", "bye", "one", "two", "three", "here", "alone"]
    assert [turn.context for turn in train.items][2:] == [
        (Said("hi", False), Said("hello", True)),
        (),
        (Said("one", True),),
        (Said("one", False), Said("two", False)),
        (Said("what ?", True), Said("where ?", False)),
        (),
    ]
    np.testing.assert_array_equal(train.lines, [1, 1, 1, 2, 2, 2, 3, 4])
    assert train.where(3) == f"{tmp_path / 'd.jsonl'}:2"


def test_the_last_turns_are_kept(tmp_path):
    train = corpora.read(named(tmp_path, context=1)).train
    assert [turn.context for turn in train.items][5:7] == [(Said("two", False),), (Said("where ?", False),)]
    assert not any(turn.context for turn in corpora.read(named(tmp_path, context=0)).train.items)


def test_splits_are_drawn_by_whole_dialogues(tmp_path):
    data = make(tmp_path, [{"dialogue": [f"{i} a", f"{i} b", f"{i} c"]} for i in range(20)], test_fraction=0.2)
    corpus = corpora.read(data)
    parts = [{turn.split()[0] for turn in split.items} for split in (corpus.train, corpus.valid, corpus.test)]
    assert [len(part) for part in parts] == [14, 2, 4] and len(set.union(*parts)) == 20
    assert list(corpora.read(data).test.items) == list(corpus.test.items)
    data.split_seed = 1
    assert list(corpora.read(data).test.items) != list(corpus.test.items)
    data.valid_file = data.train_file
    assert len(corpora.read(data).valid) == 60


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"dialogue": [\n'], r":1: not JSON: .*; a line is"),
        ([{"dialogue": ["hi"]}, "hello\n"], r":2: not JSON"),
        ([{"dialogue": ["hi"]}, [3]], r":2: no dialogue; a line is \{"),
        ([{"turns": []}], r":1: no dialogue"),
        ([{"dialogue": "hi"}], r":1: dialogue is no list of turns"),
        ([{"dialogue": ["hi", 3]}], r":1, turn 2: must be a text"),
        ([{"dialogue": [{"speaker": "a"}]}], r':1, turn 1: has no "text"'),
        ([{"context": "hi", "text": "a"}], r":1, context: must be a list of earlier turns, not str"),
        ([{"context": ["hi"], "text": None}], r':1: has no "text"'),
        ([{"context": [{"speaker": "a", "text": "b"}], "text": "c"}], r":1, context: names speakers, and not who answers"),
        (['{"text": "a\\u0000b"}\n'], r":1: a NUL character in a turn"),
        (['{"text": "a\\ud800b"}\n'], r":1: half of a surrogate pair"),
        ([{"dialogue": ["", " "]}, {"text": ""}], r": nothing is said in any of its 2 lines"),
    ],
)
def test_what_is_off_is_said_with_its_line(tmp_path, lines, message):
    with pytest.raises(UserError, match=rf"d\.jsonl{message}") as caught:
        corpora.read(named(tmp_path, lines=lines))
    assert "\n" not in str(caught.value)


def test_too_few_lines_to_draw_from_are_told(tmp_path):
    with pytest.raises(
        UserError, match=r"d\.jsonl: too few lines: 2, of which test and valid would be drawn: name config\.data\.test_file"
    ):
        corpora.read(make(tmp_path, LINES[:2]))
    with pytest.raises(UserError, match=r"the dialogues corpus needs a training file"):
        corpora.read(DataConfig(name="dialogues"))


def test_a_file_of_dialogues_is_told_from_others(tmp_path):
    make(tmp_path)
    turns = dialogues.turns_of_file(str(tmp_path / "d.jsonl"))
    assert len(turns) == 8 and turns[2].context == (Said("hi", False), Said("hello", True))
    with gzip.open(tmp_path / "d.jsonl.gz", "wt") as file:
        file.write((tmp_path / "d.jsonl").read_text())
    assert dialogues.turns_of_file(str(tmp_path / "d.jsonl.gz")) == turns
    for name, text in (("t.txt", '{"dialogue": []}'), ("t.jsonl", '{"text": "a"}'), ("u.jsonl", "a")):
        (tmp_path / name).write_text(text)
        assert dialogues.turns_of_file(str(tmp_path / name)) is None
