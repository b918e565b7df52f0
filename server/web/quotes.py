"""Who quotes one's post elsewhere, and taking that back."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, quotes
from models.actors import Actor
from models.errors import Forbidden
from models.posts import Post
from models.quotes import QuoteStamp
from server.forms import Form
from server.web.visits import Visit, action, own_page


@own_page
async def index(visit: Visit) -> Response:
    """`GET /posts/{id}/quotes`: for the author of the post alone."""

    def look(db: Session) -> tuple[Post, list[tuple[QuoteStamp, Actor]]]:
        post = access.access_post(db, visit.actor, visit.path("id"))
        if post.author_id != visit.me.id:
            raise Forbidden("You can only do this with your own posts.", code="not_author")
        return post, quotes.of(db, post)

    post, rows = await visit.read(look)
    return visit.page("quotes.html", post=post, rows=rows)


@action
async def revoke(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/quotes`, `stamp`: this quote is no longer allowed."""
    post_id, stamp = visit.path("id"), form.number("stamp") or 0
    await visit.write(lambda db, me: quotes.revoke(db, me, access.access_post(db, me, post_id), stamp))
    return visit.go(f"/posts/{post_id}/quotes", said="quote-revoked")
