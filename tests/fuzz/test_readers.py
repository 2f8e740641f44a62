import pytest

from torture.damage import damaged
from torture.fuzz import quiet
from torture.inputs import READERS, write
from torture.outcome import told


@pytest.mark.fuzz
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_read_or_told_in_one_line(tmp_path, fuzzed, name):
    file, content, read = READERS[name]

    def check(draw):
        path = write(tmp_path, file, damaged(content, draw))
        problem = told(lambda: read(path))
        assert not problem, problem

    with quiet():
        fuzzed(check, 0.4 / len(READERS))
