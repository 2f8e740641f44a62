"""Kills and crowds, a few of what scripts/torture.py does by the dozen."""

import random

import pytest

from torture.crowding import crowd
from torture.kills import kill_training
from torture.workshop import Workshop


@pytest.mark.slow
@pytest.mark.parametrize("attack", [kill_training, crowd])
def test_killed_and_crowded_runs_end_as_those_left_alone(tmp_path, attack):
    outcome = attack(Workshop(tmp_path), 2, random.Random(0))
    assert (outcome.tried, outcome.broken) == (2, [])
