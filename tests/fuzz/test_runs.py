import shutil

import pytest

from torture.damage import damaged
from torture.fuzz import quiet, use
from torture.outcome import told


@pytest.mark.fuzz
@pytest.mark.parametrize(
    ("pattern", "share"),
    [
        ("config.json", 0.05),
        ("metrics.jsonl", 0.05),
        ("vocabulary.txt", 0.05),
        ("model.weights.h5", 0.05),
        ("checkpoint/*/memory.json", 0.05),
    ],
)
def test_a_damaged_file_of_a_run_is_read_or_told_in_one_line(tmp_path, workshop, fuzzed, pattern, share):
    def check(draw):
        copy = tmp_path / "run"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(workshop.run, copy)
        file = next(copy.glob(pattern))
        file.write_bytes(damaged(file.read_bytes(), draw))
        problem = told(lambda: use(copy, pattern))
        assert not problem, problem

    with quiet():
        fuzzed(check, share)
