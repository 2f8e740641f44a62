"""The gRPC side of the Open Inference Protocol, with a status that says whose mistake it was."""

from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import grpc
from grpc import aio
from mlserver.errors import MLServerError
from mlserver.grpc import dataplane_pb2 as pb
from mlserver.grpc.converters import ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import add_GRPCInferenceServiceServicer_to_server
from mlserver.grpc.server import GRPCServer
from mlserver.grpc.servicers import InferenceServicer

from tfvae.errors import UserError
from tfvae.serving.limits import Limits

_CODES = {400: grpc.StatusCode.INVALID_ARGUMENT, 404: grpc.StatusCode.NOT_FOUND, 413: grpc.StatusCode.INVALID_ARGUMENT}
_CODES |= {503: grpc.StatusCode.RESOURCE_EXHAUSTED}
_DETAILS = 500  # characters; details travel as a header, and clients refuse long headers
_DIMENSIONS = 8  # of a shape; the product of many takes long
_IDLE = 300_000  # milliseconds after which an idle connection is closed
_AGE = 600_000  # milliseconds after which any connection is closed, so that none is held for good

Answer = TypeVar("Answer")


class _Servicer(InferenceServicer):
    """MLServer's servicer, but that mistakes of a client are not INTERNAL."""

    async def ModelReady(self, request: pb.ModelReadyRequest, context: aio.ServicerContext) -> pb.ModelReadyResponse:
        return await _answered(super().ModelReady(request, context), context)

    async def ModelInfer(self, request: pb.ModelInferRequest, context: aio.ServicerContext) -> pb.ModelInferResponse:
        try:
            if any(len(tensor.shape) > _DIMENSIONS for tensor in request.inputs):
                raise ValueError(f"a shape has more than {_DIMENSIONS} dimensions")
            raw = len(request.raw_input_contents)
            if raw not in (0, len(request.inputs)):
                raise ValueError(f"{len(request.inputs)} inputs, raw contents of {raw}")
            payload = self._InsertHeaders(request, context)
        except Exception as error:  # whatever a converter falls over is in the request
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request is malformed: {error}"[:_DETAILS])
        result = await _answered(self._data_plane.infer(payload, request.model_name, request.model_version), context)
        return ModelInferResponseConverter.from_types(result, use_raw=bool(raw))

    async def ModelStreamInfer(self, requests_stream: AsyncIterator[pb.ModelInferRequest], context: aio.ServicerContext) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "nothing is streamed; use ModelInfer")


async def _answered(answer: Awaitable[Answer], context: aio.ServicerContext) -> Answer:
    """The answer, or the call ended with the status of what is wrong."""
    try:
        return await answer
    except MLServerError as error:
        code = _CODES.get(error.status_code, grpc.StatusCode.UNKNOWN)
        await context.abort(code, str(error)[:_DETAILS])
        raise AssertionError from None  # abort raises


class GrpcServer(GRPCServer):
    """MLServer's server by gRPC, within limits."""

    limits = Limits()

    def bind(self) -> None:
        """Takes its port, before models are loaded.

        Raises:
          UserError: the port cannot be had.
        """
        options = {
            "grpc.so_reuseport": 0,  # or a second server would share the port unheard
            "grpc.max_receive_message_length": self.limits.bytes,
            "grpc.max_send_message_length": -1,
            "grpc.max_allowed_incoming_connections": self.limits.connections,
            "grpc.server_handshake_timeout_ms": round(1000 * self.limits.seconds),
            "grpc.max_connection_idle_ms": _IDLE,
            "grpc.max_connection_age_ms": _AGE,
            "grpc.max_connection_age_grace_ms": round(1000 * self.limits.seconds),
        }
        # a call whose request never becomes whole counts as well
        self._server = aio.server(options=list(options.items()), maximum_concurrent_rpcs=2 * self.limits.requests)
        servicer = _Servicer(self._data_plane, self._model_repository_handlers)
        add_GRPCInferenceServiceServicer_to_server(servicer, self._server)
        host = self._settings.host
        address = f"{f'[{host}]' if ':' in host else host}:{self._settings.grpc_port}"
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError:
            self.port = 0
        if not self.port:
            raise UserError(f"--grpc_port={self._settings.grpc_port}: cannot listen at {address}; choose another")

    def _create_server(self) -> aio.Server:
        return self._server
