"""What a post said before, and what was changed each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, differences, posts
from models.differences import Piece
from models.posts import Post
from models.text import plain
from server.web.visits import Visit, page

PAGE = 10
"""Versions on one page: comparing texts takes time."""


@dataclass(frozen=True)
class Version:
    """A post as it was for a while. `title` and `text` say what had changed since the version before."""

    since: datetime
    title: Sequence[Piece]
    text: Sequence[Piece]
    content: str
    """Clean HTML, without the title."""
    first: bool
    now: bool

    @property
    def same_words(self) -> bool:
        """Nothing but other things than words had changed: marks, links, tags, pictures."""
        return all(piece.kind == "kept" for piece in (*self.title, *self.text))


@page
async def history(visit: Visit) -> Response:
    """`GET /posts/{id}/history?page=`: what a post said before, newest first."""
    number = min(max(visit.cursor("page") or 1, 1), 1000)

    def look(db: Session) -> tuple[Post, list[Version], bool]:
        post = access.access_post(db, visit.actor, visit.path("id"))
        return post, *_versions(db, post, number)

    post, versions, more = await visit.read(look)
    return visit.page("history.html", post=post, versions=versions, number=number, more=more)


def _versions(db: Session, post: Post, number: int) -> tuple[list[Version], bool]:
    """One page of versions, the newest first, and whether there are older ones."""
    said = [(row.written_at, row.title, row.content) for row in posts.editions(db, post)]
    said.append((post.updated if said and post.updated else post.published, post.title, post.content))
    last = len(said) - 1
    until = last - (number - 1) * PAGE
    found = []
    for at in range(until, max(until - PAGE, -1), -1):
        since, title, content = said[at]
        _, old_title, old_content = said[at - 1] if at else said[at]
        found.append(
            Version(
                since,
                differences.between(old_title, title),
                differences.between(plain(old_content), plain(content)),
                content,
                first=at == 0,
                now=at == last,
            )
        )
    return found, until - PAGE >= 0
