"""An exported model behind MLServer: the Open Inference Protocol (KServe v2) over HTTP and gRPC."""

import asyncio
import contextlib
import itertools
import os
import pathlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import tensorflow as tf
from mlserver import MLModel
from mlserver.errors import InferenceError, MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataTensor, Parameters, RequestInput, ResponseOutput, TensorData

from tfvae.export.loaded import LoadedModel
from tfvae.serving.limits import Limits

_DATATYPES = {tf.string: "BYTES", tf.float32: "FP32", tf.int32: "INT32", tf.float64: "FP64", tf.int64: "INT64", tf.uint8: "UINT8"}
_WHOLE = {"INT32", "INT64"}
_ACCEPTED = {tf.string: {"BYTES"}, tf.float32: {"FP32", "FP64", *_WHOLE}, tf.int32: _WHOLE, tf.uint8: {"UINT8", *_WHOLE}}
"""Datatypes that a request may have for an input; numbers that the input's type cannot hold are refused."""
SIGNATURE = "signature_name"
"""Parameter of a request that chooses the signature; without it serving_default is run."""


_WORKERS = max(2, os.cpu_count() or 2)
_POOL = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="tfvae")
"""Where models run, so that the servers' loop goes on meanwhile."""
_LARGE = asyncio.Semaphore(_WORKERS - 1)
"""Held by a slice of a request that has several, so that a thread is left for those that have one."""
_SLICE_ROWS = 64
_SLICE_CHARACTERS = 40_000  # of rows times the longest text; such a slice takes less than a tenth of a second


class ExportedModel(LoadedModel):
    """A version of an exported model, and how much of it a request may take."""

    def __init__(self, path: pathlib.Path, limits: Limits, *, trusted: bool = False) -> None:
        """Loads it, as `LoadedModel` does, to answer within limits."""
        super().__init__(path, trusted=trusted)
        self.limits = limits

    def warm_up(self) -> None:
        """Runs every signature once on an empty row, so that the first request does not wait for what is made on first use."""
        for name, signature in self.signatures.items():
            feeds = {}
            for key, spec in signature.inputs.items():
                text = spec.dtype == tf.string
                feeds[key] = np.full([1, *spec.shape[1:]], b"" if text else 0, object if text else spec.dtype.as_numpy_dtype)
            self.run(name, feeds)

    def read(self, request: InferenceRequest) -> tuple[str, list[dict[str, np.ndarray]]]:
        """Returns the signature that a request chooses, and its inputs in slices of rows, none of which takes long.

        Raises:
          MLServerError: it is not one that the model can answer, with what is wrong.
        """
        extra = (request.parameters.model_extra or {}) if request.parameters else {}
        name = extra.get(SIGNATURE, "serving_default")
        signature = self.signatures.get(name) if isinstance(name, str) else None
        if signature is None:
            raise InferenceError(f"parameters.{SIGNATURE}: no signature {name!r:.50}; there are {', '.join(self.signatures)}")
        try:
            feeds = self._feeds(request.inputs, signature.inputs, str(name))
        except (ValueError, TypeError, OverflowError) as error:
            raise InferenceError(f"{name}: {error}") from None
        return str(name), slices_of(feeds)

    def _feeds(self, given: list[RequestInput], wanted: dict[str, tf.TensorSpec], signature: str) -> dict[str, np.ndarray]:
        by_name = {one.name: one for one in given}
        if len(by_name) != len(given) or by_name.keys() != wanted.keys():
            raise InferenceError(
                f"{signature}: takes the inputs {', '.join(sorted(wanted))}, not {', '.join(one.name for one in given) or 'none':.100}"
            )
        feeds = {name: self._feed(by_name[name], spec) for name, spec in wanted.items()}
        rows = {name: int(feed.shape[0]) for name, feed in feeds.items()}
        if len(set(rows.values())) > 1:
            raise InferenceError(f"{signature}: inputs have different numbers of rows: {rows}")
        total = sum(len(feed) * max(map(_length, feed)) for feed in feeds.values() if feed.dtype == object)
        if total > self.limits.total_characters:
            most = f"at most {self.limits.total_characters} are answered (--total_characters)"
            raise MLServerError(f"{signature}: the rows times the longest text are {total} characters, {most}: send fewer rows", 413)
        return feeds

    def _feed(self, given: RequestInput, spec: tf.TensorSpec) -> np.ndarray:
        where, width = f"input {given.name}", list(spec.shape[1:])
        shape = list(given.shape)
        if spec.dtype == tf.string and len(shape) == 2 and shape[1] == 1:
            shape = shape[:1]  # how MLServer's own client writes a list of texts
        if given.datatype not in _ACCEPTED[spec.dtype]:
            raise InferenceError(f"{where}: datatype {given.datatype}: must be {_DATATYPES[spec.dtype]}")
        if len(shape) != 1 + len(width) or shape[1:] != width or shape[0] < 1:
            raise InferenceError(f"{where}: shape {list(given.shape)!s:.100}: must be {['rows', *width]}, with a row at least")
        if shape[0] > self.limits.rows:
            raise MLServerError(f"{where}: {shape[0]} rows, at most {self.limits.rows} are answered (--rows)", 413)
        flat = np.array([None, *_flat(given.data.root, len(list(given.shape)), where)], dtype=object)[1:]
        if len(flat) != int(np.prod(shape)):
            raise InferenceError(f"{where}: {len(flat)} values for shape {list(given.shape)}")
        values = (
            [_text(value, where, self.limits.characters) for value in flat]
            if spec.dtype == tf.string
            else _numbers(flat, where, spec.dtype)
        )
        return np.reshape(np.asarray(values, object if spec.dtype == tf.string else spec.dtype.as_numpy_dtype), shape)


def slices_of(feeds: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Returns the inputs of a request in slices of rows, none of which takes long."""
    rows = len(next(iter(feeds.values())))
    lengths = np.zeros(rows, np.int64)
    for values in feeds.values():
        if values.dtype == object:
            lengths += [_length(value) for value in values]
    cuts = [0]
    for row in range(1, rows):
        if row - cuts[-1] >= _SLICE_ROWS or (row + 1 - cuts[-1]) * lengths[cuts[-1] : row + 1].max() > _SLICE_CHARACTERS:
            cuts.append(row)
    return [{name: values[start:end] for name, values in feeds.items()} for start, end in itertools.pairwise([*cuts, rows])]


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
        raise MLServerError(f"{where}: a text has {length} characters, at most {most} are answered (--characters)", 413)
    return value


def _length(text: bytes) -> int:
    return len(text.decode())


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
            MetadataTensor(name=name, datatype=_DATATYPES[spec.dtype], shape=[-1, *spec.shape[1:]]) for name, spec in default.inputs.items()
        ]
        self.outputs = [
            MetadataTensor(name=name, datatype=_DATATYPES[spec.dtype], shape=[size or -1 for size in spec.shape])
            for name, spec in default.outputs.items()
        ]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answers a request in other threads, a slice at a time."""
        model, loop = self._model, asyncio.get_running_loop()
        name, slices = await loop.run_in_executor(_POOL, model.read, payload)
        answers = []
        for feeds in slices:
            async with _LARGE if len(slices) > 1 else contextlib.nullcontext():
                answers.append(await loop.run_in_executor(_POOL, model.run, name, feeds))
        outputs = [_output(key, np.concatenate([answer[key] for answer in answers])) for key in answers[0]]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    async def unload(self) -> bool:
        """Forgets the model; requests under way keep it until they are answered."""
        LOADED.pop((self.name, str(self.version)), None)
        return True
