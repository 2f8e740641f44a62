"""An exported model behind MLServer: the Open Inference Protocol (KServe v2) over HTTP and gRPC."""

import asyncio
import dataclasses
import json
import os
import pathlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf
from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor, Parameters, RequestInput, ResponseOutput, TensorData

_DATATYPES = {tf.string: "BYTES", tf.float32: "FP32", tf.int32: "INT32", tf.float64: "FP64", tf.int64: "INT64", tf.uint8: "UINT8"}
_WHOLE = {"INT32", "INT64"}
_ACCEPTED = {tf.string: {"BYTES"}, tf.float32: {"FP32", "FP64", *_WHOLE}, tf.int32: _WHOLE, tf.uint8: {"UINT8", *_WHOLE}}
"""Datatypes that a request may have for an input; numbers that the input's type cannot hold are refused."""
SIGNATURE = "signature_name"
"""Parameter of a request that chooses the signature; without it serving_default is run."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a request may ask for.

    Attributes:
      rows: most rows.
      characters: most characters of a text.
      bytes: most bytes of a request.
    """

    rows: int = 256
    characters: int = 20_000
    bytes: int = 8 << 20


_POOL = ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2), thread_name_prefix="tfvae")
"""Where models run, so that the servers' loop goes on meanwhile."""


class ExportedModel:
    """A version of an exported model, in memory."""

    def __init__(self, path: pathlib.Path, limits: Limits) -> None:
        """Loads it, with TensorFlow Text's operations where it says that it needs them."""
        described = path / "config.json"
        if described.exists() and json.loads(described.read_text())["config"]["data"]["tokenizer"] != "word":
            import tensorflow_text  # noqa: F401
        loaded = tf.saved_model.load(str(path))
        self.limits = limits
        self.signatures = dict(loaded.signatures)
        self._loaded = loaded  # its variables live as long as it does

    def warm_up(self) -> None:
        """Runs every signature once on an empty batch, so that the first request does not wait for graphs to be made."""
        for signature in self.signatures.values():
            signature(**{name: tf.zeros([1, *spec.shape[1:]], spec.dtype) for name, spec in _inputs(signature).items()})

    def run(self, request: InferenceRequest) -> list[ResponseOutput]:
        """Answers a request.

        Raises:
          InferenceError: it is not one that the model can answer, with what is wrong.
        """
        extra = (request.parameters.model_extra or {}) if request.parameters else {}
        name = extra.get(SIGNATURE, "serving_default")
        signature = self.signatures.get(name) if isinstance(name, str) else None
        if signature is None:
            raise InferenceError(f"parameters.{SIGNATURE}: no signature {name!r}; there are {', '.join(self.signatures)}")
        try:
            feeds = self._feeds(request.inputs, _inputs(signature), str(name))
        except (ValueError, TypeError, OverflowError) as error:
            raise InferenceError(f"{name}: {error}") from None
        return [_output(key, value.numpy()) for key, value in signature(**feeds).items()]

    def _feeds(self, given: list[RequestInput], wanted: dict[str, tf.TensorSpec], signature: str) -> dict[str, tf.Tensor]:
        by_name = {one.name: one for one in given}
        if len(by_name) != len(given) or by_name.keys() != wanted.keys():
            raise InferenceError(
                f"{signature}: takes the inputs {', '.join(sorted(wanted))}, not {', '.join(one.name for one in given) or 'none'}"
            )
        feeds = {name: self._feed(by_name[name], spec) for name, spec in wanted.items()}
        rows = {name: int(feed.shape[0]) for name, feed in feeds.items()}
        if len(set(rows.values())) > 1:
            raise InferenceError(f"{signature}: inputs have different numbers of rows: {rows}")
        return feeds

    def _feed(self, given: RequestInput, spec: tf.TensorSpec) -> tf.Tensor:
        where, width = f"input {given.name}", list(spec.shape[1:])
        shape = list(given.shape)
        if spec.dtype == tf.string and len(shape) == 2 and shape[1] == 1:
            shape = shape[:1]  # how MLServer's own client writes a list of texts
        if given.datatype not in _ACCEPTED[spec.dtype]:
            raise InferenceError(f"{where}: datatype {given.datatype}: must be {_DATATYPES[spec.dtype]}")
        if len(shape) != 1 + len(width) or shape[1:] != width or not 1 <= shape[0] <= self.limits.rows:
            raise InferenceError(f"{where}: shape {list(given.shape)}: must be {['rows', *width]}, from 1 to {self.limits.rows} rows")
        flat = np.array([None, *_flat(given.data.root, len(list(given.shape)), where)], dtype=object)[1:]
        if len(flat) != int(np.prod(shape)):
            raise InferenceError(f"{where}: {len(flat)} values for shape {list(given.shape)}")
        values = (
            [_text(value, where, self.limits.characters) for value in flat]
            if spec.dtype == tf.string
            else _numbers(flat, where, spec.dtype)
        )
        return tf.constant(
            np.reshape(np.asarray(values, object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype), shape), spec.dtype
        )


