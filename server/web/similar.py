"""Questions like the one somebody is about to ask: a part of the page where he asks, and by itself for its script."""

from starlette.responses import HTMLResponse, Response

from models.composing import MAX_TITLE
from models.posts import Post
from models.search import similar
from server.web.rendering import render
from server.web.visits import Visit, page


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
