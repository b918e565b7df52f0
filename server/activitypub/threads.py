"""Collections of posts: the whole thread (`context`), the direct replies, and how many liked and shared."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import reading
from federation.vocabulary import CTX_PLAIN
from federation.writing import collections as writing
from federation.writing import objects
from models import actors, calls, collections, endorsing, links, meetings
from models.collections import PAGE
from models.posts import Kind, Post
from models.windows import Window
from server.activitypub.answering import admit, answer, federation_of, not_found, number
from server.activitypub.collections import Asked, asked
from server.activitypub.objects import local_post

Build = Callable[[Session, Post, Asked], dict[str, Any]]


async def _give(request: Request, build: Build) -> Response:
    """Collections tell of public posts only, whoever asks."""
    await admit(request)
    id, wanted = number(request), asked(request)

    def look(db: Session) -> dict[str, Any] | None:
        row = local_post(db, None, id)
        return None if row is None else build(db, row, wanted)

    body = await reading(federation_of(request).database, look)
    return not_found() if body is None else answer(request, body, CTX_PLAIN)


async def context(request: Request) -> Response:
    """`GET /p/{id}/context`: ids of all public posts of the thread, in the order they were written."""

    def build(db: Session, row: Post, wanted: Asked) -> dict[str, Any]:
        uri = f"{row.uri}/context"
        items = collections.thread(db, row, after=wanted.cursor or 0)
        following = f"{uri}?cursor={items[-1][0]}" if len(items) == PAGE else None
        ids = [item for _, item in items]
        if wanted.cursor is not None:
            return writing.ordered_page(f"{uri}?cursor={wanted.cursor}", uri, ids, next=following)
        owner = actors.get(db, row.community_id or row.author_id)
        return writing.context(uri, owner.uri, collections.count_thread(db, row), ids, following)

    return await _give(request, build)


async def replies(request: Request) -> Response:
    """`GET /p/{id}/replies`: ids of the direct replies anybody may read; the first page is inside."""

    def build(db: Session, row: Post, wanted: Asked) -> dict[str, Any]:
        uri = f"{row.uri}/replies"
        if wanted.cursor is None:
            return objects.embedded_replies(db, row)
        items = collections.replies(db, row, after=wanted.cursor)
        body: dict[str, Any] = {
            "id": f"{uri}?cursor={wanted.cursor}",
            "type": "CollectionPage",
            "partOf": uri,
            "items": [item for _, item in items],
        }
        if len(items) == PAGE:
            body["next"] = f"{uri}?cursor={items[-1][0]}"
        return body

    return await _give(request, build)


async def likes(request: Request) -> Response:
    """`GET /p/{id}/likes`: how many voted for it; of a dogma how many endorse it, which is the same act."""

    def build(db: Session, row: Post, _wanted: Asked) -> dict[str, Any]:
        total = endorsing.count(db, row) if row.kind == Kind.DOGMA else row.up
        return writing.number(f"{row.uri}/likes", total)

    return await _give(request, build)


async def endorsements(request: Request) -> Response:
    """`GET /p/{id}/endorsements`: how many endorse a dogma, and ids of those who let themselves be named. 404 for other
    posts."""
    await admit(request)
    id, wanted = number(request), asked(request)

    def look(db: Session) -> dict[str, Any] | None:
        row = local_post(db, None, id)
        if row is None or row.kind != Kind.DOGMA:
            return None
        uri = f"{row.uri}/endorsements"
        if not wanted.page:
            return writing.members(uri, endorsing.count(db, row), first=f"{uri}?page=1")
        found = endorsing.endorsers(db, row, Window(wanted.cursor, limit=PAGE))
        following = f"{uri}?page=1&cursor={found[-1][0]}" if len(found) == PAGE else None
        here = f"{uri}?page=1" + (f"&cursor={wanted.cursor}" if wanted.cursor is not None else "")
        return writing.members_page(here, uri, [actor.uri for _, _, actor in found], next=following)

    body = await reading(federation_of(request).database, look)
    return not_found() if body is None else answer(request, body, CTX_PLAIN)


async def shares(request: Request) -> Response:
    """`GET /p/{id}/shares`: how many boosted it."""
    return await _give(request, lambda _db, row, _wanted: writing.number(f"{row.uri}/shares", row.boost_count))


async def attendees(request: Request) -> Response:
    """`GET /p/{id}/attendees`: how many come to a meeting; who they are is not for everybody."""

    def build(db: Session, row: Post, _wanted: Asked) -> dict[str, Any]:
        meeting = meetings.find(db, row)
        return writing.number(f"{row.uri}/attendees", meeting.going if meeting is not None else 0)

    return await _give(request, build)


async def coming(request: Request) -> Response:
    """`GET /p/{id}/coming`: how many would come to the meeting that a question calls for."""

    def build(db: Session, row: Post, _wanted: Asked) -> dict[str, Any]:
        call = calls.find(db, row)
        return writing.number(f"{row.uri}/coming", call.coming if call is not None else 0)

    return await _give(request, build)


async def linked(request: Request) -> Response:
    """`GET /p/{id}/linked`: ids of the posts that are tied to it: who did the same, what happened since, what practises
    it. The newest hundred."""

    def build(db: Session, row: Post, _wanted: Asked) -> dict[str, Any]:
        found = list(dict.fromkeys(one.uri for one in links.to(db, None, row)))
        return writing.ordered(f"{row.uri}/linked", len(found), items=found)

    return await _give(request, build)
