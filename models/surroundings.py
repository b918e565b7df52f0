"""What stands above and below a post in its conversation, as far as a reader may see it."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from models import anonymity, threads
from models.access import listed, visible
from models.actors import Actor
from models.communities import Community
from models.posts import Kind, Post

MOST_ABOVE = 200
MOST_BELOW = 1000


@dataclass
class Surroundings:
    """`above`: what the post answers, the first post first. `below`: every reply directly under what it answers."""

    above: list[Post] = field(default_factory=list)
    below: list[Post] = field(default_factory=list)


def of(db: Session, viewer: Actor | None, post: Post) -> Surroundings:
    """The surroundings of a post in a fixed number of queries; at most 200 above, 1000 below.

    Replies to a question come with the accepted answer first, then by votes, then the oldest; everything else oldest
    first. Removed posts and held answers show to whom they concern, as on the pages. Replies of limited people are left
    out (`access.apart`), as Mastodon does: apps have nothing to fold them away with.
    """
    root = db.get(Post, post.thread_id) if post.thread_id != post.id else post
    above = _above(db, viewer, post)
    below = _below(db, viewer, post)
    if not (viewer is not None and root is not None and threads.may_accept(db, viewer, root)):
        held = root is not None and _holds(db, root)
        own = anonymity.mine(db, viewer.id, [one.id for one in (*above, *below)]) if viewer is not None else set()
        above, below = (
            [
                one
                for one in found
                if not _hidden(one, held) or one.id in own or (viewer is not None and one.author_id == viewer.id)
            ]
            for found in (above, below)
        )
    return Surroundings(above, _in_order(post, above, below))


def _holds(db: Session, root: Post) -> bool:
    home = db.get(Community, root.community_id) if root.community_id is not None else None
    return home is not None and home.holds_outside


def _hidden(post: Post, held: bool) -> bool:
    return post.removed_at is not None or bool(post.held_for) or (held and post.unreviewed)


def _above(db: Session, viewer: Actor | None, post: Post) -> list[Post]:
    if post.in_reply_to_id is None:
        return []
    step = select(Post.id, Post.in_reply_to_id).where(Post.id == post.in_reply_to_id).cte("above", recursive=True)
    parent = aliased(Post)
    # UNION, not UNION ALL: a circle that somebody built ends where it began.
    step = step.union(select(parent.id, parent.in_reply_to_id).join(step, parent.id == step.c.in_reply_to_id))
    chain = select(step.c.id).limit(MOST_ABOVE)
    rows = {one.id: one for one in db.scalars(select(Post).where(Post.id.in_(chain), Post.id != post.id))}
    seen = set(db.scalars(select(Post.id).where(Post.id.in_(rows), visible(viewer)))) if rows else set()
    found: list[Post] = []
    next_id = post.in_reply_to_id
    while next_id in rows:
        one = rows.pop(next_id)
        if one.id in seen:
            found.append(one)
        next_id = one.in_reply_to_id or 0
    return found[::-1]


def _below(db: Session, viewer: Actor | None, post: Post) -> list[Post]:
    step = select(Post.id).where(Post.in_reply_to_id == post.id).cte("below", recursive=True)
    child = aliased(Post)
    step = step.union(select(child.id).join(step, child.in_reply_to_id == step.c.id))
    wanted = select(step.c.id).limit(MOST_BELOW)
    query = select(Post).where(Post.id.in_(wanted), Post.id != post.id, listed(viewer)).order_by(Post.id)
    return list(db.scalars(query))


def _in_order(post: Post, above: list[Post], below: list[Post]) -> list[Post]:
    """Depth first. What answers a post that is not shown stands under the next shown one above it, or at the top."""
    shown = {one.id for one in below}
    taken = {one.id for one in above}
    under: dict[int, list[Post]] = {}
    for one in below:
        if one.id in taken:
            continue
        over = one.in_reply_to_id if one.in_reply_to_id in shown else post.id
        under.setdefault(over or post.id, []).append(one)
    if post.kind == Kind.QUESTION and post.id in under:
        under[post.id].sort(key=lambda one: _rank(post, one))
    ordered: list[Post] = []
    stack = under.pop(post.id, [])[::-1]
    while stack:
        one = stack.pop()
        ordered.append(one)
        stack += under.pop(one.id, [])[::-1]
    return ordered


def _rank(question: Post, reply: Post) -> tuple[bool, bool, int, int]:
    answers = reply.kind == Kind.ANSWER
    return reply.id != question.accepted_id, not answers, -(reply.up - reply.down) if answers else 0, reply.id
