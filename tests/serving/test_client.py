"""The client against stand-ins that speak TensorFlow Serving's two protocols; TensorFlow Serving itself cannot be installed by pip."""

import contextlib
import functools
import http.server
import json
import threading
import time
from concurrent import futures

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfvae.errors import UserError
from tfvae.serving import client as module
from tfvae.serving.client import Client, Refused


class Model(tf.Module):
    """Answers each text with its length."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "texts")])
    def encode(self, texts):
        return {"length": tf.strings.length(texts), "status": tf.strings.join(["read ", texts])}


@functools.cache
def model():
    return Model()


class Stand:
    """What the stand-ins have in common: how many requests fail first, and what was asked."""

    def __init__(self):
        self.failures, self.asked, self.delay, self.cut, self.empty = [], [], 0.0, 0, False

    def answer(self, name, signature, inputs):
        self.asked.append((name, signature))
        time.sleep(self.delay)
        return {key: value.numpy() for key, value in model().encode(tf.constant(inputs["texts"])).items()}


@pytest.fixture
def rest():
    stand = Stand()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = stand.failures.pop(0) if stand.failures else 200
            if status == 200:
                outputs = stand.answer(self.path, body["signature_name"], body["inputs"])
                answer = {
                    "outputs": {key: [v.decode() if isinstance(v, bytes) else int(v) for v in value] for key, value in outputs.items()}
                }
            else:
                answer = {"error": "the model is away"}
            content = json.dumps({} if stand.empty else answer).encode()
            with contextlib.suppress(BrokenPipeError):  # a client that did not wait
                self.send_response(status)
                self.send_header("Content-Length", str(len(content) + 10 * (stand.cut > 0)))
                stand.cut -= 1
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    stand.port = server.server_address[1]
    yield stand
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def serving():
    stand = Stand()

    class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            if stand.failures:
                context.abort(stand.failures.pop(0), "the model is away")
            inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
            outputs = stand.answer((request.model_spec.name, request.model_spec.version.value), request.model_spec.signature_name, inputs)
            answer = predict_pb2.PredictResponse()
            for key, value in outputs.items():
                answer.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return answer

    server = grpc.server(futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(), server)
    stand.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield stand
    server.stop(0).wait()


@pytest.fixture(params=["rest", "grpc"])
def stand(request):
    found = request.getfixturevalue({"rest": "rest", "grpc": "serving"}[request.param])
    found.protocol = request.param
    found.away = {"rest": 503, "grpc": grpc.StatusCode.UNAVAILABLE}[request.param]
    found.bad = {"rest": 400, "grpc": grpc.StatusCode.INVALID_ARGUMENT}[request.param]
    found.ask = lambda **more: Client("m", protocol=found.protocol, port=found.port, **more).predict("encode", {"texts": ["abc", "ü"]})
    return found


def test_answers_come_by_name(stand):
    assert stand.ask(version=3) == {"length": [3, 2], "status": ["read abc", "read ü"]}
    assert stand.asked == [({"rest": "/v1/models/m/versions/3:predict", "grpc": ("m", 3)}[stand.protocol], "encode")]


def test_a_server_that_is_busy_is_asked_again(stand, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)
    stand.failures = [stand.away] * 2
    assert stand.ask()["length"] == [3, 2]


def test_a_server_that_stays_busy_is_given_up(stand, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)
    stand.failures = [stand.away] * 9
    with pytest.raises(UserError, match=r"the model is away.*; asked 3 times"):
        stand.ask(retries=2)
    assert len(stand.failures) == 6


def test_a_request_that_is_refused_is_not_sent_again(stand):
    stand.failures = [stand.bad]
    with pytest.raises(Refused, match="the model is away"):
        stand.ask()
    assert not stand.failures


def test_an_answer_that_takes_too_long_is_not_waited_for(stand):
    stand.delay = 1.5
    start = time.monotonic()
    with pytest.raises(UserError, match="no answer"):
        stand.ask(deadline=0.4)
    assert time.monotonic() - start < 1.4


def test_a_server_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)
    for protocol in ("rest", "grpc", "v2"):
        with pytest.raises(UserError, match=r"127\.0\.0\.1:1: .*asked 2 times"):
            Client("m", protocol=protocol, port=1, retries=1).predict("encode", {"texts": ["a"]})
    with pytest.raises(UserError, match="--protocol=http is not a protocol"):
        Client("m", protocol="http")


def test_an_answer_that_was_cut_is_asked_for_again_and_one_without_outputs_is_not(rest, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.01)
    client = Client("m", port=rest.port, retries=1)
    rest.cut = 1
    assert client.predict("encode", {"texts": ["abc"]})["length"] == [3]
    rest.empty = True
    with pytest.raises(Refused, match="an answer without outputs"):
        client.predict("encode", {"texts": ["abc"]})


@pytest.mark.parametrize("protocol", ["rest", "grpc", "v2"])
def test_inputs_that_are_none_are_mistakes_in_a_line(protocol):
    client = Client("m", protocol=protocol, port=1)
    for name, values in (("z", [[1.0, 2.0], [1.0]]), ("components", [[99999999999]]), ("seed", ["x"])):
        with pytest.raises(UserError, match=f"{name}: must be"):
            client.predict("decode", {name: values})


def test_inputs_have_the_types_of_the_signatures(serving, monkeypatch):
    types = {}

    def answer(name, signature, inputs):
        types.update({key: value.dtype.name for key, value in inputs.items()})
        return {"status": np.array([b""])}

    monkeypatch.setattr(serving, "answer", answer)
    inputs = {"components": [[-1]], "temperature": [1], "top_k": [0], "seed": [1], "z": [[0]], "start": ["a"]}
    Client("m", protocol="grpc", port=serving.port).predict("generate", inputs)
    assert types == {"components": "int32", "temperature": "float32", "top_k": "int32", "seed": "int32", "z": "float32", "start": "object"}
