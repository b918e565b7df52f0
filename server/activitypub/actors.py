"""Actors at their addresses: `/u/<name>`, `/c/<name>`, `/org/<name>` and the node's own `/actor`."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.vocabulary import CTX_ACTOR, CTX_PLAIN
from federation.writing import actors as writing
from models import actors, collections
from models.actors import Actor
from models.database import node_of
from server.activitypub.answering import Found, admit, for_all, give
from server.activitypub.objects import DELETED


async def actor(request: Request) -> Response:
    """`GET /u/{name}`, `/c/{name}`, `/org/{name}`: the actor's document; of a deleted one the Tombstone (410)."""
    await admit(request)
    return await _give(request, request.scope["path"])


async def node_actor(request: Request) -> Response:
    """`GET /actor`: the node's own actor. Never asks for a signature: others need it to check ours."""
    return await _give(request, "/actor")


async def _give(request: Request, path: str) -> Response:
    return give(request, await for_all(request, ("actor", path), lambda db: _find(db, path)))


def _find(db: Session, path: str) -> Found | None:
    row = local_actor(db, path)
    if row is None:
        return None
    if row.deleted_at is not None:
        return Found(writing.actor(db, row), CTX_PLAIN, True, DELETED)
    if not collections.shown_outside(db, row):
        return None
    return Found(writing.actor(db, row), CTX_ACTOR, True)


def local_actor(db: Session, path: str) -> Actor | None:
    """The actor of this node whose id has this path, whatever became of him."""
    row = actors.by_uri(db, node_of(db).origin + path.lower())
    return row if row is not None and row.local else None


def shown_actor(db: Session, path: str) -> Actor | None:
    """The same, if other servers may know of him."""
    row = local_actor(db, path)
    return row if row is not None and collections.shown_outside(db, row) else None
