"""How others find us: WebFinger (RFC 7033), host-meta (RFC 6415), NodeInfo, and where old tag addresses lead."""

import hashlib
import time
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import quote, urlsplit

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from federation import media_types, vocabulary
from federation.context import Federation
from federation.crossing import reading
from federation.writing import dumps
from models import actors, base, collections, moderation, posts
from models.actors import Actor, ActorType
from models.database import Node
from models.errors import DomainError, NotFound
from models.registrations import Mode
from models.text import tag_key
from server.activitypub.answering import NONE, PUBLIC_AGE, federation_of, kept_of
from server.kept import repeatable
from server.site import Site
from server.version import VERSION

OPEN = {"Access-Control-Allow-Origin": "*"}
NODEINFO = "http://nodeinfo.diaspora.software/ns/schema/"
COUNTED_FOR = 3600.0
"""Seconds for which the numbers in NodeInfo are not counted anew."""


class NoResource(DomainError):
    """WebFinger was not told whom to look for (HTTP 400)."""

    status = 400
    code = "resource_missing"


async def webfinger(request: Request) -> Response:
    """`GET /.well-known/webfinger?resource=`: an actor by handle or address. Letter case is ignored; names of other
    domains, unknown ones and hidden ones get the same 404, whatever Host the request names."""
    resource = request.query_params.get("resource", "").strip()
    if not resource:
        raise NoResource("Say whom you look for: ?resource=acct:name@domain")
    fed = federation_of(request)

    def look(db: Session) -> tuple[bytes, str] | None:
        actor = _find(db, fed.node, resource)
        if actor is None:
            return None
        body = dumps(_jrd(fed.node, actor))
        return body, f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'

    found = await kept_of(request).get(
        ("webfinger", resource), lambda: reading(fed.database, look), lambda made: NONE + (len(made[0]) if made else 0)
    )
    if found is None:
        raise NotFound("There is nobody by that name here.")
    body, tag = found
    repeatable(request)
    headers = OPEN | {"ETag": tag, "Cache-Control": f"public, max-age={PUBLIC_AGE}"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=vocabulary.JRD_JSON, headers=headers)


def _find(db: Session, node: Node, resource: str) -> Actor | None:
    if len(resource) > 2048:
        return None
    if resource.lower().startswith(("https://", "http://")):
        actor = _by_address(db, node, resource)
    else:
        name, _, domain = resource.removeprefix("acct:").removeprefix("@").rpartition("@")
        if domain.lower() not in {node.domain, node.host}:
            return None
        actor = actors.by_handle(db, name)
    if actor is None or not collections.shown_outside(db, actor):
        return None
    return actor


def _by_address(db: Session, node: Node, address: str) -> Actor | None:
    parts = urlsplit(address.lower())
    if f"{parts.scheme}://{parts.netloc}" != node.origin:
        return None
    path = parts.path.rstrip("/")
    if not path:  # the bare origin is the node itself (FEP-d556)
        return actors.node_actor(db)
    if path.startswith("/@"):
        return actors.by_handle(db, path[2:])
    return actors.by_uri(db, node.origin + path)


def _jrd(node: Node, actor: Actor) -> dict[str, Any]:
    links: list[dict[str, str]] = [
        {"rel": "self", "type": media_types.ACTIVITY_JSON, "href": actor.uri},
        {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": actor.url or actor.uri},
    ]
    if actor.type != ActorType.APPLICATION:
        intents = f"{node.origin}/intents"
        links += [
            {"rel": "https://w3id.org/fep/3b86/Object", "template": f"{intents}/object?uri={{object}}"},
            {"rel": "https://w3id.org/fep/3b86/Follow", "template": f"{intents}/follow?uri={{object}}"},
            {"rel": "http://ostatus.org/schema/1.0/subscribe", "template": f"{intents}/follow?uri={{uri}}"},
        ]
    return {"subject": f"acct:{actor.handle}", "aliases": [actor.uri], "links": links}


async def host_meta(request: Request) -> Response:
    """`GET /.well-known/host-meta`: where WebFinger is, for the servers that still ask this first."""
    template = escape(f"{federation_of(request).node.origin}/.well-known/webfinger?resource={{uri}}")
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">'
        f'<Link rel="lrdd" template="{template}"/></XRD>\n'
    )
    return Response(text, media_type=vocabulary.XRD_XML, headers=OPEN)


async def nodeinfo_links(request: Request) -> Response:
    """`GET /.well-known/nodeinfo`: where NodeInfo is, and the node's own actor (FEP-2677)."""
    origin = federation_of(request).node.origin
    links = [{"rel": NODEINFO + version, "href": f"{origin}/nodeinfo/{version}"} for version in ("2.0", "2.1")]
    links.append({"rel": f"{vocabulary.ACTIVITYSTREAMS}#Application", "href": f"{origin}/actor"})
    return JSONResponse({"links": links}, headers=OPEN)


async def nodeinfo(request: Request) -> Response:
    """`GET /nodeinfo/2.0` and `/nodeinfo/2.1`: what runs here, and roughly for how many. Counted once an hour."""
    version = request.path_params["version"]
    if version not in {"2.0", "2.1"}:
        raise NotFound("There is no NodeInfo of that version.")
    site: Site = request.app.state.site
    known = await site.current()
    body = {
        "version": version,
        "software": {"name": "torv", "version": VERSION},
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": site.policy.mode in {Mode.OPEN, Mode.APPROVAL},
        "usage": await _usage(request, federation_of(request)),
        "metadata": {"nodeName": known.name},
    }
    kind = f'application/json; profile="{NODEINFO}{version}#"'
    return JSONResponse(body, media_type=kind, headers=OPEN | {"Cache-Control": "public, max-age=1800"})


async def _usage(request: Request, fed: Federation) -> dict[str, Any]:
    known = getattr(request.app.state, "nodeinfo_usage", None)
    if known is not None and time.monotonic() - known[0] < COUNTED_FOR:
        found: dict[str, Any] = known[1]
        return found
    usage = await reading(fed.database, _count)
    request.app.state.nodeinfo_usage = (time.monotonic(), usage)
    return usage


def _count(db: Session) -> dict[str, Any]:
    written, replies = posts.count_local(db)
    present = base.now()
    users = {
        "total": moderation.count_accounts(db),
        "activeMonth": posts.count_active(db, present - timedelta(days=30)),
        "activeHalfyear": posts.count_active(db, present - timedelta(days=180)),
    }
    return {"users": users, "localPosts": written, "localComments": replies}


async def old_tag(request: Request) -> Response:
    """`GET /tags/{tag}` and `/c/{name}/tag/{tag}`: other servers rewrite hashtag links to such addresses."""
    tag = tag_key(request.path_params["tag"])
    return RedirectResponse(f"/t/{quote(tag, safe='')}", status_code=301)
