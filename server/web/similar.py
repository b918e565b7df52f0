"""Questions like another: the one somebody is about to ask, and the one he reads.

The first are a part of the page where he asks, and come by themselves for its script. The second have a page of their
own, from which a script takes them to stand beside the question: looking for them takes as long as all the rest of it.
"""

from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse, Response

from models import access, duplicates
from models.composing import MAX_TITLE
from models.errors import NotFound
from models.posts import Kind, Post
from models.search import similar
from server.web.rendering import render
from server.web.visits import Visit, page

MOST = 5
"""How many are shown."""


async def like(visit: Visit, title: str) -> list[Post]:
    """At most five questions like a title, or the beginning of one."""
    return await visit.read(lambda db: similar.questions(db, visit.actor, title[:MAX_TITLE]))


@page
async def fragment(visit: Visit) -> Response:
    """`GET /ask/similar?title=`: those questions as HTML to put into the page; empty where there are none."""
    values = {**visit.common(), "similar": await like(visit, visit.query("title"))}
    html = render("similar.html", visit.language, visit.settings.time_zone, values)
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept-Language, Cookie"}
    return HTMLResponse(html, headers=headers)


@page
async def beside(visit: Visit) -> Response:
    """`GET /posts/{id}/similar`: other questions like a question, but for those its own page names already."""

    def look(db: Session) -> tuple[Post, list[Post]]:
        root = access.access_post(db, visit.actor, visit.path("id"))
        if root.kind != Kind.QUESTION or not root.title:
            raise NotFound("There is no such page.")
        original = duplicates.original_of(db, visit.actor, root)
        named = {root.id, *(post.id for post in duplicates.pointing_to(db, visit.actor, root))}
        named |= {original.id} if original is not None else set()
        found = similar.questions(db, visit.actor, root.title, limit=MOST + len(named))
        return root, [post for post in found if post.id not in named][:MOST]

    root, alike = await visit.read(look)
    return visit.page("alike.html", root=root, alike=alike)
