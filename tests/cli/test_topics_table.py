import csv

from tfvae.cli.topics import _write


def test_no_cell_of_a_table_of_topics_is_a_formula(tmp_path):
    _write(str(tmp_path / "t.csv"), [{"=HYPERLINK()": "@name", "share": -0.5, "words": ["-a", "b"], "examples": ["fine", "=1"]}])
    with open(tmp_path / "t.csv", newline="") as file:
        head, row = csv.reader(file)
    assert head == ["'=HYPERLINK()", "share", "words", "examples"] and row == ["'@name", "-0.5", "'-a | b", "fine | =1"]


def test_an_empty_table_is_an_empty_file(tmp_path):
    _write(str(tmp_path / "t.csv"), [])
    assert (tmp_path / "t.csv").read_bytes() == b""
