"""Searching posts and hashtags by words.

Posts are read from the newest on, a bounded number of them, and compared word by word: right on both databases and in
every language, and enough for a node's own questions and answers.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from models import text
from models.access import is_insider, listed
from models.actors import Actor
from models.feeds import not_muted
from models.posts import Post, PostTag, Visibility
from models.windows import Window

LOOKED_AT = 6000
"""How many posts one search reads at most."""

CHUNK = 500
MAX_WORDS = 10


def _folded(value: str) -> str:
    return unicodedata.normalize("NFKC", value).casefold()


def terms(asked: str) -> list[str]:
    """What has to be in a post: the words asked for, and what stands between quotation marks as it is; 10 at most."""
    found = [first or second for first, second in re.findall(r'"([^"]{1,200})"|(\S{1,100})', _folded(asked[:1000]))]
    cleaned = [re.sub(r"^\W+|\W+$", "", term) for term in found]
    return list(dict.fromkeys(term for term in cleaned if term))[:MAX_WORDS]


def findable(viewer: Actor | None) -> ColumnElement[bool]:
    """The posts `viewer` may find by words: public ones whose authors let themselves be indexed, and his own.

    Who has an account here also finds what is only for this node.
    """
    open_to = [Visibility.PUBLIC, Visibility.NODE] if is_insider(viewer) else [Visibility.PUBLIC]
    willing = exists().where(Actor.id == Post.author_id, Actor.indexable.is_(True))
    others = and_(Post.visibility.in_(open_to), willing)
    ways = others if viewer is None else or_(others, Post.author_id == viewer.id)
    return and_(ways, Post.removed_at.is_(None), listed(viewer), not_muted(viewer, Post.author_id))


def posts(
    db: Session,
    viewer: Actor | None,
    asked: str,
    *,
    author_id: int | None = None,
    before: int | None = None,
    after: int | None = None,
    offset: int = 0,
    limit: int = 20,
) -> list[Post]:
    """Posts that hold every word asked for, newest first, among the newest 6000 that `viewer` may find."""
    wanted = terms(asked)
    if not wanted:
        return []
    found: list[int] = []
    for post_id, marked_up in _read(db, viewer, author_id, before, after):
        if _holds(marked_up, wanted):
            found.append(post_id)
            if len(found) == offset + limit:
                break
    rows = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(found[offset:])))}
    return [rows[post_id] for post_id in found[offset:]]


def _holds(html: str, wanted: list[str]) -> bool:
    """Whether a text holds all terms. Taking mark-up off is dear, so it is done only where all words occur at all."""
    folded = _folded(html)
    if not all(word in folded for term in wanted for word in re.findall(r"\w+", term)):
        return False
    words = _folded(text.plain(html))
    return all(term in words for term in wanted)


def _read(
    db: Session, viewer: Actor | None, author_id: int | None, before: int | None, after: int | None
) -> Iterator[tuple[int, str]]:
    query: Any = select(Post.id, Post.title, Post.summary, Post.content).where(findable(viewer))
    if author_id is not None:
        query = query.where(Post.author_id == author_id)
    looked_at = 0
    while looked_at < LOOKED_AT:
        rows = Window(before, after, limit=CHUNK).rows(db, query, Post.id)
        for post_id, title, summary, content in rows:
            yield post_id, f"{text.escape(title)}\n{text.escape(summary)}\n{content}"
        if len(rows) < CHUNK:
            return
        before = rows[-1][0]
        looked_at += len(rows)


def tags(db: Session, asked: str, *, offset: int = 0, limit: int = 20) -> list[tuple[str, str]]:
    """(key, as written) of hashtags on public posts that begin as asked: that very tag first, then the shortest."""
    wanted = text.tag_key(asked.strip().split(" ")[0])
    if not text.is_tag(wanted):
        return []
    query = (
        select(PostTag.name, func.max(PostTag.shown))
        .join(Post, PostTag.post_id == Post.id)
        .where(PostTag.name.startswith(wanted, autoescape=True), Post.visibility == Visibility.PUBLIC)
        .group_by(PostTag.name)
        .order_by(func.length(PostTag.name), PostTag.name)
        .offset(offset)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in db.execute(query)]
