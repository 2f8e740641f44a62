import io
import json

import pytest

from tfvae.data.escapes import VisibleStream, spreadsheet_cell, visible


def test_control_characters_are_written_out_and_nothing_else_is_changed():
    assert visible("a\x1b[31mb\x9b\x7f\0\r\n\tü 二 \u200d") == "a\\u001b[31mb\\u009b\\u007f\\u0000\\u000d\n\tü 二 \u200d"
    assert visible("a\tb\nc", keep="") == "a\\u0009b\\u000ac"


def test_json_stays_json_of_the_same_strings():
    text = "a\x1b\x9b\x7f\n"
    assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text


def test_a_stream_is_written_no_control_characters_and_is_else_what_it_was():
    inner = io.StringIO()
    stream = VisibleStream(inner)
    print("a\x1b]0;title\x07", file=stream)
    stream.writelines(["b\x08\n"])
    assert inner.getvalue() == "a\\u001b]0;title\\u0007\nb\\u0008\n" and stream.isatty() is False


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(start):
    assert spreadsheet_cell(f"{start}1+1") == f"'{start}1+1"
    assert spreadsheet_cell([f"{start}1", "b"]) == f"'{start}1 | b"


@pytest.mark.parametrize("value", ["a = b", "", -1, -0.5, None])
def test_what_is_no_formula_is_left_alone(value):
    assert spreadsheet_cell(value) == value
