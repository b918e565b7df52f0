"""Replaying one server's recordings, in order, against the whole application, with the clock at each one's Date."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.types import Message

from federation import receiving
from federation.client import Client
from federation.context import Federation
from models import actors
from models.base import clock
from models.database import Database
from models.inbox import Received
from server.app import create_app
from server.settings import Settings
from tests.fediverse import recorded_world
from tests.fediverse.recordings import Origins, Recording


@dataclass(frozen=True)
class Effect:
    """What a recording did: the status it got, and for a POST how its inbox row ended, in the row's own words."""

    status: int
    state: str = ""
    note: str = ""


class Replay:
    """One node among those servers. `effects` has the outcome of each file replayed so far."""

    def __init__(self, database: Database, origins: Origins) -> None:
        self.database = database
        self.origins = origins
        client = Client(user_agent="Torv/test", transport_factory=origins.transport)
        self.fed = Federation(database, client)
        self.app = create_app(Settings(origin=database.node.origin, data_dir="unused"), federation=self.fed)
        self.effects: dict[str, Effect] = {}

    def run(self, recordings: list[Recording]) -> None:
        """Replay these, in order."""
        asyncio.run(self._run(recordings))

    async def _run(self, recordings: list[Recording]) -> None:
        for recording in recordings:
            self.effects[recording.name] = await self._replay(recording)
        await self.fed.client.aclose()

    async def _replay(self, recording: Recording) -> Effect:
        if recording.time is not None:
            clock.offset = recording.time - time.time()
        if recording.is_post:
            await self._meet(recording)
        self.database.write(lambda db: recorded_world.prepare(db, recording, self.database.node.origin))
        if recording.is_post:
            self.origins.happened(recording.body)
        before = self.read(lambda db: set(db.scalars(select(Received.id))))
        status, _ = await call(self.app, recording)
        for received_id in self.read(lambda db: set(db.scalars(select(Received.id)))) - before:
            await receiving.process(self.fed, received_id)
            row = self.read(lambda db, id=received_id: db.get(Received, id))  # type: ignore[misc]
            assert row is not None
            return Effect(status, row.state, row.note)
        return Effect(status)

    async def _meet(self, recording: Recording) -> None:
        """Whom we followed, we had met before he answered."""
        from federation import resolving

        if recording.body["type"] in ("Accept", "Reject"):
            await resolving.actor(self.fed, recording.body["actor"], resolving.Budget())

    def read(self, work: Callable[[Session], Any]) -> Any:
        """Look into the database."""
        with self.database.reading() as db:
            return work(db)

    def write(self, work: Callable[[Session], Any]) -> Any:
        """Change something by hand."""
        return self.database.write(work)

    def actor(self, uri: str) -> actors.Actor:
        """An actor that is known by now."""
        found = self.read(lambda db: actors.by_uri(db, uri))
        assert found is not None, uri
        return found  # type: ignore[no-any-return]


async def call(app: Any, recording: Recording) -> tuple[int, bytes]:
    """The recorded request, given to the application to the letter (one server's header name no HTTP parser lets by)."""
    request = recording.request
    assert request is not None
    path, _, query = request["target"].partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request["method"],
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request["headers"]],
        "client": ("192.0.2.7", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    sent: list[Message] = []
    body = (request["body"] or "").encode()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    return status, b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