def _inputs(signature: Any) -> dict[str, tf.TensorSpec]:
    return dict(signature.structured_input_signature[1])


def _flat(data: Any, depth: int, where: str) -> list[Any]:
    """The values of lists that are nested to a depth at most."""
    if not isinstance(data, list | tuple | np.ndarray):
        return [data]
    if not depth:
        raise InferenceError(f"{where}: lists are nested deeper than the shape says")
    return [value for item in data for value in _flat(item, depth - 1, where)]


def _text(value: Any, where: str, most: int) -> bytes:
    if isinstance(value, str):
        try:
            value = value.encode()
        except UnicodeEncodeError:
            raise InferenceError(f"{where}: a text is no valid Unicode") from None
    if not isinstance(value, bytes):
        raise InferenceError(f"{where}: {value!r:.40} is no text")
    try:
        length = len(value.decode())
    except UnicodeDecodeError:
        raise InferenceError(f"{where}: a text is not UTF-8") from None
    if length > most:
        raise InferenceError(f"{where}: a text has {length} characters, at most {most} are answered")
    return value


def _numbers(values: np.ndarray, where: str, dtype: tf.DType) -> np.ndarray:
    if any(isinstance(value, bool) or not isinstance(value, int | float | np.number) for value in values):
        raise InferenceError(f"{where}: must be numbers")
    numbers = values.astype(np.float64)
    least = 0 if dtype.is_unsigned else -dtype.max
    if dtype.is_integer and (np.any(numbers != np.floor(numbers)) or np.any((numbers > dtype.max) | (numbers < least))):
        raise InferenceError(f"{where}: must be whole numbers {f'from 0 to {dtype.max}' if dtype.is_unsigned else 'of 32 bits'}")
    return numbers.astype(dtype.as_numpy_dtype)


def _output(name: str, value: np.ndarray) -> ResponseOutput:
    text = value.dtype == object
    datatype = "BYTES" if text else _DATATYPES[tf.as_dtype(value.dtype)]
    data = TensorData(root=list(value.ravel()) if text else value.ravel().tolist())
    # what tells clients, and this server's JSON, that bytes are text
    parameters = Parameters(content_type="str") if text else None
    return ResponseOutput(name=name, shape=list(value.shape), datatype=datatype, data=data, parameters=parameters)


LOADED: dict[tuple[str, str], ExportedModel] = {}
"""Models that `tfvae.serving.server` has loaded and warmed up, by name and version, before it lets requests reach them."""


class SavedModelRuntime(MLModel):
    """MLServer's view of an exported model."""

    async def load(self) -> bool:
        """Takes the model that was loaded before, and describes its inputs and outputs."""
        self._model = LOADED[self.name, str(self.version)]
        default = self._model.signatures["serving_default"]
        self.inputs = [
            MetadataTensor(name=name, datatype=_DATATYPES[spec.dtype], shape=[-1, *spec.shape[1:]])
            for name, spec in _inputs(default).items()
        ]
        self.outputs = [
            MetadataTensor(name=name, datatype=_DATATYPES[spec.dtype], shape=[size or -1 for size in spec.shape])
            for name, spec in default.structured_outputs.items()
        ]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers a request in another thread."""
        outputs = await asyncio.get_running_loop().run_in_executor(_POOL, self._model.run, payload)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    async def unload(self) -> bool:
        """Forgets the model; requests under way keep it until they are answered."""
        LOADED.pop((self.name, str(self.version)), None)
        return True
