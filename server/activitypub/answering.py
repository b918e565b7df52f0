"""How this node answers other servers' GETs: who is asking, what may be cached, and the one form of each refusal.

Public objects are the same for everybody, so nobody has to prove who he is and any cache may keep them; a signature
then matters only for who is kept out. Everything else is given to a proven reader, and for all others it does not
exist: what is hidden and what never was get the same answer, byte for byte.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation import media_types, receiving, signatures, urls
from federation.context import Federation
from federation.crossing import reading
from federation.receiving import IncomingRequest
from federation.writing import document, dumps
from models import actors, domains
from models.actors import Actor
from models.errors import Forbidden, Unauthenticated
from server import clients
from server.floods import Floods
from server.kept import Kept, repeatable

PUBLIC_AGE = 60
"""Seconds a cache may keep a public object: so long may a deleted one still be seen."""

VARY = "Accept, Signature"

NONE = 100
"""What it counts for, in bytes, to keep that there is nothing."""


@dataclass(frozen=True)
class Found:
    """What stands at an address, for this reader."""

    body: dict[str, Any]
    context: Any
    public: bool
    status: int = 200


@dataclass(frozen=True)
class Document:
    """The same as it is sent."""

    content: bytes
    tag: str
    public: bool
    status: int


def federation_of(request: Request) -> Federation:
    """The federation layer of this app."""
    fed: Federation = request.app.state.fed
    return fed


def incoming(request: Request, body: bytes = b"") -> IncomingRequest:
    """The request as signatures see it: path and query to the letter, all header fields in order."""
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    target = (path + b"?" + query if query else path).decode("latin-1")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
    return IncomingRequest(request.method, target, headers, body)


async def admit(request: Request) -> None:
    """Keep out those who say themselves that they are blocked or suspended; and, with `authorized_fetch`, everybody who
    does not prove who he is. Raises Forbidden (403) or Unauthenticated (401)."""
    fed = federation_of(request)
    if "signature" not in request.headers:
        if fed.authorized_fetch:
            raise Unauthenticated("This node answers signed requests only.")
        return
    asking = incoming(request)
    key_id = _key_id(asking)
    unwelcome = bool(key_id) and await kept_of(request).get(
        ("unwelcome", key_id), lambda: reading(fed.database, lambda db: _unwelcome(db, key_id)), lambda _: NONE
    )
    if unwelcome:
        raise Forbidden("This node does not talk to yours.")
    if fed.authorized_fetch and await reader(request) is None:
        raise Unauthenticated("This node answers signed requests only.")


def number(request: Request, name: str = "id") -> int:
    """A number in the address; 0, which nothing has, for one that no database takes."""
    found = int(request.path_params[name])
    return found if found < 2**63 else 0


async def reader(request: Request) -> Actor | None:
    """The actor who proves by a signature that he is asking; None for anybody else. Asked once per request."""
    if "signature" not in request.headers:
        return None
    if not hasattr(request.state, "reader"):
        request.state.reader = await _identify(request)
    found: Actor | None = request.state.reader
    return found


async def _identify(request: Request) -> Actor | None:
    # A key that has to be fetched first costs us a request, so askers have the same allowance as at the inbox.
    asking = incoming(request)
    floods: Floods = request.app.state.floods
    domain = receiving.claimed_host(asking)
    network = clients.network(clients.address(request, request.app.state.settings.proxy_networks))
    return await receiving.identify(federation_of(request), asking, floods.allowance(domain, network))


def _key_id(asking: IncomingRequest) -> str:
    try:
        return asking.signature.key_id
    except signatures.SignatureError:
        return ""


def _unwelcome(db: Session, key_id: str) -> bool:
    # Only claimed, not proven: who poses as somebody blocked keeps nobody out but himself.
    host = urls.host_of(key_id)
    if host is not None and domains.is_blocked(db, host):
        return True
    known = actors.key_by_uri(db, key_id)
    owner = known[1] if known is not None else actors.by_uri(db, key_id.partition("#")[0])
    return owner is not None and not owner.active


def kept_of(request: Request) -> Kept:
    """The answers this process keeps."""
    kept: Kept = request.app.state.kept
    return kept


async def for_all(
    request: Request, key: tuple[str, str | int], find: Callable[[Session], Found | None]
) -> Document | None:
    """What anybody may have, as `find` finds it; kept in memory under `key` until anything is changed."""
    database = federation_of(request).database

    def look(db: Session) -> Document | None:
        found = find(db)
        return None if found is None else rendered(found)

    return await kept_of(request).get(
        key, lambda: reading(database, look), lambda made: NONE if made is None else len(made.content) + NONE
    )


def rendered(found: Found) -> Document:
    """The document's bytes and what tells it from others."""
    content = dumps(document(found.body, found.context))
    tag = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
    return Document(content, tag, found.public, found.status)


def answer(request: Request, body: dict[str, Any], context: Any, *, public: bool = True, status: int = 200) -> Response:
    """An ActivityPub document. `public`: the same for everybody, so that caches may keep it for a minute."""
    return give(request, rendered(Found(body, context, public, status)))


def give(request: Request, made: Document | None) -> Response:
    """A document as an answer; 304 to whoever has it already; what is not there is not found."""
    if made is None:
        return not_found()
    shared = made.public and not federation_of(request).authorized_fetch
    if shared:
        repeatable(request)
    headers = {
        "Vary": VARY,
        "ETag": made.tag,
        "Cache-Control": f"public, max-age={PUBLIC_AGE}" if shared else "private, no-store",
        "Access-Control-Allow-Origin": "*",
    }
    if made.status == 200 and made.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    accept = ",".join(request.headers.getlist("accept"))
    media_type = media_types.preferred_activity_type(accept) or media_types.ACTIVITY_JSON
    return Response(made.content, status_code=made.status, media_type=media_type, headers=headers)


def not_found() -> Response:
    """The answer for what is not there and for what the asker may not know of; always the same bytes."""
    return Response(
        b'{"error":"Not found"}',
        status_code=404,
        media_type="application/json",
        headers={"Vary": VARY, "Cache-Control": "private, no-store"},
    )
