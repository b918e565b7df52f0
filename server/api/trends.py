"""What many people here react to and write about. Links are never among it: Torv fetches no linked pages."""

from typing import Annotated, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import hashtags, trends
from server.api import show_statuses, show_tags
from server.api.arguments import Whole
from server.api.calls import Call, Reply, endpoint
from server.api.entities.statuses import PreviewCard, Status
from server.api.entities.tags import Tag
from server.api.remembering import remembered

T = TypeVar("T")

HOLDS = 60.0
"""Seconds for which a ranking holds."""

MOST_TAGS = 100


class Ranked(msgspec.Struct, kw_only=True):
    """Which stretch of a list that is ordered by rank."""

    limit: Whole | None = None
    offset: Annotated[int, Meta(ge=0, le=1000)] = 0

    def most(self, default: int, most: int) -> int:
        """How many are wished for and allowed."""
        return default if self.limit is None else min(max(self.limit, 1), most)


def _ranked(call: Call, items: list[T], offset: int, limit: int) -> Reply:
    """The list, with links to what comes before and after it where there is something."""
    here = f"{call.node.origin}{call.request.url.path}"
    links = []
    if len(items) == limit:
        links.append(f'<{here}?{urlencode({"limit": limit, "offset": offset + limit})}>; rel="next"')
    if offset:
        links.append(f'<{here}?{urlencode({"limit": limit, "offset": max(0, offset - limit)})}>; rel="prev"')
    return Reply(items, headers={"Link": ", ".join(links)} if links else {})


@endpoint(None, Ranked, list[Status], who="anybody")
async def statuses(call: Call, args: Ranked) -> Reply:
    """`GET /api/v1/trends/statuses`: by votes, boosts and answers of the last three days."""
    limit = args.most(20, 40)
    ranking = await remembered(call, "ranking", HOLDS, trends.ranked)

    def look(db: Session) -> list[Status]:
        found = trends.statuses(db, call.actor, ranking, offset=args.offset, limit=limit)
        return show_statuses.statuses(db, call.actor, found)

    return _ranked(call, await call.read(look), args.offset, limit)


@endpoint(None, Ranked, list[Tag], who="anybody")
async def tags(call: Call, args: Ranked) -> Reply:
    """`GET /api/v1/trends/tags` and `/api/v1/trends`: by people who used them in the last seven days."""
    limit = args.most(10, 20)
    popular = await remembered(call, "popular", HOLDS, lambda db: hashtags.popular(db, MOST_TAGS))

    def look(db: Session) -> list[Tag]:
        return show_tags.tags(db, call.actor, popular[args.offset : args.offset + limit])

    return _ranked(call, await call.read(look), args.offset, limit)


@endpoint(None, Ranked, list[PreviewCard], who="anybody")
async def links(call: Call, args: Ranked) -> list[PreviewCard]:
    """`GET /api/v1/trends/links`: none."""
    return []
