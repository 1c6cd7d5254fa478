"""Guard each vendor's API, which reads the body, applies faults, commits and logs the request."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.store import Document
from sandbox.world import World

TRANSPORT = "sandbox.transport"


@dataclass(frozen=True)
class VendorMiddleware:
    """Wrap one vendor's routes and read the whole body, so that handlers never wait for it."""

    world: World
    vendor: str
    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_whole_body(receive)
        path = scope["path"].removeprefix("/stripe")
        rule = self.world.faults.take_rule(vendor=self.vendor, method=scope["method"], path=path)
        answer = StatusRecorder(send)
        try:
            await self._answer(rule, scope, replay_body(body, receive), answer)
        finally:
            self.world.store.commit()
            self._log(scope, path, body, answer.status)

    async def _answer(
        self, rule: Document | None, scope: Scope, receive: Receive, answer: "StatusRecorder"
    ) -> None:
        if rule is None:
            await self.app(scope, receive, self._committing(answer))
            return
        held = BufferedSend()
        if rule["after_effect"]:
            await self.app(scope, receive, held)
            self.world.store.commit()
        if rule["timeout"]:
            await asyncio.sleep(rule["timeout"])
        if rule["status"]:
            await self._refusal(rule)(scope, receive, answer)
        elif rule["drop"] or not rule["after_effect"]:
            await cut_connection(scope)
        else:
            await held.release(answer)

    def _refusal(self, rule: Document) -> Response:
        body = self.world.faults.build_body(rule)
        return JSONResponse(body, status_code=rule["status"], headers=rule["headers"])

    def _committing(self, answer: "StatusRecorder") -> Send:
        async def send(message: Message) -> None:
            # Durable before visible: an answer that left is never forgotten.
            self.world.store.commit()
            await answer(message)

        return send

    def _log(self, scope: Scope, path: str, body: bytes, status: int | None) -> None:
        headers = {
            name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self.world.log.record(
            vendor=self.vendor,
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode(),
            body=body,
            headers=headers,
            status=status,
        )


class StatusRecorder:
    """Forward an answer and record its status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        """Forward one message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


class BufferedSend:
    """Hold an answer back until the fault is over."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        """Hold one message back."""
        self._messages.append(message)

    async def release(self, send: Send) -> None:
        """Send the messages that were held back."""
        for message in self._messages:
            await send(message)


async def read_whole_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def replay_body(body: bytes, receive: Receive) -> Receive:
    """Return a receiver that returns an already read body as one message."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def cut_connection(scope: Scope) -> None:
    """Cut the connection without an answer, as a crashed server would."""
    transport: Any = scope.get(TRANSPORT)
    if transport is not None:
        transport.abort()
        await asyncio.sleep(
            0.01
        )  # let the server notice the closed connection, or it would answer 500
