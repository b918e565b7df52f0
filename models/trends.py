"""What many people here react to right now: posts that were voted for, boosted and answered in the last days."""

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from models import hashtags
from models.access import listed
from models.actors import Actor
from models.feeds import findable, not_muted
from models.posts import Post, Visibility
from models.reactions import Boost, Vote

DAYS = 3
CONSIDERED = 400
"""The most that reactions of the last days can bring into the list; what it costs to leaf through it."""


def statuses(db: Session, viewer: Actor | None, *, offset: int = 0, limit: int = 20) -> list[Post]:
    """Public posts by what they got in the last three days: a vote counts one, an answer and a boost two each.

    Only what its author lets be found, and what `viewer` may and wants to see.
    """
    since = hashtags.oldest(DAYS)
    votes = select(Vote.post_id.label("post_id"), Vote.value.label("points")).where(Vote.id >= since)
    boosts = select(Boost.post_id, literal(2)).where(Boost.id >= since)
    answers = select(Post.in_reply_to_id, literal(2)).where(
        Post.id >= since, Post.in_reply_to_id.is_not(None), Post.visibility == Visibility.PUBLIC
    )
    got = union_all(votes, boosts, answers).subquery()
    points = func.sum(got.c.points)
    best = (
        select(got.c.post_id, points.label("points"))
        .group_by(got.c.post_id)
        .having(points > 0)
        .order_by(points.desc(), got.c.post_id.desc())
        .limit(CONSIDERED)
        .subquery()
    )
    query = (
        select(Post)
        .join(best, best.c.post_id == Post.id)
        .where(Post.visibility == Visibility.PUBLIC, listed(viewer), findable(), not_muted(viewer, Post.author_id))
        .order_by(best.c.points.desc(), Post.id.desc())
    )
    return list(db.scalars(query.offset(min(offset, CONSIDERED)).limit(limit)))
