"""Clients that are connected: real sockets to a real server on the loopback, by WebSocket and by server-sent events."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from models.database import Database
from server.app import create_app
from server.settings import Settings
from server.streaming.hub import Hub
from tests.federation.elsewhere import Elsewhere, federation_with

SOON = 2.0
"""Seconds within which everybody has to hear of what happened."""

QUIET = 0.4
"""Seconds of silence after which nothing more is expected."""


@dataclass
class Serving:
    """A node that answers on a port of its own."""

    port: int
    hub: Hub

    @asynccontextmanager
    async def socket(
        self, token: str = "", query: str = "", *, by: str = "query", host: str = "a.example", **headers: str
    ) -> AsyncIterator["Listening"]:
        """A WebSocket; `by`: how the token is sent."""
        protocols = [Subprotocol(token)] if by == "protocol" else None
        if by == "header":
            headers["Authorization"] = f"Bearer {token}"
        if by == "query" and token:
            query = f"access_token={token}&{query}"
        async with websockets.connect(
            f"ws://{host}/api/v1/streaming?{query}",
            host="127.0.0.1",
            port=self.port,
            subprotocols=protocols,
            additional_headers=headers,
            proxy=None,
            open_timeout=5,
        ) as connection:
            yield Listening(connection)

    @asynccontextmanager
    async def events(self, token: str, path: str) -> AsyncIterator["Reading"]:
        """Server-sent events."""
        headers = {"Authorization": f"Bearer {token}", "Host": "a.example"}
        async with (
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client,
            client.stream("GET", f"/api/v1/streaming/{path}", headers=headers, timeout=10) as answer,
        ):
            reading = Reading(answer)
            if answer.status_code == 200:
                assert await reading.line() == ":)"
            yield reading

    async def get(self, path: str, token: str = "") -> httpx.Response:
        """An ordinary request."""
        headers = {"Host": "a.example", **({"Authorization": f"Bearer {token}"} if token else {})}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client:
            return await client.get(f"/api/v1/streaming/{path}", headers=headers, timeout=5)


@dataclass
class Listening:
    """What comes over a WebSocket."""

    connection: ClientConnection

    async def say(self, **values: Any) -> None:
        await self.connection.send(json.dumps(values))

    async def next(self, seconds: float = SOON) -> dict[str, Any]:
        """The next message, its payload read where it is JSON."""
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.connection.recv(), seconds))
        if message.get("event") not in {None, "delete", "announcement.delete", "filters_changed"}:
            message["payload"] = json.loads(message["payload"])
        return message

    async def silence(self) -> bool:
        """Whether nothing comes for a while."""
        try:
            await asyncio.wait_for(self.connection.recv(), QUIET)
        except TimeoutError:
            return True
        return False

    async def closed(self, seconds: float) -> int | None:
        """The code with which it is closed within so many seconds."""
        await asyncio.wait_for(self.connection.wait_closed(), seconds)
        return self.connection.close_code


@dataclass
class Reading:
    """What comes as server-sent events."""

    answer: httpx.Response
    _lines: Any = field(init=False)

    def __post_init__(self) -> None:
        self._lines = self.answer.aiter_lines()

    async def line(self, seconds: float = SOON) -> str:
        """The next line."""
        found: str = await asyncio.wait_for(anext(self._lines), seconds)
        return found

    async def end(self, seconds: float) -> None:
        """Read on to the end, which has to come within so many seconds."""
        async with asyncio.timeout(seconds):
            async for _ in self._lines:
                pass

    async def next(self, seconds: float = SOON) -> tuple[str, str]:
        """(event, data) of the next event."""
        while not (event := await self.line(seconds)).startswith("event: "):
            pass
        data = await self.line(seconds)
        assert data.startswith("data: ")
        assert await self.line(seconds) == ""
        return event.removeprefix("event: "), data.removeprefix("data: ")


@asynccontextmanager
async def serving(database: Database, hub: Hub | None = None) -> AsyncIterator[Serving]:
    """The node over this database, as one process among several."""
    settings = Settings(origin=database.node.origin, data_dir="unused")
    app = create_app(settings, federation=federation_with(database, Elsewhere()))
    app.state.hub = app.state.hub if hub is None else hub
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
        try:
            yield Serving(listening.getsockname()[1], app.state.hub)
        finally:
            await app.state.hub.close()
            server.should_exit = True
            await asyncio.wait_for(task, 15)
