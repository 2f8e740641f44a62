import json

import numpy as np
import pytest

from tfvae.config import DataConfig
from tfvae.data import home_assistant
from tfvae.errors import UserError

INTENTS = {
    "intents": {
        "TurnOn": {
            "data": [
                {"sentences": ["<turn> on [the] {name} [in the {area}]"], "metadata": {"slot_combination": "name"}},
                {"sentences": ["[please] <turn> on everything"], "metadata": {"slot_combination": "all"}},
            ]
        },
        "SetTimer": {"data": [{"sentences": ["set a timer for {timer_minutes:minutes} minute[s]", "{timer_minutes} minute timer"]}]},
    },
    "lists": {"timer_minutes": {"range": {"from": 1, "to": 60}}},
    "expansion_rules": {"turn": "(turn|switch)"},
}


def make(folder, content):
    (folder / "en.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return DataConfig(name="home_assistant", dir=str(folder))


def test_sentences_have_their_intents_and_kinds(tmp_path):
    corpus = home_assistant.read(make(tmp_path, INTENTS))
    assert corpus.label_names == {
        "intent": ["SetTimer", "TurnOn"],
        "kind": ["SetTimer.default", "TurnOn.name"],
    }  # of the third too few differ
    assert len(corpus.train) + len(corpus.valid) + len(corpus.test) == 200
    for text, intent in zip(corpus.train.items, corpus.train.labels["intent"], strict=True):
        assert text.startswith(("turn on", "switch on")) == bool(intent) and ("timer" in text) != bool(intent)
    again = home_assistant.read(make(tmp_path, INTENTS))
    assert list(again.train.items) == list(corpus.train.items)
    np.testing.assert_array_equal(again.test.labels["kind"], corpus.test.labels["kind"])


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"intents": {"a": {}}, "lists": {}, "expansion_rules": {}}', '{"intents": 3}'])
def test_what_is_no_file_of_intents_is_said(tmp_path, content):
    with pytest.raises(UserError, match=r"en\.json"):
        home_assistant.read(make(tmp_path, content))


def test_a_missing_folder_is_said_with_how_to_get_it(tmp_path):
    with pytest.raises(UserError, match="home-assistant-intents"):
        home_assistant.read(DataConfig(name="home_assistant", dir=str(tmp_path)))
