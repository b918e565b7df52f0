"""Collections of actors: outbox, followers, following, featured, moderators, members. Pages of 40 items, newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation import urls
from federation.crossing import reading
from federation.recent import Recent
from federation.vocabulary import CTX, CTX_PLAIN
from federation.writing import activities
from federation.writing import collections as writing
from models import access, affiliations, collections, communities, follows, posts
from models.actors import Actor, ActorType
from models.collections import PAGE
from models.errors import Unauthenticated
from models.windows import Window
from server.activitypub.actors import shown_actor
from server.activitypub.answering import admit, answer, federation_of, not_found, reader

R = TypeVar("R")
COUNTED_FOR = 60.0
"""Seconds for which the number of an outbox's entries is not counted anew."""


@dataclass(frozen=True)
class Asked:
    """What part of a collection is wanted: the whole (`page` false), or the page behind or before a cursor."""

    page: bool
    cursor: int | None
    back: int | None = None
    """The page that ends before this one."""


def asked(request: Request) -> Asked:
    """Read `?page=1&cursor=…` or `&back=…`. A cursor that is none of ours counts as none."""
    cursor, back = _cursor(request, "cursor"), _cursor(request, "back")
    if cursor is not None:
        back = None
    return Asked("page" in request.query_params or (cursor, back) != (None, None), cursor, back)


def _cursor(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) < 2**63 else None


@dataclass(frozen=True)
class Places:
    """Where one page of a collection stands: its own address, the next one's and the one's before; None at the ends."""

    own: str
    next: str | None
    prev: str | None


def cut(rows: Sequence[R], wanted: Asked) -> tuple[Sequence[R], bool]:
    """A page of at most 40 rows, and whether the list goes on beyond it: one row more was looked for."""
    if len(rows) <= PAGE:
        return rows, False
    return (rows[:PAGE] if wanted.back is None else rows[-PAGE:]), True


def places(uri: str, wanted: Asked, cursors: Sequence[int], more: bool, *, base: str = "?page=1&") -> Places:
    """The addresses around a page with these cursors, in its order; `more` as `cut` says."""
    own = f"{base}back={wanted.back}" if wanted.back is not None else f"{base}cursor={wanted.cursor}"
    if (wanted.cursor, wanted.back) == (None, None):
        own = base.rstrip("?&")
    behind = bool(cursors) and (more or wanted.back is not None)
    before = bool(cursors) and (wanted.cursor is not None or (more and wanted.back is not None))
    return Places(
        uri + own,
        f"{uri}{base}cursor={cursors[-1]}" if behind else None,
        f"{uri}{base}back={cursors[0]}" if before else None,
    )


def _window(wanted: Asked) -> Window:
    return Window(wanted.cursor, after=wanted.back, limit=PAGE + 1)


Build = Callable[[Session, Actor, str, Asked], dict[str, Any] | None]


async def _give(request: Request, suffix: str, build: Build, context: Any = CTX_PLAIN) -> Response:
    await admit(request)
    path, wanted = request.url.path.removesuffix(suffix), asked(request)

    def look(db: Session) -> dict[str, Any] | None:
        actor = shown_actor(db, path)
        return None if actor is None else build(db, actor, actor.uri + suffix, wanted)

    body = await reading(federation_of(request).database, look)
    return not_found() if body is None else answer(request, body, context)


async def outbox(request: Request) -> Response:
    """`GET <actor>/outbox`: what he did in public; of a community what it announced."""
    form = federation_of(request).question_object
    totals = _totals(request)
    known, counted = totals.get(request.url.path), [0]

    def build(db: Session, actor: Actor, uri: str, wanted: Asked) -> dict[str, Any]:
        if not wanted.page:
            counted[0] = collections.count_outbox(db, actor) if known is None else known
            return writing.ordered(uri, counted[0], first=f"{uri}?page=1")
        rows, more = cut(collections.outbox(db, actor, _window(wanted)), wanted)
        items = [body for row in rows if (body := activities.activity(db, row, form)) is not None]
        at = places(uri, wanted, [row.id for row in rows], more)
        return writing.ordered_page(at.own, uri, items, next=at.next, prev=at.prev)

    response = await _give(request, "/outbox", build, CTX)
    if known is None and response.status_code == 200 and not asked(request).page:
        totals.put(request.url.path, counted[0], COUNTED_FOR)
    return response


