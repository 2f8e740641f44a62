"""The page of what held is what the script made of its file, and all that is in it held."""

import json
import pathlib
import subprocess
import sys

import pytest

from tfvae.errors import UserError
from torture import page
from torture.main import PARTS

ROOT = pathlib.Path(__file__).parents[2]


def test_the_page_is_made_of_the_outcomes_that_are_kept():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    results = page.read(ROOT / "docs" / "reliability.json")
    assert page.render(text, results, PARTS) == text
    assert results and list(results) == [name for name in PARTS if name in results], "what is kept is of no part any more"
    assert {name: one["broken"] for name, one in results.items() if one["broken"] or one["held"] != one["tried"]} == {}
    assert all(one["tried"] > 0 for one in results.values())


def test_a_file_of_something_else_is_not_written_over(tmp_path):
    for content in ("{", "[]", '{"a": 5}', '{"a": {"attack": "x"}}'):
        (tmp_path / "x.json").write_text(content)
        with pytest.raises(UserError, match="is no file of this script's"):
            page.read(tmp_path / "x.json")


def test_the_script_tries_what_it_is_asked_and_writes_what_came_of_it(tmp_path):
    (tmp_path / "page.md").write_text("# Page\n\n<!-- torture -->\n<!-- /torture -->\nend\n")
    script = [sys.executable, str(ROOT / "scripts" / "torture.py")]
    flags = ["--parts=archives,fuzz-files", "--reads=22", f"--json={tmp_path / 'x.json'}", f"--page={tmp_path / 'page.md'}"]
    done = subprocess.run([*script, *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "x.json").read_text())
    assert [(name, one["tried"], one["held"]) for name, one in results.items()] == [("fuzz-files", 22, 22), ("archives", 32, 32)]
    text = (tmp_path / "page.md").read_text()
    assert "| `archives` |" in text and "Python 3" in text and text.startswith("# Page\n") and text.endswith("end\n")
    assert subprocess.run([*script, "--parts=archive"], capture_output=True, text=True).returncode == 2
