import json

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import smd
from tfvae.data.turn import Said
from tfvae.errors import UserError


def turn(speaker, text):
    return {"turn": speaker, "data": {"utterance": text, "end_dialogue": False}}


DIALOGUES = [
    {"dialogue": [turn("driver", "Where to?"), turn("assistant", " Home,\n I guess. ")], "scenario": {"task": {"intent": "navigate"}}},
    {"dialogue": [turn("driver", "  "), turn("driver", "Rain?")], "scenario": {"task": {"intent": "weather"}}},
]


def make(folder, train=DIALOGUES):
    for name, dialogues in {"train": train, "dev": DIALOGUES, "test": DIALOGUES}.items():
        text = dialogues if isinstance(dialogues, str) else json.dumps(dialogues, indent=1)
        (folder / f"kvret_{name}_public.json").write_text(text, encoding="utf-8")
    return DataConfig(name="smd", dir=str(folder))


def test_a_turn_is_an_example_with_its_dialogue_s_intent_and_its_speaker(tmp_path):
    corpus = smd.read(make(tmp_path))
    for split in (corpus.train, corpus.valid, corpus.test):
        assert list(split.items) == ["Where to?", "Home, I guess.", "Rain?"]
        assert [corpus.label_names["intent"][i] for i in split.labels["intent"]] == ["navigate", "navigate", "weather"]
        assert [corpus.label_names["speaker"][i] for i in split.labels["speaker"]] == ["driver", "assistant", "driver"]
        np.testing.assert_array_equal(split.lines, [1, 1, 2])
    assert corpus.train.where(2) == f"{tmp_path / 'kvret_train_public.json'}: dialogue 2"


def test_with_contexts_turns_are_the_same_and_know_of_those_before(tmp_path):
    data = make(tmp_path)
    plain = smd.read(data).train
    data.context = 5
    train = smd.read(data).train
    assert list(train.items) == list(plain.items)
    assert [turn.context for turn in train.items] == [(), (Said("Where to?", False),), ()]  # the silent turn is none


ENTITIES = {
    "poi": [{"poi": "Home", "address": "5 Ave", "type": "house"}, {"poi": "Home Inn", "address": "5 Ave", "type": "house"}],
    "distance": [4],
}


def test_entities_become_marks_of_their_kinds(tmp_path):
    data = make(tmp_path)
    data.delexicalize = True
    with pytest.raises(UserError, match=r"holds no kvret_entities\.json"):
        smd.read(data)
    (tmp_path / "kvret_entities.json").write_text(json.dumps(ENTITIES))
    assert smd.read(data).train.items[1] == "<poi>, I guess."
    mark = smd._marking(str(tmp_path / "kvret_entities.json"))
    assert mark("The home inn at 5 ave is 4 miles from homes") == "The <poi> at <address> is 4 miles from homes"
    for text, message in (("{", r"kvret_entities\.json:2: not JSON"), ("[]", "lists of entities"), ("{}", "names no entity")):
        (tmp_path / "kvret_entities.json").write_text(text)
        with pytest.raises(UserError, match=message):
            smd.read(data)


def changed(path, value):
    """The dialogues with one value replaced, or taken out where it is None."""
    dialogues = json.loads(json.dumps(DIALOGUES))
    record = dialogues
    for key in path[:-1]:
        record = record[key]
    if value is None:
        del record[path[-1]]
    else:
        record[path[-1]] = value
    return dialogues


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ('[{"dialogue":\n [}', r"kvret_train_public\.json:2: not JSON"),
        ("", r"kvret_train_public\.json:1: not JSON"),
        ("{}", "a list of dialogues is wanted"),
        ("[]", "a list of dialogues is wanted"),
        ("[3]", r"dialogue 1: has no scenario\.task\.intent"),
        (changed([1, "scenario", "task"], None), r"dialogue 2: has no scenario\.task\.intent"),
        (
            changed([1, "scenario", "task", "intent"], "fly"),
            r"dialogue 2: scenario\.task\.intent is 'fly', none of schedule, nav",
        ),
        (changed([0, "dialogue"], "hello"), "dialogue 1: dialogue is no list of turns"),
        (changed([0, "dialogue", 1, "turn"], "cook"), "dialogue 1, turn 2: turn is 'cook', none of driver, assistant"),
        (changed([0, "dialogue", 1, "data"], None), r"dialogue 1, turn 2: has no data\.utterance"),
        (changed([0, "dialogue", 0, "data", "utterance"], 7), r"dialogue 1, turn 1: data\.utterance is no string"),
        ([{**DIALOGUES[0], "dialogue": []}], "nothing is said in any of its 1 dialogues"),
    ],
)
def test_what_is_off_is_said_with_its_file_and_place(tmp_path, train, message):
    with pytest.raises(UserError, match=message):
        smd.read(make(tmp_path, train))


def test_a_missing_file_is_told(tmp_path):
    data = make(tmp_path)
    (tmp_path / "kvret_dev_public.json").unlink()
    with pytest.raises(UserError, match=r"holds no kvret_dev_public\.json; unpack kvret_dataset_public\.zip"):
        smd.read(data)


def test_the_real_corpus_has_all_turns_in_which_something_is_said(data_dir):
    if not (data_dir / "smd").is_dir():
        pytest.skip(f"no {data_dir / 'smd'}")
    corpus = smd.read(DataConfig(name="smd", dir=str(data_dir / "smd")))
    assert [len(corpus.split(name)) for name in ("train", "valid", "test")] == [12720 - 7, 1567 - 1, 1629 - 2]
    assert corpus.test.lines[-1] == 304
    whole = smd.read(DataConfig(name="smd", dir=str(data_dir / "smd"), context=50, delexicalize=True)).test
    assert len(whole) == len(corpus.test) and sum(not turn.context for turn in whole.items) == 304
    assert max(len(turn.context) for turn in whole.items) == 11 and whole.items[-1].context[-1].own is False
    assert sum("<poi>" in turn for turn in whole.items) > 100
