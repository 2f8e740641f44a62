import json
import random

import numpy as np
import pytest

from tfvae.errors import UserError
from torture.crowding import ended
from torture.damage import changed, damaged
from torture.fuzz import fuzz_files, fuzz_values
from torture.kills import contents, difference
from torture.load import grown
from torture.outcome import Outcome, told
from torture.workshop import Workshop


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("two\nlines"), UserError(""), RecursionError(), UserError("x" * 3000)])
def test_what_is_not_told_in_one_line_broke(error):
    def fails():
        raise error

    assert told(fails)
    assert not told(lambda: None) and not told(lambda: (_ for _ in ()).throw(UserError("one line")))


def test_an_outcome_counts_what_broke():
    outcome = Outcome("a", "b")
    for i in range(8):
        outcome.count(str(i), "broke" if i % 4 else "")
    kept = outcome.to_dict()
    assert (kept["tried"], kept["held"], len(kept["broken"])) == (8, 2, 5)


def test_damages_are_those_of_the_draw_and_mostly_change_the_file():
    content = json.dumps({"a": {"b": [1, 2]}, "c": "d"}).encode()
    spoilt = [damaged(content, random.Random(i)) for i in range(300)]
    assert spoilt == [damaged(content, random.Random(i)) for i in range(300)]
    assert sum(each != content for each in spoilt) > 280 and len(set(spoilt)) > 200
    tree = json.loads(content)
    assert sum(changed(tree, random.Random(i)) != tree for i in range(300)) > 280
    assert tree == json.loads(content), "the tree itself was changed"


def test_differences_of_runs_are_found(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "snapshots").mkdir(parents=True)
        (tmp_path / name / "metrics.jsonl").write_text(f'{{"epoch": 1, "loss": 0.1, "seconds": {len(name)}}}\n')
        np.savez(tmp_path / name / "snapshots" / "epoch-00001.npz", mean=np.ones(3, np.float32))
    one = contents(tmp_path / "one")
    assert len(one) == 2 and difference(one, contents(tmp_path / "other")) == ""
    np.savez(tmp_path / "other" / "snapshots" / "epoch-00001.npz", mean=np.nextafter(np.ones(3, np.float32), 2))
    assert "epoch-00001.npz/mean" in difference(one, contents(tmp_path / "other"))
    (tmp_path / "other" / "metrics.jsonl").unlink()
    assert "metrics.jsonl" in difference(one, contents(tmp_path / "other"))


def test_two_that_both_train_or_say_more_than_a_line_broke():
    one_line = "error: --run=r is held by another process"
    assert not ended([("", 0), (one_line, 2)]) and not ended([("", 0), ("", 0)])
    assert ended([("", 0), ("Traceback\n" + one_line, 2)]) and ended([(one_line, 2), (one_line, 2)]) and ended([("", 0), ("", -11)])


def test_memory_that_grows_is_seen_and_what_settles_is_not():
    assert grown([1000, 1400, 1500, *([1500] * 20)]) == 1.0
    assert grown([1000 + 100 * i for i in range(20)]) > 1.5
    assert grown([1000, 1500]) == 1.0


def test_damaged_inputs_and_values_of_any_kind_are_told(tmp_path):
    """A few of what scripts/torture.py does by the hundred."""
    for attack, tries in ((fuzz_files, 150), (fuzz_values, 40)):
        outcome = attack(Workshop(tmp_path), tries, random.Random(0))
        assert (outcome.tried, outcome.broken) == (tries, [])
