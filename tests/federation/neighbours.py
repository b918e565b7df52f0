"""Actors on other servers that sign what they send, and whose documents can be fetched: everything in memory."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation import receiving, signatures
from federation.client import Client
from federation.context import Federation
from federation.receiving import IncomingRequest, Reply
from models import actors, base
from models.actors import Actor
from models.database import Database
from models.inbox import Received
from tests import keys
from tests.dumping import dumped

Json = dict[str, Any]
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ORIGIN = "https://a.example"
BOOKKEEPING = frozenset({"received", "memory", "peers"})


@dataclass(frozen=True)
class Said:
    """A whole answer of a server."""

    status: int
    content: bytes
    headers: dict[str, str]


def said(status: int, content: bytes = b"", **headers: str) -> Said:
    """An answer with these headers (`content_type="text/html"`)."""
    return Said(status, content, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class Fediverse:
    """All other servers: what stands at each address, and what was asked for."""

    documents: dict[str, Any] = field(default_factory=dict)
    """By address: a JSON document, a status, an exception to raise, or an answer `said`."""
    asked: list[str] = field(default_factory=list)

    @cached_property
    def client(self) -> Client:
        """The way there. One for all nodes of a test, because its TLS context takes time to make."""
        return Client(user_agent="Torv/test", transport_factory=self.transport)

    def put(self, doc: Json) -> Json:
        """Let a document stand at its own id."""
        self.documents[doc["id"]] = doc
        return doc

    def transport(self, host: str) -> httpx.AsyncBaseTransport:
        """For the client's `transport_factory`."""

        def answer(request: httpx.Request) -> httpx.Response:
            url = str(request.url)
            self.asked.append(url)
            found = self.documents.get(url, 404)
            if isinstance(found, Exception):
                raise found
            if isinstance(found, Said):
                return httpx.Response(found.status, headers=found.headers, content=found.content)
            if isinstance(found, int):
                return httpx.Response(found)
            kind = "application/activity+json"
            return httpx.Response(200, headers={"Content-Type": kind}, content=json.dumps(found).encode())

        return httpx.MockTransport(answer)

    @contextmanager
    def quiet(self) -> Iterator[list[str]]:
        """Addresses that are asked for meanwhile."""
        before = len(self.asked)
        found: list[str] = []
        yield found
        found += self.asked[before:]


@dataclass
class Neighbour:
    """Somebody on another server."""

    uri: str
    private: str
    public: str
    doc: Json

    @property
    def host(self) -> str:
        return self.uri.split("/")[2]

    @property
    def key_id(self) -> str:
        return f"{self.uri}#main-key"

    @property
    def followers(self) -> str:
        return f"{self.uri}/followers"

    def id(self, name: object) -> str:
        """An id on his server."""
        return f"https://{self.host}/{name}"

    def sends(
        self,
        body: Json | bytes,
        *,
        target: str = "/inbox",
        scheme: str = "cavage",
        key: str = "",
        key_id: str = "",
        age: float = 0,
        origin: str = ORIGIN,
        **headers: str,
    ) -> IncomingRequest:
        """A signed request; `age` is in seconds."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sign = signatures.sign_cavage if scheme == "cavage" else signatures.sign_rfc9421
        now = base.now() - timedelta(seconds=age)
        made = sign(
            signatures.private_key(key or self.private), key_id or self.key_id, "POST", origin + target, data, now
        )
        more = {name.replace("_", "-").title(): value for name, value in headers.items()}
        return IncomingRequest("POST", target, tuple({**made, **more}.items()), data)

    # What he does

    def does(self, type: str, object: Any, label: object = "", /, **more: Any) -> Json:
        """An activity of his."""
        return {
            "@context": "https://www.w3.org/ns/activitystreams",
            "id": self.id(f"act/{label or type}"),
            "type": type,
            "actor": self.uri,
            "object": object,
            **more,
        }

    def note(self, label: object, content: str = "<p>Hej</p>", /, **more: Any) -> Json:
        """A public Note of his."""
        return {
            "id": self.id(f"notes/{label}"),
            "type": "Note",
            "attributedTo": self.uri,
            "content": content,
            "published": base.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "to": [PUBLIC],
            "cc": [self.followers],
            **more,
        }

    def creates(self, note: Json) -> Json:
        """The Create of a post."""
        return self.does("Create", note, f"create-{note['id'].rpartition('/')[2]}", to=note["to"], cc=note["cc"])


def neighbour(
    fediverse: Fediverse, name: str = "jonas", host: str = "m.example", type: str = "Person", **more: Any
) -> Neighbour:
    """A new actor, and his document at his id."""
    uri = f"https://{host}/users/{name}"
    private, public = keys.draw()
    doc = {
        "@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"],
        "id": uri,
        "type": type,
        "preferredUsername": name,
        "inbox": f"{uri}/inbox",
        "followers": f"{uri}/followers",
        "featured": f"{uri}/featured",
        "endpoints": {"sharedInbox": f"https://{host}/inbox"},
        "publicKey": {"id": f"{uri}#main-key", "owner": uri, "publicKeyPem": public},
        **more,
    }
    return Neighbour(uri, private, public, fediverse.put(doc))


class Inbox:
    """The node's inbox: gives it requests, processes what was stored, and looks into the database."""

    def __init__(self, database: Database, fediverse: Fediverse) -> None:
        self.database = database
        self.fediverse = fediverse
        self.fed = Federation(database, fediverse.client)

    async def takes(self, request: IncomingRequest) -> Reply:
        """Accept a request, and process what is waiting."""
        reply = await receiving.accept(self.fed, request)
        await self.processes()
        return reply

    async def processes(self) -> None:
        """Process what is waiting."""
        for received_id in self.read(
            lambda db: list(db.scalars(select(Received.id).where(Received.state == "waiting")))
        ):
            await receiving.process(self.fed, received_id)

    async def note(self, request: IncomingRequest) -> str:
        """Accept and process a request; how its row ended: `done: …` or `ignored: …`, or the refusal."""
        reply = await self.takes(request)
        row = self.read(lambda db: db.scalars(select(Received).order_by(Received.id.desc()).limit(1)).first())
        if reply.status != 202:
            return f"{reply.status}: {reply.text}"
        return f"{row.state}: {row.note}" if row is not None else "nothing stored"

    def read(self, work: Callable[[Session], Any]) -> Any:
        """Look into the database."""
        with self.database.reading() as db:
            return work(db)

    def write(self, work: Callable[[Session], Any]) -> Any:
        """Change something by hand."""
        return self.database.write(work)

    async def knows(self, someone: Neighbour) -> Actor:
        """The node has met him before."""
        from federation import resolving

        return await resolving.actor(self.fed, someone.uri, resolving.Budget())

    def actor(self, uri: str) -> Actor:
        """The row of an actor."""
        found = self.read(lambda db: actors.by_uri(db, uri))
        assert found is not None, uri
        return found  # type: ignore[no-any-return]

    def dump(self, *, without: frozenset[str] = frozenset()) -> Mapping[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        return dumped(self.database, without=without)
