import copy
import pickle

import pytest

from tfvae.data.turn import Said, Turn, alternating, context_of, turns_of
from tfvae.errors import UserError


def test_a_turn_is_its_text_and_keeps_what_was_said_before():
    turn = Turn("hi", [Said("hello", False), Said("  ", True)])
    assert turn == "hi" and isinstance(turn, str) and turn.context == (Said("hello", False),)
    for other in (copy.copy(turn), pickle.loads(pickle.dumps(turn))):
        assert (str(other), other.context) == ("hi", turn.context)
    assert Turn("hi").context == ()


def test_two_who_speak_in_turn_are_told_apart_from_the_end():
    assert alternating(["a", "b", "c"]) == (Said("a", False), Said("b", True), Said("c", False))
    assert alternating(["a", "", " ", "b"]) == (Said("a", True), Said("b", False))  # empty turns are none
    assert alternating([]) == ()


def test_every_turn_of_a_dialogue_has_the_last_ones_before_it():
    turns = turns_of([("x", "a"), ("y", "b"), ("y", ""), ("x", "c")], 2)
    assert [str(turn) for turn in turns] == ["a", "b", "", "c"]
    assert turns[0].context == () and turns[1].context == (Said("a", False),)
    assert turns[3].context == (Said("a", True), Said("b", False))
    assert turns_of([("x", "a"), ("y", "b"), ("x", "c")], 1)[2].context == (Said("b", False),)
    assert turns_of([("x", "a"), ("y", "b")], 0)[1].context == ()


def test_a_user_gives_texts_or_speakers():
    assert context_of(["a", "b"], "context") == (Said("a", True), Said("b", False))
    named = [{"speaker": "x", "text": "a"}, {"speaker": "x", "text": "b"}, {"speaker": "y", "text": ""}]
    assert context_of(named, "context", "y") == (Said("a", False), Said("b", False))


@pytest.mark.parametrize(
    ("context", "speaker", "message"),
    [
        ("hello", "", "context: must be a list of earlier turns, not str: put one turn into a list too"),
        (3, "", "context: must be a list of earlier turns, not int"),
        (["a", 3], "", "context, turn 2: must be a text, or an object with"),
        ([{"speaker": "x"}], "", 'context, turn 1: has no "text" that is a string'),
        ([{"speaker": 3, "text": "a"}], "", "context, turn 1: speaker is no string"),
        ([{"speaker": "x", "text": "a"}], "", "context: names speakers, and not who answers"),
        ([{"speaker": "x", "text": "a"}, "b"], "x", "context, turn 2: names no speaker where others do"),
    ],
)
def test_what_is_no_context_is_told(context, speaker, message):
    with pytest.raises(UserError, match=f"^{message}"):
        context_of(context, "context", speaker)
