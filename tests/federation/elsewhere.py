"""Other servers that exist only in the test: what each answers, and what it was sent."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation.client import Client
from federation.context import Federation, Limits
from models import actors
from models.actors import Actor, RemoteActor
from models.database import Database
from models.outbox import Activity, Delivery

Answering = Callable[[httpx.Request], Awaitable[httpx.Response]]


@dataclass
class Sent:
    """One request that reached a server."""

    method: str
    url: str
    headers: httpx.Headers
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Elsewhere:
    """All servers there are. A host without an answer of its own takes everything with 202."""

    answers: dict[str, Answering] = field(default_factory=dict)
    sent: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    flying: Counter[str] = field(default_factory=Counter)
    most_flying: Counter[str] = field(default_factory=Counter)

    def transport(self, host: str) -> httpx.AsyncBaseTransport:
        async def handle(request: httpx.Request) -> httpx.Response:
            self.flying[host] += 1
            self.most_flying[host] = max(self.most_flying[host], self.flying[host])
            try:
                body = await request.aread()
                self.sent[host].append(Sent(request.method, str(request.url), request.headers, body))
                return await self.answers[host](request) if host in self.answers else httpx.Response(202)
            finally:
                self.flying[host] -= 1

        return httpx.MockTransport(handle)

    def posts(self, host: str) -> list[Sent]:
        """What was delivered there, in the order of arrival."""
        return [one for one in self.sent[host] if one.method == "POST"]

    def answer(self, host: str, status: int, **headers: str) -> None:
        """From now on the host answers so."""

        async def say(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, headers=headers)

        self.answers[host] = say

    def dead(self, host: str) -> None:
        """From now on nobody is there."""

        async def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("connection refused", request=request)

        self.answers[host] = refuse

    def slow(self, host: str, seconds: float) -> None:
        """From now on the host takes so long."""

        async def wait(_request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(seconds)
            return httpx.Response(202)

        self.answers[host] = wait


def federation_with(database: Database, elsewhere: Elsewhere, **limits: Any) -> Federation:
    """The node, among those servers."""
    client = Client(user_agent="Torv/test", transport_factory=elsewhere.transport)
    return Federation(database, client, Limits(**limits))


def remote(
    db: Session, host: str, name: str = "jonas", *, type: str = "Person", shared: bool = True, **more: Any
) -> Actor:
    """Somebody on another server, as if he had been fetched."""
    uri = f"https://{host}/users/{name}"
    return actors.record_remote(
        db,
        RemoteActor(
            uri=uri,
            type=type,
            username=name,
            domain=host,
            inbox=f"{uri}/inbox",
            shared_inbox=f"https://{host}/inbox" if shared else "",
            followers_uri=f"{uri}/followers",
            **more,
        ),
    )


def waiting(db: Session) -> list[str]:
    """The inboxes in the delivery queue, in order."""
    return sorted(db.scalars(select(Delivery.inbox).where(Delivery.dead_at.is_(None))))


def newest(db: Session, type: str) -> Activity:
    """The last activity of a type in the outbox table."""
    found = db.scalars(select(Activity).where(Activity.type == type).order_by(Activity.id.desc())).first()
    assert found is not None
    return found
