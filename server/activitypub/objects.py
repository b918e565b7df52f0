"""Posts and activities at their addresses."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import reading
from federation.vocabulary import CTX_PLAIN, CTX_QUOTE
from federation.writing import activities, objects
from models import access, actors, outbox, quotes
from models.actors import Actor
from models.database import node_of
from models.outbox import Activity
from models.posts import Post
from server.activitypub.answering import Found, admit, federation_of, for_all, give, number, reader, rendered

DELETED = 410


async def post(request: Request) -> Response:
    """`GET /p/{id}`: a post of this node. Deleted ones that were public leave a Tombstone (410); what the asker may not
    see does not exist (404)."""
    await admit(request)
    id, fed = number(request), federation_of(request)
    made = await for_all(request, ("post", id), lambda db: _post(db, None, id, fed.question_object))
    if made is None and (asking := await reader(request)) is not None:
        found = await reading(fed.database, lambda db: _post(db, asking, id, fed.question_object))
        made = None if found is None else rendered(found)
    return give(request, made)


async def activity(request: Request) -> Response:
    """`GET /activities/{id}`: what somebody of this node did; if it was not public, for those it was addressed to."""
    await admit(request)
    id, fed = number(request), federation_of(request)
    made = await for_all(request, ("activity", id), lambda db: _activity(db, None, id, fed.question_object))
    if made is None and (asking := await reader(request)) is not None:
        found = await reading(fed.database, lambda db: _activity(db, asking, id, fed.question_object))
        made = None if found is None else rendered(found)
    return give(request, made)


async def quote_stamp(request: Request) -> Response:
    """`GET /p/{id}/quotes/{stamp}`: that a post of this node may be quoted by another (FEP-044f); 404 once revoked."""
    await admit(request)
    post_id, stamp_id = number(request), number(request, "stamp")
    key = ("stamp", f"{post_id}/{stamp_id}")
    return give(request, await for_all(request, key, lambda db: _stamp(db, post_id, stamp_id)))


def _stamp(db: Session, post_id: int, stamp_id: int) -> Found | None:
    found = quotes.stamp(db, post_id, stamp_id)
    if found is None or not access.may_see(db, None, found[0]):
        return None
    return Found(objects.quote_stamp(db, *found), CTX_QUOTE, True)


def local_post(db: Session, viewer: Actor | None, id: int) -> Post | None:
    """A post of this node under its own address, if `viewer` may read it."""
    row = db.get(Post, id)
    if row is None or not row.local or row.uri != f"{node_of(db).origin}/p/{id}":
        return None
    return row if access.may_see(db, viewer, row) else None


def _post(db: Session, viewer: Actor | None, id: int, form: str) -> Found | None:
    gone = db.get(Post, id)
    if gone is not None and gone.local and gone.deleted_at is not None:
        if gone.visibility not in access.OPEN:
            return None
        return Found(objects.tombstone(gone), CTX_PLAIN, True, DELETED)
    row = local_post(db, viewer, id)
    if row is None:
        return None
    body = objects.post(db, row, form)
    return Found(body, activities.context_for(body), viewer is None)


def _activity(db: Session, viewer: Actor | None, id: int, form: str) -> Found | None:
    row = outbox.get(db, id)
    if row is None or not _may_read(db, viewer, row):
        return None
    body = activities.activity(db, row, form)
    return None if body is None else Found(body, activities.context_of(row, body), viewer is None)


def _may_read(db: Session, viewer: Actor | None, row: Activity) -> bool:
    """An activity is as secret as what it is about: also a public one ends with its post."""
    if not row.public and (viewer is None or viewer.uri not in {*row.to, *row.cc}):
        return _for_followers(db, viewer, row)
    author = actors.get(db, row.actor_id)
    if not author.active and row.type != "Delete":
        return False
    if row.post_id is None or row.type in {"Delete", "Undo"}:
        return True
    about = db.get(Post, row.post_id)
    return about is not None and access.may_see(db, viewer, about)


def _for_followers(db: Session, viewer: Actor | None, row: Activity) -> bool:
    """A Create or Update that went to followers is for whoever may see the post."""
    if viewer is None or row.post_id is None or row.type not in {"Create", "Update"}:
        return False
    about = db.get(Post, row.post_id)
    return about is not None and access.may_see(db, viewer, about)
