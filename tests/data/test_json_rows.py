"""Lines that are null, over which Arrow's reader of JSON ends the process."""

import io

import pytest

from tfvae.data import json_rows
from tfvae.data.json_rows import no_nulls
from tfvae.data.tables import read_texts
from tfvae.errors import UserError

ROW = b'{"text": "a null b"}\n'
NULLS = [b"null", b"  null\n", b"\xef\xbb\xbfnull\n", ROW + b"null\n", ROW + b"\r\n\t null\n", b"nullnull", ROW.rstrip() + b"\rnull"]


@pytest.mark.parametrize("content", [*NULLS, ROW + b"null\n" * 600_000])
def test_a_line_that_is_null_is_told_and_ends_no_process(tmp_path, content):
    (tmp_path / "t.jsonl").write_bytes(content)
    with pytest.raises(UserError, match=r"t\.jsonl: a line is null where an object is wanted"):
        read_texts(str(tmp_path / "t.jsonl"), "jsonl")


@pytest.mark.parametrize("buffer", [1, 2, 3, 7, 64])
def test_lines_are_seen_wherever_reading_stops(monkeypatch, buffer):
    monkeypatch.setattr(json_rows, "_BUFFER", buffer)
    for content in NULLS:
        with pytest.raises(UserError):
            no_nulls(io.BytesIO(content), "x").read()
    whole = ROW * 3 + b'{"text": "null"}\n\n  {"text": null}\n'
    assert no_nulls(io.BytesIO(whole), "x").read() == whole
