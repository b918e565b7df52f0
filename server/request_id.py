"""A number for every request: in the log, in the answer's `X-Request-Id`, and on the page that says what went wrong."""

import random
import re
from collections.abc import Iterable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

GIVEN = re.compile(rb"[A-Za-z0-9-]{8,64}")


def chosen(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The number of a request with these fields."""
    for name, value in headers:
        if name == b"x-request-id":
            if GIVEN.fullmatch(value):
                return value.decode()
            break
    return f"{random.getrandbits(64):016x}"


class RequestId:
    """Names each request, by the proxy's `X-Request-Id` where it has a harmless one, and binds it to the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = chosen(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, send_named)
