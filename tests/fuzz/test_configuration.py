import json

import pytest

from torture.damage import changed, damaged
from torture.fuzz import flags_of, parse, quiet, read_configuration
from torture.inputs import write
from torture.outcome import told


@pytest.mark.fuzz
@pytest.mark.parametrize("way", [lambda whole, draw: json.dumps(changed(json.loads(whole), draw)).encode(), damaged], ids=["tree", "bytes"])
def test_a_configuration_of_any_kind_is_valid_or_told_in_one_line(tmp_path, workshop, fuzzed, way):
    whole = (workshop.run / "config.json").read_bytes()

    def check(draw):
        path = write(tmp_path, "c.json", way(whole, draw))
        problem = told(lambda: read_configuration(path))
        assert not problem, problem

    with quiet():
        fuzzed(check, 0.05)


@pytest.mark.fuzz
def test_a_command_line_of_any_values_is_valid_or_told_in_one_line(fuzzed):
    def check(draw):
        flags = flags_of(draw)
        problem = parse(flags)
        assert not problem, (flags, problem)

    with quiet():
        fuzzed(check, 0.1)
