"""The page of performance is what its command makes of the measurements that are kept."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
try:
    from benchmarks.page import render
finally:
    sys.path.remove(str(ROOT))


def test_the_page_of_performance_is_made_of_the_measurements_that_are_kept():
    text = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    kept = sorted((ROOT / "docs" / "benchmarks").glob("*.json"))
    assert kept and render(text, [json.loads(file.read_text(encoding="utf-8")) for file in kept]) == text
