"""The node at a port, spoken to over real connections, byte by byte, as other servers and apps do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from federation.context import Federation
from models.database import Database
from server.app import create_app
from server.doorstep import Doorstep, DoorstepProtocol, Remembering
from server.letterbox import Letterbox
from server.metrics import Metrics, RequestMetrics
from server.settings import Settings
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.server.asking import ORIGIN


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def lasting(self) -> tuple[object, ...]:
        """All but what is another for each request."""
        fields = {name: value for name, value in self.headers.items() if name not in {"x-request-id", "date"}}
        return self.status, {name: value for name, value in fields.items() if "ratelimit" not in name}, self.body


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: ServerState

    async def ask(self, text: str | bytes) -> Answer:
        self.send(text)
        return await self.answer()

    def send(self, text: str | bytes) -> None:
        self.writer.write(text if isinstance(text, bytes) else text.encode("latin-1"))

    async def answer(self, *, body: bool = True) -> Answer:
        async with asyncio.timeout(10):
            first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
            length = int(headers.get("content-length", 0)) if body else 0
            return Answer(int(first.split(" ")[1]), headers, await self.reader.readexactly(length))

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            return await self.reader.read() == b""


@dataclass
class House:
    """The node at a port, and how often its application was asked."""

    database: Database
    api_calls: int = 300
    authorized_fetch: bool = False
    fed: Federation | None = None
    asked: int = 0

    def __post_init__(self) -> None:
        chosen = Settings(
            origin=ORIGIN, domain="a.example", node_name="Torv", data_dir="unused", api_calls=self.api_calls
        )
        fed = self.fed or federation_with(self.database, Elsewhere())
        fed.authorized_fetch = self.authorized_fetch
        chosen = msgspec.structs.replace(chosen, trusted_proxies=["127.0.0.0/8"])
        self.node = node = create_app(chosen, federation=fed)
        self.metrics = Metrics(self.database)
        self.doorstep = Doorstep(
            node.state.kept, node.state.limits, self.metrics, chosen.proxy_networks, chosen.api_calls
        )
        self.letterbox = Letterbox(
            node.state.intake, self.metrics, node.state.fields, self.database.node, chosen.proxy_networks
        )
        self.app = RequestMetrics(self._counting(Remembering(node, self.doorstep)), self.metrics)

    def _counting(self, app: ASGIApp) -> ASGIApp:
        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            self.asked += 1
            await app(scope, receive, send)

        return count

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """A connection to it."""
        config = uvicorn.Config(self.app, log_config=None, access_log=False)
        config.load()
        state = ServerState()
        make = partial(DoorstepProtocol, self.doorstep, self.letterbox, config, server_state=state, app_state={})
        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield Line(reader, writer, state)
        finally:
            writer.close()
            await writer.wait_closed()
            while state.connections or state.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            server.close()
            await server.wait_closed()

    def counted(self, page: str, status: str = "200", method: str = "GET") -> float:
        """How many requests the metrics know."""
        return self.metrics.requests.labels(method, page, status)._value.get()
