"""Feeds (Atom, RFC 4287) of everything that is listed: the same for everybody, and cheap to ask for again."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from federation.crossing import reading
from models import access, actors, posts, syndication, text
from models.actors import Actor
from models.database import Database
from models.errors import NotFound
from models.posts import Kind, Post
from server import i18n
from server.i18n import later
from server.settings import Settings
from server.web.rendering import outside, post_path, profile_path, render

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
FRESH = 300
"""Seconds for which nobody has to ask again."""

ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


@dataclass(frozen=True)
class Entry:
    """One post as a feed carries it; all texts without what XML cannot hold."""

    id: str
    title: str
    link: str
    published: datetime
    updated: datetime
    author: str
    author_link: str
    content: str
    """Clean HTML."""
    language: str
    tags: tuple[str, ...]
    replies: str
    """Where the feed of its thread is; empty for what is none's first post."""
    in_reply_to: str


@dataclass(frozen=True)
class Feed:
    """A feed: what it is called, the page it belongs to, and what stands in it, the newest first."""

    title: str
    page: str
    """Path of the page."""
    found: Sequence[Post]


def feed(make: Callable[[Session, Request], Feed]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers with the feed that `make` gathers. `make` raises NotFound."""

    async def answer(request: Request) -> Response:
        database: Database = request.app.state.database
        settings: Settings = request.app.state.settings
        origin = database.node.origin

        def look(db: Session) -> tuple[Feed, list[Entry]]:
            made = make(db, request)
            return made, _entries(db, made.found, origin)

        made, entries = await reading(database, look)
        say = i18n.translator(settings.default_language)
        values = {
            "title": legal(say(made.title)),
            "own": origin + request.url.path,
            "page": origin + made.page,
            "origin": origin,
            "entries": entries,
            "updated": max((entry.updated for entry in entries), default=datetime.fromtimestamp(0, UTC)),
            "rfc3339": rfc3339,
        }
        return _answer(request, render("feed.xml", settings.default_language, settings.time_zone, values), values)

    return answer


def _answer(request: Request, xml: str, values: dict[str, Any]) -> Response:
    return told(request, xml.encode(), MEDIA_TYPE, values["updated"])


def told(request: Request, body: bytes, media_type: str, newest: datetime | None, *, private: bool = False) -> Response:
    """A feed as answer, or only that it is as it was. `newest`: when what stands in it changed last; None where what is
    gone since then does not show in it. `private`: it is one reader's alone."""
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = {"ETag": tag, "Cache-Control": f"{'private' if private else 'public'}, max-age={FRESH}"}
    if newest is not None:
        headers["Last-Modified"] = format_datetime(newest, usegmt=True)
    if not private:
        headers["Access-Control-Allow-Origin"] = "*"
    if _known(request, tag, newest):
        return Response(status_code=304, headers=headers)
    return Response(body, headers={**headers, "Content-Type": media_type})


def _known(request: Request, tag: str, newest: datetime | None) -> bool:
    """Whether the asker has this very feed (RFC 9110: the tag goes before the date)."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return tag in tags or tags.strip() == "*"
    if newest is None:
        return False
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and newest.replace(microsecond=0) <= since


def _entries(db: Session, found: Sequence[Post], origin: str) -> list[Entry]:
    people = actors.many(db, [post.author_id for post in found])
    tags = posts.tags_of(db, [post.id for post in found])
    parents = {post.in_reply_to_id for post in found if post.in_reply_to_id}
    roots = access.several(db, None, {post.thread_id for post in found} | parents)
    return [
        _entry(post, people[post.author_id], roots, tuple(t.shown for t in tags.get(post.id, [])), origin)
        for post in found
    ]


def _entry(post: Post, author: Actor, roots: dict[int, Post], tags: tuple[str, ...], origin: str) -> Entry:
    first = post.thread_id == post.id
    root = roots.get(post.thread_id)
    title = post.title or (f"Re: {root.title}" if root is not None and root.title and not first else "")
    return Entry(
        id=legal(post.uri),
        title=legal(title or text.one_line(text.plain(post.content), 80) or author.display_name),
        link=legal(origin + post_path(post) if post.local else outside(post)),
        published=post.published,
        updated=post.updated or post.published,
        author=legal(author.display_name),
        author_link=legal(origin + profile_path(author) if author.local else outside(author)),
        content=legal(post.content),
        language=legal(post.language),
        tags=tuple(legal(tag) for tag in tags),
        replies=f"{origin}/feeds/thread/{post.id}" if first and post.kind == Kind.QUESTION else "",
        in_reply_to="" if first else legal(post.in_reply_to_uri),
    )


def legal(words: str) -> str:
    """A text without characters that would make the whole feed unreadable."""
    return ILLEGAL.sub("", words)


def rfc3339(at: datetime) -> str:
    """A time as Atom writes it: `2026-11-23T08:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _questions(db: Session, request: Request) -> Feed:
    return Feed(later("Questions"), "/questions", syndication.questions(db))


def _unanswered(db: Session, request: Request) -> Feed:
    path = "/questions?order=unanswered"
    return Feed(later("Unanswered questions"), path, syndication.questions(db, unanswered=True))


def _experience(db: Session, request: Request) -> Feed:
    return Feed(later("Experience"), "/experience", syndication.experience(db))


def _public(db: Session, request: Request) -> Feed:
    return Feed(later("New on this server"), "/", syndication.public(db))


def _community(db: Session, request: Request) -> Feed:
    group = access.access_actor(db, None, request.path_params["name"])
    if not group.is_community:
        raise NotFound("There is no such community.")
    return Feed(group.display_name, profile_path(group), syndication.community(db, group))


def _tag(db: Session, request: Request) -> Feed:
    name = text.tag_key(request.path_params["tag"])
    return Feed(f"#{name}", text.tag_url("", name), syndication.tag(db, name))


def _person(db: Session, request: Request) -> Feed:
    author = access.access_actor(db, None, request.path_params["name"])
    if author.is_community or not author.indexable:
        raise NotFound("There is no such feed.")
    return Feed(author.display_name, profile_path(author), syndication.person(db, author))


def _thread(db: Session, request: Request) -> Feed:
    number = int(request.path_params["id"])
    root = access.access_post(db, None, number) if number < 2**63 else None
    if root is None or root.thread_id != root.id or not syndication.is_open(db, root):
        raise NotFound("There is no such feed.")
    return Feed(root.title or root.uri, post_path(root), syndication.thread(db, root))


questions = feed(_questions)
unanswered = feed(_unanswered)
experience = feed(_experience)
public = feed(_public)
community = feed(_community)
tag = feed(_tag)
person = feed(_person)
thread = feed(_thread)
