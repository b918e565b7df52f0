"""The doors: server-sent events under one address per channel, and a WebSocket that can listen to many.

Both belong to whoever holds the token, wherever the page came from: no cookie opens them, so another site's page can do
nothing here that its user did not give it a token for.
"""

import asyncio
import contextlib
from typing import Any

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from models.errors import DomainError, NotFound
from server.api.arguments import TRUE
from server.clients import address, network
from server.limits import Limits, Rule
from server.streaming.channels import Channel, UnknownChannel, channel
from server.streaming.connections import Connection, Message
from server.streaming.hub import Hub
from server.streaming.sending import LAST_WORD, send_until_over

OPENED_BY_ADDRESS = Rule("streams/address", 300, 5 * 60)

MOST_ASKED = 4096
"""Most characters of one message from a client."""

PATHS = {
    "user": "user",
    "user/notification": "user:notification",
    "public": "public",
    "public/local": "public:local",
    "public/remote": "public:remote",
    "direct": "direct",
    "hashtag": "hashtag",
    "hashtag/local": "hashtag:local",
    "list": "list",
}

POLICY_VIOLATION, TOO_BIG, GOING_AWAY, TRY_LATER = 1008, 1009, 1001, 1013


async def health(request: Request) -> Response:
    """That streams can be had here."""
    return PlainTextResponse("OK")


async def events(request: Request) -> Response:
    """One channel as server-sent events."""
    await _count(request)
    name = PATHS.get(request.path_params["name"], "")
    if not name:
        raise NotFound("Record not found")
    if name.startswith("public") and request.query_params.get("only_media", "").lower() in TRUE:
        name += ":media"
    wanted = channel(
        name, tag=request.query_params.get("tag", ""), list_id=request.query_params.get("list", "")
    )  # fmt: skip
    hub: Hub = request.app.state.hub
    connection = await hub.join(_secret(request), wanted)
    return EventStream(hub, connection)


class EventStream(Response):
    """Server-sent events, for as long as both sides want them."""

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self.hub, self.connection = hub, connection
        self.status_code = 200
        self.background = None
        self.body = b""
        # X-Accel-Buffering: a proxy must not wait for more before it passes a message on
        self.init_headers(
            {
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "private, no-store",
                "X-Accel-Buffering": "no",
            }
        )
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until it is over."""

        async def body(chunk: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

        async def say(message: Message | None) -> None:
            await body(b":thump\n" if message is None else message.as_event())

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await body(b":)\n")
            if await send_until_over(self.connection, say, gone()):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORD):
                        await body(b"", more=False)
        finally:
            self.hub.leave(self.connection)


async def socket(websocket: WebSocket) -> None:
    """A WebSocket; the first channel stands in the address, further ones are asked for in messages."""
    hub: Hub = websocket.app.state.hub
    protocol = next(iter(websocket.scope.get("subprotocols") or ()), None)
    try:
        await _count(websocket)
        query = websocket.query_params
        wanted = _asked(dict(query)) if query.get("stream") else None
        connection = await hub.join(_secret(websocket) or protocol, wanted)
    except DomainError as error:
        await _refuse(websocket, error)
        return
    try:
        await websocket.accept(subprotocol=protocol)
        await _serve(websocket, hub, connection)
    except WebSocketDisconnect:
        pass
    finally:
        hub.leave(connection)


async def _serve(websocket: WebSocket, hub: Hub, connection: Connection) -> None:
    async def say(message: Message | None) -> None:
        if message is not None:  # the server library pings by itself
            await websocket.send_text(message.as_json())

    async def listen() -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                asked = await websocket.receive_text()
                if len(asked) > MOST_ASKED:
                    connection.end("too big")
                    await asyncio.Event().wait()  # we read nothing more; the connection is being closed
                await _obey(websocket, hub, connection, asked)

    if await send_until_over(connection, say, listen()):
        codes = {"shutdown": GOING_AWAY, "slow": TRY_LATER, "too big": TOO_BIG}
        with contextlib.suppress(TimeoutError, RuntimeError):
            async with asyncio.timeout(LAST_WORD):
                await websocket.close(codes.get(connection.reason, POLICY_VIOLATION))


async def _obey(websocket: WebSocket, hub: Hub, connection: Connection, asked: str) -> None:
    """Do what a message says; what makes no sense is answered, not punished."""
    try:
        said = msgspec.json.decode(asked)
        if not isinstance(said, dict):
            raise UnknownChannel("The message has to be a JSON object")
        match said.get("type"):
            case "subscribe":
                await hub.subscribe(connection, _asked(said))
            case "unsubscribe":
                connection.unsubscribe(_asked(said))
    except DomainError as error:
        await _complain(websocket, error.text, error.status)
    except (msgspec.DecodeError, RecursionError):
        await _complain(websocket, "The message is no JSON", 400)


async def _complain(websocket: WebSocket, text: str, status: int) -> None:
    await websocket.send_text(msgspec.json.encode({"error": text, "status": status}).decode())


async def _refuse(websocket: WebSocket, error: DomainError) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        body = msgspec.json.encode({"error": error.text})
        await websocket.send_denial_response(Response(body, error.status, media_type="application/json"))
    else:
        await websocket.close(POLICY_VIOLATION)


def _asked(said: dict[str, Any]) -> Channel:
    def word(name: str) -> str:
        value = said.get(name)
        return str(value) if isinstance(value, str | int) else ""

    return channel(word("stream"), tag=word("tag"), list_id=word("list"))


def _secret(connection: HTTPConnection) -> str | None:
    kind, _, secret = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return secret.strip()
    return connection.query_params.get("access_token")


async def _count(connection: HTTPConnection) -> None:
    limits: Limits = connection.app.state.limits
    await limits.count(OPENED_BY_ADDRESS, network(address(connection, connection.app.state.settings.proxy_networks)))


STREAMING: list[Route | WebSocketRoute] = [
    Route("/api/v1/streaming/health", health, methods=["GET"]),
    Route("/api/v1/streaming/{name:path}", events, methods=["GET"]),
    WebSocketRoute("/api/v1/streaming", socket),
]
