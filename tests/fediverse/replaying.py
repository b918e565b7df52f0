"""Replaying one server's recordings, in order, against the whole application, with the clock at each one's Date."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.types import Message

from federation import receiving, resolving
from federation.client import Client
from federation.context import Federation
from models.base import clock
from models.database import Database
from models.inbox import Received
from server.app import create_app
from server.settings import Settings
from tests.fediverse import recorded_world
from tests.fediverse.recordings import Origins, Recording


class Replay:
    """One node among those servers. `effects` has the outcome of each file replayed so far, in words:

    `202 done: A vote for https://ask.test/p/110.`   the status, how its inbox row ended, and the row's own note
    `401: The key of the keyId cannot be had.`       a refusal, with what the sender is told
    `200`                                            a GET
    """

    def __init__(self, database: Database, origins: Origins) -> None:
        self.database = database
        self.origins = origins
        client = Client(user_agent="Torv/test", transport_factory=origins.transport)
        self.fed = Federation(database, client)
        self.app = create_app(Settings(origin=database.node.origin, data_dir="unused"), federation=self.fed)
        self.effects: dict[str, str] = {}

    def run(self, recordings: list[Recording]) -> None:
        """Replay these, in order."""
        asyncio.run(self._run(recordings))

    async def _run(self, recordings: list[Recording]) -> None:
        for recording in recordings:
            self.effects[recording.name] = await self._replay(recording)
        await self.fed.client.aclose()

    async def _replay(self, recording: Recording) -> str:
        if recording.time is not None:
            clock.offset = recording.time - time.time()
        if recording.is_post:
            await self._meet(recording)
        self.database.write(lambda db: recorded_world.prepare(db, recording, self.database.node.origin))
        if recording.is_post:
            self.origins.happened(recording.body)
        before = self.read(_rows)
        status, body = await call(self.app, recording)
        if not recording.is_post:
            return str(status)
        for received_id in self.read(_rows) - before:
            await receiving.process(self.fed, received_id)
            row = self.read(lambda db, id=received_id: db.get(Received, id))  # type: ignore[misc]
            assert row is not None
            return f"{status} {row.state}: {row.note}"
        return f"{status}: {body.decode() or 'taken, and nothing of it kept'}"

    async def _meet(self, recording: Recording) -> None:
        """Whom we followed, we had met before he answered."""
        if recording.body["type"] in ("Accept", "Reject"):
            await resolving.actor(self.fed, recording.body["actor"], resolving.Budget())

    def read(self, work: Callable[[Session], Any]) -> Any:
        """Look into the database."""
        with self.database.reading() as db:
            return work(db)


def _rows(db: Session) -> set[int]:
    return set(db.scalars(select(Received.id)))


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
