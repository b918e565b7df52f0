"""Collections of actors: outbox, followers, following, featured, moderators, members. Pages of 40 items, newest first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation import urls
from federation.crossing import reading
from federation.recent import Recent
from federation.vocabulary import CTX, CTX_PLAIN
from federation.writing import activities
from federation.writing import collections as writing
from models import access, affiliations, collections, communities, follows, pins
from models.actors import Actor, ActorType
from models.collections import PAGE
from models.errors import Unauthenticated
from models.windows import Window
from server.activitypub.actors import shown_actor
from server.activitypub.answering import admit, answer, federation_of, not_found, reader

COUNTED_FOR = 60.0
"""Seconds for which the number of an outbox's entries is not counted anew."""


@dataclass(frozen=True)
class Asked:
    """What part of a collection is wanted: the whole (`page` false) or the page behind a cursor."""

    page: bool
    cursor: int | None


def asked(request: Request) -> Asked:
    """Read `?page=1&cursor=…`. A cursor that is none of ours counts as none."""
    text = request.query_params.get("cursor", "")
    cursor = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else None
    return Asked("page" in request.query_params or cursor is not None, cursor)


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
        rows = collections.outbox(db, actor, before=wanted.cursor)
        items = [body for row in rows if (body := activities.activity(db, row, form)) is not None]
        following = f"{uri}?page=1&cursor={rows[-1].id}" if len(rows) == PAGE else None
        return writing.ordered_page(_page_uri(uri, wanted), uri, items, next=following)

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
        rows = find_page(db, actor.id, Window(wanted.cursor, limit=PAGE))
        following = f"{uri}?page=1&cursor={rows[-1][0]}" if len(rows) == PAGE else None
        return writing.ordered_page(_page_uri(uri, wanted), uri, [person.uri for _, person in rows], next=following)

    return build


async def featured(request: Request) -> Response:
    """`GET <actor>/featured`: the posts shown first, at most 20 ids."""

    def build(db: Session, actor: Actor, uri: str, _wanted: Asked) -> dict[str, Any]:
        items = [row.uri for row in pins.pinned(db, actor.id) if access.may_see(db, None, row)]
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
        rows = affiliations.members(db, actor, Window(page.cursor, limit=PAGE))
        following = f"{uri}?page=1&cursor={rows[-1][0]}" if len(rows) == PAGE else None
        return writing.members_page(_page_uri(uri, page), uri, [person.uri for _, person, _ in rows], next=following)

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


def _page_uri(uri: str, wanted: Asked) -> str:
    return f"{uri}?page=1" if wanted.cursor is None else f"{uri}?page=1&cursor={wanted.cursor}"
