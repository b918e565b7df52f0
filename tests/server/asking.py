"""Asking the whole app as another server would: plain, with a page's Accept, or signed by somebody who has a key."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from sqlalchemy.orm import Session

from federation import signatures
from federation.context import Federation
from models import actors, base
from models.actors import Actor
from models.database import Database
from server.app import create_app
from server.settings import Settings
from tests import keys
from tests.federation.elsewhere import Elsewhere, federation_with, remote

T = TypeVar("T")
ACTIVITY = "application/activity+json"
ORIGIN = "https://a.example"


@dataclass
class Asking:
    """The node `a.example`, and ways to ask it."""

    database: Database
    authorized_fetch: bool = False
    elsewhere: Elsewhere = field(default_factory=Elsewhere)

    def __post_init__(self) -> None:
        settings = Settings(origin=ORIGIN, domain="a.example", node_name="Torv i a", data_dir="unused")
        self.fed: Federation = federation_with(self.database, self.elsewhere)
        self.fed.authorized_fetch = self.authorized_fetch
        self.app = create_app(settings, federation=self.fed)

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    async def get(self, target: str, *, accept: str = ACTIVITY, **headers: str) -> httpx.Response:
        """An unsigned GET."""
        transport = httpx.ASGITransport(self.app, client=("203.0.113.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            url = target if target.startswith("https:") else ORIGIN + target
            return await client.get(url, headers={"Accept": accept, **headers})

    async def json(self, target: str) -> dict[str, Any]:
        """The document there; the answer has to be 200."""
        response = await self.get(target)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = json.loads(response.content)
        return found

    def stranger(self, host: str = "m.example", name: str = "jonas") -> "Stranger":
        """Somebody on another server whose key we know."""
        private, public = keys.draw()
        uri = f"https://{host}/users/{name}"
        actor = self.do(lambda db: remote(db, host, name, keys=[(f"{uri}#main-key", public)]))
        return Stranger(self, actor, private)


@dataclass
class Stranger:
    """An actor elsewhere who signs what he asks."""

    asking: Asking
    actor: Actor
    private_pem: str

    async def get(self, target: str) -> httpx.Response:
        """A signed GET."""
        url = target if target.startswith("https:") else ORIGIN + target
        key = signatures.private_key(self.private_pem)
        headers = signatures.sign_cavage(key, f"{self.actor.uri}#main-key", "GET", url, b"", base.now())
        return await self.asking.get(url, accept=headers.pop("Accept"), **headers)


def local(db: Session, username: str) -> Actor:
    """The actor of that name on this node."""
    found = actors.by_handle(db, username)
    assert found is not None
    return found
