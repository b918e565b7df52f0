"""Voting in a poll."""

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, ballots
from models.actors import Actor
from models.errors import Invalid
from models.posts import Post
from server.forms import Form
from server.web.posts import look, show_post
from server.web.rendering import post_path
from server.web.visits import Visit, action

MOST = 50


@action
async def ballot(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/ballot`, `choice` once or several times: the positions of what is chosen."""
    chosen = [int(value) for value in form.values.get("choice", [])[:MOST] if value in {str(n) for n in range(MOST)}]

    def write(db: Session, me: Actor) -> Post:
        post = access.access_post(db, me, visit.path("id"))
        ballots.vote(db, me, post, chosen)
        return post

    try:
        post = await visit.write(write)
    except Invalid as error:
        form.error("choice", error.text)
        found = await visit.read(lambda db: look(db, visit.actor, visit.path("id")))
        return show_post(visit, found, form, error.status)
    return visit.go(f"{post_path(post)}#p{post.id}", said="voted")
