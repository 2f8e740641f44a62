"""Asks a server for what an exported model's signatures answer: TensorFlow Serving by gRPC or REST, or the Open Inference Protocol."""

import contextlib
import http.client
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tfvae.errors import UserError, suggest

PROTOCOLS = {"rest": 8501, "grpc": 8500, "v2": 8080}
"""TensorFlow Serving's two, and the Open Inference Protocol by HTTP, with the ports that their servers usually have."""
_DTYPES = {"texts": "string", "images": "uint8", "temperature": "float32", "z": "float32"}
_V2 = {"string": "BYTES", "float32": "FP32", "int32": "INT32", "uint8": "UINT8"}
_KINDS = {
    "string": "texts",
    "float32": "numbers, as many in each row",
    "int32": "whole numbers of 32 bits, as many in each row",
    "uint8": "whole numbers from 0 to 255, as many in each row",
}
_BUSY = {429, 502, 503, 504}
_GRPC_BUSY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_FIRST_WAIT = 0.1  # seconds before the first retry; each waits twice as long as the one before, give or take a half


class Refused(UserError):
    """The server's answer to a request that it will not answer; asking again does not help."""


class _Busy(Exception):
    """The server cannot be reached or has too much to do; asking again may help."""


class Client:
    """Asks one model of one server."""

    def __init__(
        self,
        model: str,
        *,
        protocol: str = "rest",
        host: str = "127.0.0.1",
        port: int = 0,
        version: int = 0,
        deadline: float = 10.0,
        retries: int = 4,
    ) -> None:
        """Names the server; nothing is sent yet.

        Args:
          model: the name it is served under.
          protocol: rest or grpc, of TensorFlow Serving; or v2, the Open Inference Protocol by HTTP.
          host: of the server.
          port: of the protocol; 0 for the usual one.
          version: of the model; 0 for the latest.
          deadline: seconds after which an answer is no longer waited for, retries included.
          retries: times a request is sent again while the server cannot be reached or is too busy.

        Raises:
          UserError: an unknown protocol.
        """
        if protocol not in PROTOCOLS:
            raise UserError(f"--protocol={protocol} is not a protocol{suggest(protocol, PROTOCOLS)}")
        self.model, self.version, self.deadline, self.retries = model, version, deadline, retries
        self.address = f"{host}:{port or PROTOCOLS[protocol]}"
        self._send: Callable[[str, Mapping[str, Any], float], dict[str, Any]] = getattr(self, f"_{protocol}")
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(grpc.insecure_channel(self.address)) if protocol == "grpc" else None

    def predict(self, signature: str, inputs: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Returns the outputs of a signature by name, nested lists whose first axis is the batch.

        Args:
          signature: its name, as the model card has it.
          inputs: by name, nested lists whose first axis is the batch.

        Raises:
          Refused: the server will not answer this.
          UserError: it could not be reached, or did not answer in time.
        """
        tensors = {name: _array(name, values) for name, values in inputs.items()}
        end, wait = time.monotonic() + self.deadline, _FIRST_WAIT
        for attempt in range(self.retries + 1):
            left = end - time.monotonic()
            try:
                if left <= 0:
                    break
                return self._send(signature, tensors, left)
            except _Busy as busy:
                problem = str(busy)
            if attempt < self.retries:
                time.sleep(max(0.0, min(wait * random.uniform(0.5, 1.5), end - time.monotonic())))
                wait *= 2
        else:
            raise UserError(f"{self.address}: {problem}; asked {self.retries + 1} times")
        raise UserError(f"{self.address}: no answer within {self.deadline:g} s")

    def _rest(self, signature: str, inputs: Mapping[str, np.ndarray], timeout: float) -> dict[str, Any]:
        version = f"/versions/{self.version}" if self.version else ""
        url = f"http://{self.address}/v1/models/{self.model}{version}:predict"
        request = {"signature_name": signature, "inputs": {name: array.tolist() for name, array in inputs.items()}}
        return dict(_post(url, request, timeout, "outputs"))

    def _v2(self, signature: str, inputs: Mapping[str, np.ndarray], timeout: float) -> dict[str, Any]:
        version = f"/versions/{self.version}" if self.version else ""
        tensors = []
        for name, array in inputs.items():
            datatype = _V2[_kind(array)]
            tensors.append({"name": name, "shape": list(array.shape), "datatype": datatype, "data": array.ravel().tolist()})
        request = {"parameters": {"signature_name": signature}, "inputs": tensors}
        outputs = _post(f"http://{self.address}/v2/models/{self.model}{version}/infer", request, timeout, "outputs")
        return {output["name"]: np.array(output["data"], object).reshape(output["shape"]).tolist() for output in outputs}

    def _grpc(self, signature: str, inputs: Mapping[str, np.ndarray], timeout: float) -> dict[str, Any]:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self.model, signature
        if self.version:
            request.model_spec.version.value = self.version
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array, _kind(array)))
        assert self._stub is not None
        try:
            answer = self._stub.Predict(request, timeout=timeout)
        except grpc.RpcError as error:
            if error.code() in _GRPC_BUSY:
                raise _Busy(error.details()) from None
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                raise UserError(f"{self.address}: no answer within {self.deadline:g} s") from None
            raise Refused(f"{self.address}: {error.details()}") from None
        return {name: _plain(tf.make_ndarray(tensor)) for name, tensor in answer.outputs.items()}


def _kind(array: np.ndarray) -> str:
    return "string" if array.dtype == object else array.dtype.name


def _plain(array: np.ndarray) -> Any:
    return np.vectorize(bytes.decode, otypes=[object])(array).tolist() if array.dtype == object else array.tolist()


def _array(name: str, values: Sequence[Any]) -> np.ndarray:
    """The values of an input as its type.

    Raises:
      UserError: rows of different lengths, or numbers that the type does not hold.
    """
    dtype = _DTYPES.get(name, "int32")
    if name in ("start", "end"):
        dtype = "string" if len(values) and isinstance(values[0], str | bytes) else "uint8"
    try:
        return np.array(values, object if dtype == "string" else dtype)
    except (ValueError, TypeError, OverflowError):
        raise UserError(f"{name}: must be {_KINDS[dtype]}") from None


def _post(url: str, body: Mapping[str, Any], timeout: float, wanted: str) -> Any:
    """Returns what an answer has under a key."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        message = error.read().decode(errors="replace")
        with error:
            if error.code in _BUSY:
                raise _Busy(f"status {error.code}: {message:.200}") from None
        with contextlib.suppress(ValueError, KeyError, TypeError):
            message = str(json.loads(message)["error"])
        raise Refused(f"{url}: status {error.code}: {message:.500}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise UserError(f"{url}: no answer in time") from None
        raise _Busy(str(error.reason)) from None
    except TimeoutError:
        raise UserError(f"{url}: no answer in time") from None
    except (OSError, http.client.HTTPException) as error:  # a connection that was cut
        raise _Busy(str(error)) from None
    try:
        return json.loads(content)[wanted]
    except (ValueError, KeyError, TypeError):
        raise Refused(f"{url}: an answer without {wanted}: {content.decode(errors='replace'):.200}") from None
