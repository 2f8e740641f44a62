import json

import pytest

from benchmarks.serving import served
from torture.requests import BODY, body_of, call, raw_of, send, stub_of


@pytest.fixture(scope="module")
def server(workshop):
    with served(workshop.models) as running:
        yield running


@pytest.mark.fuzz
def test_a_body_of_any_kind_is_answered_or_the_clients_mistake(server, fuzzed):
    def check(draw):
        body = body_of(draw)
        problem = send(server, body)
        assert not problem, (body[:500], problem)

    fuzzed(check, 0.1)
    assert not send(server, json.dumps(BODY).encode())


@pytest.mark.fuzz
def test_raw_contents_of_any_kind_are_answered_or_the_clients_mistake(server, fuzzed):
    with stub_of(server) as stub:

        def check(draw):
            request = raw_of(draw)
            problem = call(stub, request)
            assert not problem, (request, problem)

        fuzzed(check, 0.05)
    assert not send(server, json.dumps(BODY).encode())
