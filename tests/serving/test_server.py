import asyncio
import contextlib
import http.client
import json
import shutil
import socket
import threading
import time

import grpc
import numpy as np
import pytest
from mlserver import MLServer
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.types import InferenceResponse

from benchmarks.serving import MODEL, free_ports, load, served
from tfvae.cli.model import SMOKE
from tfvae.errors import UserError
from tfvae.export.saved_model import export
from tfvae.export.settings import Settings
from tfvae.registry import resolve
from tfvae.serving.client import Client, Refused
from tfvae.serving.limits import Limits
from tfvae.serving.runtime import LOADED
from tfvae.serving.server import Server
from tfvae.training.fit import fit
from torture.outcome import Outcome
from torture.places import ask_for_names

LIMITS = ("--rows=32", "--characters=500", "--total_characters=10000", "--bytes=100000", "--seconds=3", "--connections=24")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with version 1 of a model."""
    home = tmp_path_factory.mktemp("serving")
    config = resolve("dem_vae", "demo", base={**SMOKE, "data.limit": 100, "training.epochs": 1})
    fit(config, str(home / "run"), say=lambda line: None)
    export(str(home / "run"), str(home / "models"), name=MODEL, settings=Settings(samples=5, steps=3, max_length=10))
    (home / "models" / "notes.txt").write_text("no model")
    (home / "models" / MODEL / "partial-2-abc").mkdir()
    return home / "models"


@pytest.fixture(scope="module")
def server(folder):
    with served(folder, *LIMITS) as running:
        yield running


def ask(server, inputs, signature="encode", model=MODEL, version=""):
    body = {"parameters": {"signature_name": signature}, "inputs": inputs}
    status, answer = server.ask("POST", f"/v2/models/{model}{version}/infer", json.dumps(body))
    return status, json.loads(answer)


def texts(*values, datatype="BYTES", shape=None):
    return [{"name": "texts", "shape": shape or [len(values)], "datatype": datatype, "data": list(values)}]


@pytest.mark.slow
def test_mixed_requests_from_several_connections_are_all_answered_right(server, folder):
    result = load(server, folder / MODEL / "1", requests=300, connections=16)
    assert (result["lost"], result["wrong"]) == (0, 0), result
    assert result["memory_mb_after"] < 1.2 * result["memory_mb_before"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (texts("a", datatype="FP32"), "datatype FP32: must be BYTES"),
        (texts("a", shape=[2]), "1 values for shape [2]"),
        (texts("a", shape=[1, 1, 1]), "must be ['rows']"),
        (texts(3), "3 is no text"),
        ([], "takes the inputs texts, not none"),
        ([{"name": "text", "shape": [1], "datatype": "BYTES", "data": ["a"]}], "takes the inputs texts, not text"),
    ],
)
def test_requests_that_cannot_be_answered_are_told_why(server, inputs, message):
    status, answer = ask(server, inputs)
    assert status == 400 and message in answer["error"]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (texts(*["a"] * 33), "33 rows, at most 32 are answered (--rows)"),
        (texts("a" * 501), "a text has 501 characters, at most 500 are answered (--characters)"),
        (texts("a" * 500, *["a"] * 20), "are 10500 characters, at most 10000 are answered (--total_characters)"),
    ],
)
def test_requests_that_are_too_large_name_the_limit_and_its_flag(server, inputs, message):
    status, answer = ask(server, inputs)
    assert status == 413 and message in answer["error"]


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: b=1", "a\0b", "\N{GRINNING FACE}", "x" * 90_000])
def test_any_id_is_given_back_and_none_gets_into_headers(server, name):
    body = json.dumps({"id": name, "parameters": {"headers": {"X-A": name[:5]}}, "inputs": texts("a")})
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", f"/v2/models/{MODEL}/infer", body)  # as curl -d does, without saying that it is JSON
        answer = connection.getresponse()
        assert answer.status == 200 and json.loads(answer.read())["id"] == name
        assert {key.lower() for key, _ in answer.getheaders()} <= {"date", "server", "content-length", "content-type", "vary"}
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{server.grpc}"))
    assert stub.ModelInfer(grpc_request(b"a", id=name), timeout=30).id == name


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"/v2/models/{MODEL}/infer", {"Content-Encoding": "gzip"}, 415),
        (f"/v2/models/{MODEL}/infer", {"Content-Type": "text/plain"}, 200),
        (f"/v2/models/{MODEL}/infer/", {"Host": "["}, 404),
        ("/v2/models/a%0d%0aX-A:b/infer", {}, 404),
        ("/v2/models/" + "a" * 9000 + "/infer", {}, 404),
    ],
)
def test_headers_and_paths_that_mean_harm_are_answered(server, path, headers, status):
    connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps({"inputs": texts("a")}), headers)
        answer = connection.getresponse()
        assert answer.status == status and answer.getheader("X-A") is None


@pytest.mark.parametrize(
    "part", [b"", b"POST /v2/models", b"POST /v2/models/model/infer HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"]
)
def test_requests_that_do_not_arrive_are_cut(server, part):
    with socket.create_connection(("127.0.0.1", server.http), timeout=60) as connection:
        connection.sendall(part)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ") and b"within 3 s (--seconds)" in answer


def test_more_connections_than_the_limit_are_sent_away_with_a_time_to_try_again(server):
    with contextlib.ExitStack() as stack:
        for _ in range(24):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.http), timeout=60))
        with socket.create_connection(("127.0.0.1", server.http), timeout=60) as connection:
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 503 ") and b"retry-after: 1" in answer and b"(--connections)" in answer
    assert ask(server, texts("a"))[0] == 200


def test_numbers_that_do_not_fit_are_told_so(server):
    def generate(**changes):
        rows = {"components": ([1, 2], "INT64", [-1, -1]), "temperature": ([1], "FP64", [1]), "top_k": ([1], "INT32", [0])}
        rows = {**rows, "seed": ([1], "INT64", [7]), **changes}
        inputs = [{"name": name, "shape": shape, "datatype": kind, "data": data} for name, (shape, kind, data) in rows.items()]
        return ask(server, inputs, "generate")

    assert generate()[0] == 200
    for changes, message in (
        ({"seed": ([1], "INT64", [2**40])}, "input seed: must be whole numbers of 32 bits"),
        ({"seed": ([1], "INT64", ["x"])}, "input seed: must be numbers"),
        ({"seed": ([2], "INT64", [1, 2])}, "inputs have different numbers of rows"),
        ({"components": ([1, 3], "INT64", [0, 0, 0])}, "must be ['rows', 2]"),
    ):
        status, answer = generate(**changes)
        assert status == 400 and message in answer["error"], answer
    status, answer = generate(components=([1, 2], "INT64", [9, 9]))
    assert status == 200 and "components: must be from 0" in json.dumps(answer)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "the body is no JSON"),
        (b"", 400, "must be a JSON object"),
        (b"[1]", 400, "must be a JSON object"),
        (b'{"inputs": "\xff"}', 400, "the body is no JSON: str is not valid UTF-8"),
        (b'{"inputs": [{"name": "texts", "shape": [1], "datatype": "BYTES", "data": ["\\ud800"]}]}', 400, "surrogate"),
        (b'{"inputs": 3}', 422, "inputs"),
        (b"[" * 5000 + b"]" * 5000, 400, "the body is no JSON"),
        (b" " * 100_001, 413, "more than 100000 bytes"),
    ],
)
def test_bodies_that_are_no_requests_are_refused(server, body, status, message):
    found, answer = server.ask("POST", f"/v2/models/{MODEL}/infer", body)
    assert found == status and message in answer.decode()
    assert ask(server, texts("still there"))[0] == 200


def test_a_number_that_json_does_not_have_is_refused(server):
    status, answer = server.ask("POST", f"/v2/models/{MODEL}/infer", b'{"inputs": [], "parameters": {"a": NaN}}')
    assert status == 400 and b"the body is no JSON" in answer


def test_lists_nested_too_deep_are_refused(server):
    for depth in (2, 400):
        data = "[" * depth + '"a"' + "]" * depth
        body = '{"inputs": [{"name": "texts", "shape": [1], "datatype": "BYTES", "data": ' + data + "}]}"
        status, answer = server.ask("POST", f"/v2/models/{MODEL}/infer", body)
        assert 400 <= status < 500 and answer, (depth, status)


def test_an_empty_text_is_a_text(server):
    status, answer = ask(server, texts(""))
    assert status == 200
    assert {output["name"]: output["shape"][0] for output in answer["outputs"]} == dict.fromkeys(
        ("mean", "probabilities", "codes", "status"), 1
    )


def test_names_lead_nowhere_else(server):
    outcome = Outcome("", "")
    ask_for_names(server, outcome)
    assert outcome.tried > 50 and outcome.broken == []
    assert ask(server, texts("a"), version="/versions/7")[0] == 404
    assert ask(server, texts("a"), version="/versions/1")[0] == 200
    assert server.ask("POST", f"/v2/repository/models/{MODEL}/unload", b"{}")[0] in (404, 405)
    status, answer = ask(server, texts("a"), signature="train")
    assert status == 400 and "no signature 'train'; there are" in answer["error"]


def test_nobody_loads_drops_or_streams_by_request(server):
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{server.grpc}"))
    for call, request in (
        (stub.RepositoryModelUnload, pb.RepositoryModelUnloadRequest(model_name=MODEL)),
        (stub.RepositoryModelLoad, pb.RepositoryModelLoadRequest(model_name=MODEL)),
    ):
        with pytest.raises(grpc.RpcError, match="loaded and dropped by the folder alone"):
            call(request, timeout=30)
    for end in ("infer_stream", "generate_stream"):
        assert server.ask("POST", f"/v2/models/{MODEL}/{end}", b'{"inputs": []}')[0] == 404
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(pb.ModelInferRequest(model_name="other"), timeout=30)
    assert error.value.code() == grpc.StatusCode.NOT_FOUND
    assert ask(server, texts("a"))[0] == 200


def grpc_request(text, **more):
    tensor = pb.ModelInferRequest.InferInputTensor(
        name="texts", datatype="BYTES", shape=[1], contents=pb.InferTensorContents(bytes_contents=[text])
    )
    parameters = {"signature_name": pb.InferParameter(string_param="encode")}
    return pb.ModelInferRequest(model_name=MODEL, inputs=[tensor], parameters=parameters, **more)


@pytest.mark.parametrize(
    ("datatype", "shape", "raw"),
    [
        ("BYTES", [1], [b"\xff\xff\xff\xff"]),
        ("BYTES", [1], [b"abc"]),
        ("BYTES", [1], [b"\1\0\0\0a"] * 2),
        ("FP32", [3], [b"abc"]),
        ("FP32", [-1], [b"abc"]),
        ("FP32", [2**40] * 9, [b"abc"]),
        ("NOTHING", [1], [b"abc"]),
    ],
)
def test_malformed_raw_contents_are_the_clients_mistake(server, datatype, shape, raw):
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{server.grpc}"))
    tensor = pb.ModelInferRequest.InferInputTensor(name="texts", datatype=datatype, shape=shape)
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(pb.ModelInferRequest(model_name=MODEL, inputs=[tensor], raw_input_contents=raw), timeout=30)
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT, error.value.details()


def test_grpc_says_what_is_not_there(server):
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{server.grpc}"))
    for call, code in (
        (lambda: list(stub.ModelStreamInfer(iter([grpc_request(b"a")]), timeout=30)), grpc.StatusCode.UNIMPLEMENTED),
        (lambda: stub.ModelReady(pb.ModelReadyRequest(name="other"), timeout=30), grpc.StatusCode.NOT_FOUND),
        (lambda: stub.ModelInfer(pb.ModelInferRequest(model_name="a" * 50_000), timeout=30), grpc.StatusCode.NOT_FOUND),
    ):
        with pytest.raises(grpc.RpcError) as error:
            call()
        assert error.value.code() == code, error.value.details()


def test_grpc_answers_as_http_does(server):
    stub = GRPCInferenceServiceStub(grpc.insecure_channel(f"127.0.0.1:{server.grpc}"))
    answer = stub.ModelInfer(grpc_request(b"the train was slow ."), timeout=30)
    found = {output.name: output.contents for output in answer.outputs}
    expected = {output["name"]: output["data"] for output in ask(server, texts("the train was slow ."))[1]["outputs"]}
    np.testing.assert_allclose(found["mean"].fp32_contents, expected["mean"], rtol=1e-5)
    assert list(found["codes"].int_contents) == expected["codes"]
    for bad in (b"\xff\xfe", b"a" * 501):
        with pytest.raises(grpc.RpcError) as error:
            stub.ModelInfer(grpc_request(bad), timeout=30)
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_the_client_asks_for_every_signature(server):
    client = Client(MODEL, protocol="v2", port=server.http, deadline=60)
    assert len(client.predict("encode", {"texts": ["a", "b"]})["codes"]) == 2
    assert len(client.predict("interpolate", {"start": ["a"], "end": ["b"]})["sentences"][0]) == 3
    rows = {"components": [[-1, 0]], "temperature": [1.0], "top_k": [0], "seed": [3]}
    assert client.predict("generate", rows) == client.predict("generate", rows)
    with pytest.raises(Refused, match=r"status 400: .*takes the inputs"):
        client.predict("encode", {"start": ["a"]})
    with pytest.raises(Refused, match="status 404"):
        Client("other", protocol="v2", port=server.http).predict("encode", {"texts": ["a"]})


def test_a_new_version_takes_over_without_a_failed_request(server, folder):
    """Versions 2 and 3 are dropped in while requests run; then version 1 is no longer served."""
    failed, versions, stop = [], set(), threading.Event()

    def keep_asking():
        while not stop.is_set():
            status, answer = ask(server, texts("the train was slow ."))
            versions.add(answer.get("model_version"))
            if status != 200:
                failed.append(answer)

    threads = [threading.Thread(target=keep_asking) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for version in ("2", "3"):
            shutil.copytree(folder / MODEL / "1", folder / MODEL / "partial")
            (folder / MODEL / "partial").rename(folder / MODEL / version)
            end = time.monotonic() + 60
            while version not in versions and time.monotonic() < end:
                time.sleep(0.05)
        time.sleep(2)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == [] and {"2", "3"} <= versions
    # versions that do not load leave those that do in place
    for version in ("4", "5"):
        (folder / MODEL / version).mkdir()
        (folder / MODEL / version / "saved_model.pb").write_bytes(b"half a file")
    time.sleep(4)
    assert ask(server, texts("a"))[1]["model_version"] == "3"
    assert ask(server, texts("a"), version="/versions/1")[0] == 404
    assert ask(server, texts("a"), version="/versions/2")[0] == 200


def test_more_requests_than_are_computed_at_once_are_sent_away_with_a_time_to_try_again(tmp_path, monkeypatch):
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").touch()
    monkeypatch.setitem(LOADED, ("m", "1"), None)
    http_port, grpc_port = free_ports(2)
    waiting = Server(str(tmp_path), http_port=http_port, grpc_port=grpc_port, limits=Limits(requests=2))

    async def answers(count):
        """Statuses, headers and bodies of requests at once, of which those that are computed wait for the others."""
        free, active = asyncio.Event(), []

        async def infer(payload, name, version=None):
            active.append(name)
            await free.wait()
            return InferenceResponse(model_name=name, outputs=[])

        async def ask():
            sent, body = [], json.dumps({"inputs": texts("a")}).encode()
            scope = {"type": "http", "method": "POST", "path": "/v2/models/m/infer", "headers": [], "query_string": b""}
            scope |= {"http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", http_port), "raw_path": b"", "root_path": ""}

            async def receive():
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message):
                sent.append(message)

            await waiting.http._app(scope, receive, send)
            if sent[0]["status"] == 503:
                free.set()
            return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

        waiting.server = MLServer(waiting.settings)
        waiting._bind()
        waiting.server._data_plane.infer = infer
        waiting._close_doors()
        try:
            found = await asyncio.wait_for(asyncio.gather(*(ask() for _ in range(count))), 60)
            assert len(active) == 2
            free.set()
            return [*found, await ask()]
        finally:
            waiting.http.taken.close()
            await waiting.grpc._server.stop(None)

    *found, last = asyncio.run(answers(4))
    assert sorted(status for status, _, _ in found) == [200, 200, 503, 503] and last[0] == 200
    [(_, headers, body), _] = [answer for answer in found if answer[0] == 503]
    assert headers[b"retry-after"] == b"1" and json.loads(body)["error"].startswith("2 requests are computed already (--requests)")


def test_a_folder_without_models_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no such folder; scripts/export\.py makes it"):
        Server(str(tmp_path / "none"))
    with pytest.raises(UserError, match="no exported model is in it"):
        Server(str(tmp_path))
