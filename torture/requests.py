"""Malformed requests, by HTTP and by gRPC: each is told to be the client's mistake, or answered."""

import contextlib
import http.client
import json
import random
from typing import Any

import grpc
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub

from benchmarks.serving import MODEL, Served, served
from torture.damage import changed, damaged
from torture.outcome import Outcome
from torture.workshop import Workshop

BODY = {
    "id": "a",
    "parameters": {"signature_name": "encode"},
    "inputs": [{"name": "texts", "shape": [2], "datatype": "BYTES", "data": ["the train was slow .", "a"]}],
}
_DATATYPES = ("BYTES", "FP32", "FP64", "INT32", "INT64", "UINT8", "BOOL", "", "NOTHING")
_SHAPES: tuple[list[int], ...] = ([1], [2], [0], [-1], [], [1, 1], [2**31], [2**62] * 3, [1] * 20)
_REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.RESOURCE_EXHAUSTED)


def body_of(draw: random.Random) -> bytes:
    """Returns the body of a request with something made otherwise."""
    whole = json.dumps(BODY).encode()
    return json.dumps(changed(BODY, draw)).encode() if draw.random() < 0.7 else damaged(whole, draw)


def send(server: Served, body: bytes) -> str:
    """Sends a body; returns what is wrong with the answer."""
    try:
        status, answer = server.ask("POST", f"/v2/models/{MODEL}/infer", body)
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error!r}"
    return "" if status == 200 or (400 <= status < 500 and answer) else f"status {status}: {answer[:200]!r}"


def raw_of(draw: random.Random) -> pb.ModelInferRequest:
    """Returns a request by gRPC with raw contents of any kind."""
    inputs = [
        pb.ModelInferRequest.InferInputTensor(
            name=draw.choice(("texts", "", "x")), datatype=draw.choice(_DATATYPES), shape=draw.choice(_SHAPES)
        )
        for _ in range(draw.randint(0, 2))
    ]
    raw = [damaged(draw.choice((b"\1\0\0\0a", b"\0\0\x80?", b"", b"\2\0\0\0ab\1\0\0\0c")), draw) for _ in range(draw.randint(0, 2))]
    return pb.ModelInferRequest(
        model_name=draw.choice((MODEL, MODEL, MODEL, "x")), inputs=inputs, raw_input_contents=[each[:10_000] for each in raw]
    )


def call(stub: Any, request: pb.ModelInferRequest) -> str:
    """Sends a request by gRPC; returns what is wrong with the answer."""
    try:
        stub.ModelInfer(request, timeout=60)
    except grpc.RpcError as error:
        return "" if error.code() in _REFUSED else f"{error.code()}: {error.details()!r:.200}"
    return ""


@contextlib.contextmanager
def stub_of(server: Served) -> Any:
    """Opens a channel to a server."""
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc}") as channel:
        yield GRPCInferenceServiceStub(channel)


def send_bodies(server: Served, tries: int, draw: random.Random, outcome: Outcome) -> None:
    """Sends malformed bodies by HTTP."""
    for _ in range(tries):
        body = body_of(draw)
        outcome.count(f"{body[:200]!r}", send(server, body))


def send_raw_contents(server: Served, tries: int, draw: random.Random, outcome: Outcome) -> None:
    """Sends malformed contents by gRPC."""
    with stub_of(server) as stub:
        for _ in range(tries):
            request = raw_of(draw)
            outcome.count(f"gRPC {request!s:.200}", call(stub, request))


def malform(workshop: Workshop, tries: int, draw: random.Random) -> Outcome:
    """Sends malformed requests to a server, half of them by each protocol."""
    outcome = Outcome("a malformed request (HTTP bodies, gRPC raw contents)", "answered, or a status that says it is the client's mistake")
    with served(workshop.models) as server:
        send_bodies(server, tries - tries // 2, draw, outcome)
        send_raw_contents(server, tries // 2, draw, outcome)
        outcome.count("afterwards", send(server, json.dumps(BODY).encode()))
    return outcome
