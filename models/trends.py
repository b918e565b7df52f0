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
"""How many posts are ranked."""


def ranked(db: Session) -> list[int]:
    """Ids of posts by what they got in the last three days: a vote counts one, an answer and a boost two each.

    Only public posts that their authors let be found; the same for everybody.
    """
    since = hashtags.oldest(DAYS)
    votes = select(Vote.post_id.label("post_id"), Vote.value.label("points")).where(Vote.id >= since)
    boosts = select(Boost.post_id, literal(2)).where(Boost.id >= since)
    answers = select(Post.in_reply_to_id, literal(2)).where(
        Post.id >= since, Post.in_reply_to_id.is_not(None), Post.visibility == Visibility.PUBLIC
    )
    got = union_all(votes, boosts, answers).subquery()
    points = func.sum(got.c.points)
    query = (
        select(got.c.post_id)
        .join(Post, Post.id == got.c.post_id)
        .where(Post.visibility == Visibility.PUBLIC, listed(None), findable())
        .group_by(got.c.post_id)
        .having(points > 0)
        .order_by(points.desc(), got.c.post_id.desc())
        .limit(CONSIDERED)
    )
    return list(db.scalars(query))


def statuses(db: Session, viewer: Actor | None, ranking: list[int], *, offset: int = 0, limit: int = 20) -> list[Post]:
    """A stretch of a ranking: those posts that `viewer` may and wants to see now, in its order."""
    place = {post_id: number for number, post_id in enumerate(ranking)}
    query = select(Post.id).where(
        Post.id.in_(ranking), Post.visibility == Visibility.PUBLIC, listed(viewer), not_muted(viewer, Post.author_id)
    )
    wanted = sorted(db.scalars(query), key=place.__getitem__)[offset : offset + limit]
    rows = {post.id: post for post in db.scalars(select(Post).where(Post.id.in_(wanted)))}
    return [rows[post_id] for post_id in wanted]
