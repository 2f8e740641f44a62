"""The HTTP side of the Open Inference Protocol, with limits on connections, bodies and the time that they take."""

import asyncio
import errno
import json
import os
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from fastapi import Request
from fastapi.exception_handlers import request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from mlserver.rest.server import RESTServer, _NoSignalServer
from uvicorn.protocols.http.h11_impl import H11Protocol

from tfvae.errors import UserError
from tfvae.serving.limits import Limits

Send = Callable[[dict[str, Any]], Any]
Receive = Callable[[], Any]
_RETRY_AFTER = (b"retry-after", b"1")
_LINGER = 1.0  # seconds in which a client that is sent away may read why


def bind(host: str, port: int, flag: str = "--http_port") -> socket.socket:
    """Takes a port, before models are loaded.

    Raises:
      UserError: the host is not known, or the port cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UserError(f"--host={host}: no address of this machine: {error}") from None
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(socket.SOMAXCONN)
    except (OSError, OverflowError) as error:
        taken.close()
        reason = os.strerror(number) if (number := getattr(error, "errno", None)) else str(error)
        mistake = f"--host={host}" if number == errno.EADDRNOTAVAIL else f"{flag}={port}"
        raise UserError(f"{mistake}: cannot listen at {host}:{port}: {reason}; choose another") from None
    return taken


class HttpServer(RESTServer):
    """MLServer's server by HTTP, within limits."""

    limits = Limits()
    taken: socket.socket

    async def start(self) -> None:
        """Serves until it is stopped."""
        limits = self.limits

        class Protocol(_Protocol):
            seconds, most = limits.seconds, limits.connections

        config = uvicorn.Config(self._app, http=Protocol, ws="none", access_log=False, log_config=None)
        self._server = _NoSignalServer(config)
        await self._server.serve(sockets=[self.taken])


class _Protocol(H11Protocol):
    """Uvicorn's connection, cut when a request takes too long to arrive or there are too many connections."""

    seconds: float
    most: int
    _late: asyncio.TimerHandle | None = None
    _away = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) <= self.most:
            self._watch()
            return
        self._away = True
        if len(self.connections) > 2 * self.most:
            transport.abort()
            return
        transport.write(_raw(503, f"there are {self.most} connections already (--connections); try again later"))
        transport.write_eof()
        self.loop.call_later(_LINGER, transport.abort)

    def data_received(self, data: bytes) -> None:
        if not self._away:
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._rest()
        elif self._late is None and not self.transport.is_closing():
            self._late = self.loop.call_later(self.seconds, self._cut)

    def _rest(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut(self) -> None:
        self._late = None
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_raw(408, f"the request did not arrive within {self.seconds:g} s (--seconds)"))
        self.transport.close()


def _raw(status: int, message: str) -> bytes:
    body = _body(message)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    headers += [_RETRY_AFTER] if status == 503 else []
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), *(name + b": " + value for name, value in headers), b"", body]
    return b"\r\n".join(lines)


def _body(message: str) -> bytes:
    return json.dumps({"error": message}).encode()


class Guard:
    """Answers requests that MLServer would fall over: bodies that are too long, too many or encoded."""

    def __init__(self, app: Any, limits: Limits) -> None:
        """Wraps an ASGI application."""
        self.app, self.limits, self.pending = app, limits, 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Reads the body before anyone else does."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] != "POST":
            await self.app(scope, receive, _retried(send))
        else:
            held = [0]
            try:
                await self._post(scope, receive, _retried(send), held)
            finally:
                self.pending -= held[0]

    async def _post(self, scope: dict[str, Any], receive: Receive, send: Send, held: list[int]) -> None:
        """Answers a request with a body; `held` are its bytes that count as pending."""
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            await _refuse(send, 415, "Content-Encoding: send the body as it is")
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            part = message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) + len(part) > self.limits.bytes or _declared(headers) > self.limits.bytes:
                await _refuse(send, 413, f"the request has more than {self.limits.bytes} bytes (--bytes)")
                return
            if self.pending + len(part) > self.limits.pending_bytes:
                await _refuse(send, 503, f"requests of {self.limits.pending_bytes} bytes wait already (--pending_bytes); try again later")
                return
            body += part
            held[0] += len(part)
            self.pending += len(part)
        # it is JSON, whatever a client such as curl calls it
        kept = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
        scope = {**scope, "headers": [*kept, (b"content-type", b"application/json")]}
        whole = iter([{"type": "http.request", "body": bytes(body), "more_body": False}])

        async def replay() -> dict[str, Any]:
            return next(whole, None) or await receive()

        await self.app(scope, replay, send)


def _declared(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


def _retried(send: Send) -> Send:
    """Sends answers that the server is busy with the time after which to ask again."""

    async def sent(message: dict[str, Any]) -> None:
        if message.get("status") == 503:
            message = {**message, "headers": [*message.get("headers", []), _RETRY_AFTER]}
        await send(message)

    return sent


async def tell_of_bodies(request: Request, error: Exception) -> Response:
    """Answers a body that is no JSON object, which FastAPI tells by its own errors, as other mistakes are answered."""
    assert isinstance(error, RequestValidationError)
    for one in error.errors():
        if one["type"] == "json_invalid":
            return JSONResponse({"error": f"the body is no JSON: {one.get('ctx', {}).get('error', '')}"}, 400)
        if tuple(one["loc"]) == ("body",):
            return JSONResponse({"error": "the body must be a JSON object"}, 400)
    return await request_validation_exception_handler(request, error)


async def _refuse(send: Send, status: int, message: str) -> None:
    body = _body(message)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
