import asyncio
import errno
import json
import socket

import pytest

from tfvae.errors import UserError
from tfvae.serving.http_server import Guard, bind
from tfvae.serving.limits import Limits


async def hello(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 503, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def ask(guard, *parts, headers=()):
    """Sends a body in parts, the last of them None when the client goes away; returns status, headers and body."""
    messages = [{"type": "http.disconnect"} if part is None else {"body": part, "more_body": True} for part in parts]
    if parts[-1] is not None:
        messages[-1]["more_body"] = False
    sent, left = [], iter([{"type": "http.request", **message} for message in messages])

    async def receive():
        return next(left)

    async def send(message):
        sent.append(message)

    asyncio.run(guard({"type": "http", "method": "POST", "headers": list(headers)}, receive, send))
    return (sent[0]["status"], dict(sent[0]["headers"]), sent[-1]["body"]) if sent else None


def test_who_is_asked_too_much_says_when_to_ask_again():
    status, headers, _ = ask(Guard(hello, Limits()), b"{}")
    assert (status, headers[b"retry-after"]) == (503, b"1")


def test_a_body_is_passed_on_unread_so_that_it_is_parsed_once():
    heard = []

    async def hears(scope, receive, send):
        heard.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    for body in (b"{", b"\xff", b"[" * 100_000):
        ask(Guard(hears, Limits()), body[:1], body[1:])
    assert heard == [b"{", b"\xff", b"[" * 100_000]


def test_bodies_that_wait_are_limited_together_and_given_back():
    guard = Guard(hello, Limits(pending_bytes=10))
    status, headers, body = ask(guard, b"{" + b" " * 8, b" " * 8)
    assert (status, headers[b"retry-after"]) == (503, b"1") and "(--pending_bytes)" in json.loads(body)["error"]
    assert ask(guard, b"{", None) is None
    assert guard.pending == 0


def test_a_body_that_says_it_is_too_long_is_not_waited_for():
    status, _, body = ask(Guard(hello, Limits(bytes=10)), b" ", headers=[(b"content-length", b"11")])
    assert status == 413 and "more than 10 bytes (--bytes)" in json.loads(body)["error"]


def test_a_port_that_cannot_be_had_is_a_mistake_in_a_line(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--grpc_port={port}: cannot listen at 127.0.0.1:{port}: Address already in use; choose"):
            bind("127.0.0.1", port, "--grpc_port")
    with pytest.raises(UserError, match=r"--host=no\.such\.invalid: no address of this machine"):
        bind("no.such.invalid", 8080)
    with pytest.raises(UserError, match=r"--host=192\.0\.2\.1: cannot listen"):
        bind("192.0.2.1", 8080)

    def refuse(self, address):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(socket, "socket", type("Socket", (socket.socket,), {"bind": refuse}))
    with pytest.raises(UserError, match=r"--http_port=80: cannot listen at .*: Permission denied; choose another"):
        bind("127.0.0.1", 80)