def _totals(request: Request) -> Recent[int]:
    """What outboxes were counted lately: counting a large one is dear, and anybody may ask."""
    if not hasattr(request.app.state, "outbox_totals"):
        request.app.state.outbox_totals = Recent[int](1000)
    totals: Recent[int] = request.app.state.outbox_totals
    return totals


async def followers(request: Request) -> Response:
    """`GET <actor>/followers`: how many; and who, unless the actor hides it."""
    return await _give(request, "/followers", _people(follows.followers, follows.count_followers))


async def following(request: Request) -> Response:
    """`GET <actor>/following`: how many; and who, unless the actor hides it."""
    return await _give(request, "/following", _people(follows.following, follows.count_following))


def _people(find_page: Callable[..., list[tuple[int, Actor]]], count: Callable[[Session, int], int]) -> Build:
    def build(db: Session, actor: Actor, uri: str, wanted: Asked) -> dict[str, Any] | None:
        if not wanted.page or actor.hides_followers:
            first = None if actor.hides_followers else f"{uri}?page=1"
            return None if wanted.page else writing.ordered(uri, count(db, actor.id), first=first)
        rows, more = cut(find_page(db, actor.id, _window(wanted)), wanted)
        at = places(uri, wanted, [cursor for cursor, _ in rows], more)
        return writing.ordered_page(at.own, uri, [person.uri for _, person in rows], next=at.next, prev=at.prev)

    return build


async def featured(request: Request) -> Response:
    """`GET <actor>/featured`: the posts shown first, at most 20 ids."""

    def build(db: Session, actor: Actor, uri: str, _wanted: Asked) -> dict[str, Any]:
        items = [row.uri for row in posts.pinned(db, actor.id) if access.may_see(db, None, row)]
        return writing.ordered(uri, len(items), items=items)

    return await _give(request, "/featured", build)


async def moderators(request: Request) -> Response:
    """`GET /c/{name}/moderators`: ids of those who moderate the community."""

    def build(db: Session, actor: Actor, uri: str, _wanted: Asked) -> dict[str, Any] | None:
        if not actor.is_community:
            return None
        items = [person.uri for person in communities.moderators(db, actor)]
        return writing.ordered(uri, len(items), items=items)

    return await _give(request, "/moderators", build)


async def members(request: Request) -> Response:
    """`GET /org/{name}/members`: ids of those the organisation confirms, who have all agreed to be shown. With `?actor=`
    the one that was asked for, or none: so another node checks an affiliation."""
    wanted = request.query_params.get("actor")

    def build(db: Session, actor: Actor, uri: str, page: Asked) -> dict[str, Any] | None:
        if actor.type != ActorType.ORGANIZATION:
            return None
        if wanted is not None:
            found = affiliations.member(db, actor, wanted)
            return writing.members(uri, affiliations.count_members(db, actor.id), items=[found.uri] if found else [])
        if not page.page:
            return writing.members(uri, affiliations.count_members(db, actor.id), first=f"{uri}?page=1")
        rows, more = cut(affiliations.members(db, actor, _window(page)), page)
        at = places(uri, page, [cursor for cursor, _, _ in rows], more)
        return writing.page(at.own, uri, [person.uri for _, person, _ in rows], next=at.next, prev=at.prev)

    return await _give(request, "/members", build)


async def followers_synchronization(request: Request) -> Response:
    """`GET <actor>/followers_synchronization`: the asker's own people among the followers (FEP-8fcf); signed only."""
    await admit(request)
    asking = await reader(request)
    if asking is None:
        raise Unauthenticated("Only a server may ask for its own people, by a signed request.")
    suffix = "/followers_synchronization"
    path, host = request.url.path.removesuffix(suffix), urls.host_of(asking.uri) or ""

    def look(db: Session) -> dict[str, Any] | None:
        actor = shown_actor(db, path)
        if actor is None:
            return None
        items = collections.followers_on(db, actor, host)
        return writing.ordered(actor.uri + suffix, len(items), items=items)

    body = await reading(federation_of(request).database, look)
    return not_found() if body is None else answer(request, body, CTX_PLAIN, public=False)
