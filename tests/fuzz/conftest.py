"""Inputs drawn by hypothesis, which makes those that fail smaller, for about $TFVAE_FUZZ_SECONDS in all."""

import contextlib
import os
import time

import hypothesis
import pytest
from hypothesis import strategies

from torture.workshop import Workshop


class _Over(KeyboardInterrupt):
    """Time is over; hypothesis lets such an exception through, where a check that draws no more would be inconsistent to it."""


SECONDS = float(os.environ.get("TFVAE_FUZZ_SECONDS", "600"))


@pytest.fixture
def fuzzed():
    """Runs a check on draws of hypothesis for a share of the time; once one fails, for as long as making it smaller takes."""

    def run(check, share):
        end = [time.monotonic() + share * SECONDS]

        @hypothesis.settings(max_examples=4000, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(strategies.randoms(use_true_random=False))
        def attempt(draw):
            if time.monotonic() > end[0]:
                raise _Over
            try:
                check(draw)
            except Exception:
                end[0] = float("inf")
                raise

        with contextlib.suppress(_Over):
            attempt()

    return run


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """A small run and its export, made when they are wanted."""
    return Workshop(tmp_path_factory.mktemp("workshop"))
