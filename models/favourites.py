"""Favourites: what clients call the posts somebody voted up."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.access import visible
from models.actors import Actor
from models.posts import Post
from models.reactions import Vote
from models.windows import Window

FIRST = Window()


def page(db: Session, viewer: Actor, window: Window = FIRST) -> list[tuple[int, Post]]:
    """The posts `viewer` voted up and may still read, with cursors, last vote first."""
    query = (
        select(Vote.id, Post)
        .join(Post, Vote.post_id == Post.id)
        .where(Vote.actor_id == viewer.id, Vote.value == 1, visible(viewer))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Vote.id)]
