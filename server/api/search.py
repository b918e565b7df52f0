"""Searching people, posts and hashtags; an address or a handle is looked up, at its own server if the caller asks."""

import re
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct
from sqlalchemy.orm import Session

from models import access, actors, hashtags, names
from models.actors import Actor
from models.database import node_of
from models.errors import Invalid, NotFound, Unauthenticated, Unavailable
from models.posts import Post, by_uri
from models.search import asked as searched
from models.search import finding
from models.search.finding import Filters
from server import elsewhere
from server.api import show_accounts
from server.api.arguments import Id, Whole
from server.api.calls import Call, endpoint
from server.api.entities.accounts import Account
from server.api.entities.search import OlderSearch, Search
from server.api.people import Offset, within
from server.api.show_statuses import statuses as show_statuses
from server.api.show_tags import tags as show_tags

HANDLE = re.compile(r"@?[\w.-]{1,64}@[\w.-]{1,253}(?::\d{1,5})?")
Asked = Annotated[str, Meta(max_length=2000)]


class Searching(Struct, kw_only=True):
    """What is looked for, and where. `exclude_unreviewed` is taken: there are no hashtags that wait for a review."""

    q: Asked = ""
    type: Literal["accounts", "statuses", "hashtags"] | None = None
    resolve: bool = False
    following: bool = False
    account_id: Id | None = None
    exclude_unreviewed: bool = False
    max_id: Id | None = None
    min_id: Id | None = None
    limit: Whole = 20
    offset: Offset = 0


class People(Struct, kw_only=True):
    """Whom the caller looks for."""

    q: Asked = ""
    resolve: bool = False
    following: bool = False
    limit: Whole = 40
    offset: Offset = 0


@endpoint("read:search", Searching, Search, who="anybody")
async def everything(call: Call, args: Searching) -> Search:
    """`GET /api/v2/search`."""
    asked = args.q.strip()
    if not asked:
        raise Invalid("param is missing or the value is empty: q", code="query_missing")
    if call.actor is None and (args.resolve or args.offset):
        raise Unauthenticated("Search queries that resolve remote resources or page need a signed-in user")
    met = await _resolved(call, asked, args.resolve and not args.offset)
    return await call.read(lambda db: _search(db, call.actor, asked, args, met))


@endpoint("read:search", Searching, OlderSearch, who="anybody")
async def older(call: Call, args: Searching) -> OlderSearch:
    """`GET /api/v1/search`: as older clients ask."""
    found: Search = await everything.function(call, args)
    return OlderSearch(accounts=found.accounts, statuses=found.statuses, hashtags=[tag.name for tag in found.hashtags])


@endpoint("read:accounts", People, list[Account])
async def people(call: Call, args: People) -> list[Account]:
    """`GET /api/v1/accounts/search`."""
    asked = args.q.strip()
    met = await _resolved(call, asked, args.resolve and not args.offset) if asked else None

    def look(db: Session) -> list[Account]:
        limit = within(args.limit)
        found = names.search(db, call.actor, asked, following=args.following, offset=args.offset, limit=limit)
        return show_accounts.accounts(db, _first(met, found)[:limit])

    return await call.read(look)


def _first(met: Actor | Post | None, found: list[Actor]) -> list[Actor]:
    if not isinstance(met, Actor):
        return found
    return [met, *(actor for actor in found if actor.id != met.id)]


async def _resolved(call: Call, asked: str, resolve: bool) -> Actor | Post | None:
    """Whom or what an address or a full handle names: what is known here, or, if asked for, what its server says."""
    address = elsewhere.is_address(asked)
    if not address and not HANDLE.fullmatch(asked):
        return None
    known = await call.read(lambda db: _known(db, call.actor, asked))
    if known is not None or not resolve or call.actor is None or asked.startswith(call.node.origin + "/"):
        return known
    try:
        found = await elsewhere.find(call, asked)
    except (NotFound, Invalid, Unavailable):
        return None
    return await call.read(lambda db: _fit(db, call.actor, found))


def _known(db: Session, viewer: Actor | None, asked: str) -> Actor | Post | None:
    if "://" not in asked:
        return _fit(db, viewer, actors.find(db, asked.lstrip("@")))
    found: Actor | Post | None = actors.by_uri(db, asked) or by_uri(db, asked)
    if found is None and asked.startswith(node_of(db).origin + "/"):
        found = _own_page(db, urlsplit(asked).path)
    return _fit(db, viewer, found)


def _own_page(db: Session, path: str) -> Actor | Post | None:
    """What one of our own pages shows: people know a post or a profile by that address."""
    if (post := re.match(r"/p/(\d{1,19})(?:/|$)", path)) is not None:
        return db.get(Post, min(int(post[1]), 2**63 - 1))
    if (handle := re.fullmatch(r"/@([^/]{1,400})", path)) is not None:
        return actors.find(db, unquote(handle[1]))
    return None


def _fit(db: Session, viewer: Actor | None, found: Actor | Post | None) -> Actor | Post | None:
    if isinstance(found, Post):
        return found if access.may_see(db, viewer, found) else None
    return found if found is not None and found.active else None


def _search(db: Session, viewer: Actor | None, asked: str, args: Searching, met: Actor | Post | None) -> Search:
    limit = within(args.limit, 40)
    found = Search(accounts=[], statuses=[], hashtags=[])
    address = elsewhere.is_address(asked)
    if args.type in {None, "accounts"} and args.account_id is None:
        people: list[Actor] = []
        if not address:
            people = names.search(db, viewer, asked, following=args.following, offset=args.offset, limit=limit)
        found.accounts = show_accounts.accounts(db, _first(met, people)[:limit])
    if args.type in {None, "statuses"}:
        posts = [met] if isinstance(met, Post) else []
        words = searched.read(asked)
        if words and not address and not asked.startswith("#"):
            posts = finding.newest(
                db,
                viewer,
                words,
                Filters(author_id=args.account_id),
                before=args.max_id,
                after=args.min_id,
                offset=args.offset,
                limit=limit,
            )
        found.statuses = show_statuses(db, viewer, posts)
    if args.type in {None, "hashtags"} and not address and not asked.startswith("@"):
        tags = hashtags.beginning(db, asked, offset=args.offset, limit=limit)
        found.hashtags = show_tags(db, viewer, [shown for _, shown in tags])
    return found
