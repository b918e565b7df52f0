"""The answers of a question, a page at a time, with the comments below each: a thread of 2 000 costs what one of 20 does.

The accepted answer stands first on the first page; the others follow by votes, or by time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from models import threads
from models.access import apart, visible
from models.actors import Actor
from models.anonymity import AnonymousPost
from models.communities import Community
from models.posts import Kind, Post
from models.threads import Thread

PAGE = 30
"""Answers on one page."""

COMMENTS = 500
"""Comments on one page at most; those nearest to what they comment on go first."""

LAST_PAGE = 400
"""As deep as one may leaf: every page costs what lies before it."""


class Order(StrEnum):
    """In which order answers are read. Among those with as many votes the older stands first."""

    VOTES = "votes"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass
class AnswersPage(Thread):
    """One page of a thread."""

    order: Order = Order.VOTES
    number: int = 1
    follows: bool = False
    """Whether there is a page after this one."""
    cut: bool = False
    """Whether there are more comments than were read."""

    @property
    def count(self) -> int:
        """How many answers there are: exact where they all stand here."""
        return len(self.answers) if self.number == 1 and not self.follows else self.root.answer_count


def page(db: Session, viewer: Actor | None, root: Post, order: Order = Order.VOTES, number: int = 1) -> AnswersPage:
    """A page of the answers to `root`, as far as `viewer` may see them, in a fixed number of queries.

    Held and removed replies only show to those concerned. Those of limited people (`access.apart`) stand last, unless
    one is accepted.
    """
    number = min(max(number, 1), LAST_PAGE)
    shown = _shown(db, viewer, root)
    answers = select(Post).where(Post.in_reply_to_id == root.id, Post.kind == Kind.ANSWER, shown)
    found = AnswersPage(root, order=order, number=number)
    if root.accepted_id is not None:
        if number == 1:
            found.answers = list(db.scalars(answers.where(Post.id == root.accepted_id)))
        answers = answers.where(Post.id != root.accepted_id)
    before = (number - 1) * PAGE
    wanted = answers.where(~apart(viewer))
    rows = list(db.scalars(wanted.order_by(*_by(order)).offset(before).limit(PAGE + 1)))
    begin = max(0, before - _count(db, wanted)) if before and not rows else 0
    last = answers.where(apart(viewer)).order_by(*_by(order))
    rows += db.scalars(last.offset(begin).limit(PAGE + 1 - len(rows)))
    found.follows = len(rows) > PAGE
    found.answers += rows[:PAGE]
    _comment(db, viewer, shown, found)
    return found


def _count(db: Session, query: Select[Post]) -> int:
    return db.scalar(query.with_only_columns(func.count())) or 0


def page_of(db: Session, viewer: Actor | None, root: Post, post: Post) -> int:
    """On which page by votes a reply stands, itself or what it comments on."""
    if root.answer_count <= PAGE:
        return 1
    answer = _answer_over(db, root, post)
    if answer is None or answer.id == root.accepted_id:
        return 1
    demerit = answer.down - answer.up
    before = or_(Post.demerit < demerit, and_(Post.demerit == demerit, Post.id < answer.id))
    others = select(Post).where(
        Post.in_reply_to_id == root.id,
        Post.kind == Kind.ANSWER,
        Post.id != (root.accepted_id or 0),
        _shown(db, viewer, root),
    )
    last = _count(db, select(Post).where(Post.id == answer.id, apart(viewer)))
    before = or_(~apart(viewer), before) if last else and_(~apart(viewer), before)
    return _count(db, others.where(before)) // PAGE + 1


def _by(order: Order) -> Sequence[ColumnElement[Any]]:
    if order == Order.VOTES:
        return (Post.demerit.asc(), Post.id.asc())
    return (Post.id.desc() if order == Order.NEWEST else Post.id.asc(),)


def _shown(db: Session, viewer: Actor | None, root: Post) -> ColumnElement[bool]:
    """What of the thread shows to `viewer`."""
    if viewer is not None and threads.may_accept(db, viewer, root):
        return visible(viewer)
    home = db.get(Community, root.community_id) if root.community_id is not None else None
    kept = Post.unreviewed.is_(False) if home is not None and home.holds_outside else true()
    taken_in = and_(Post.removed_at.is_(None), kept)
    if viewer is None:
        return and_(visible(viewer), taken_in)
    own = exists().where(AnonymousPost.post_id == Post.id, AnonymousPost.account_id == viewer.id)
    return and_(visible(viewer), or_(taken_in, Post.author_id == viewer.id, own))


def _comment(db: Session, viewer: Actor | None, shown: ColumnElement[bool], found: AnswersPage) -> None:
    """Add what stands below the question and the answers of a page. Deeper comments stand there too, oldest first, and
    those of limited people last."""
    answer_ids = [post.id for post in found.answers]
    root = found.root
    direct = or_(Post.in_reply_to_id.in_(answer_ids), and_(Post.in_reply_to_id == root.id, Post.kind == Kind.COMMENT))
    step = select(Post.id, Post.in_reply_to_id.label("owner")).where(direct).cte("below", recursive=True)
    child = aliased(Post)
    # UNION, not UNION ALL: a circle that somebody built ends where it began.
    step = step.union(select(child.id, step.c.owner).join(step, child.in_reply_to_id == step.c.id))
    owners = {row[0]: row[1] for row in db.execute(select(step.c.id, step.c.owner).limit(COMMENTS + 1))}
    found.cut = len(owners) > COMMENTS
    last = case((apart(viewer), 1), else_=0)
    query = select(Post).where(Post.id.in_(list(owners)[:COMMENTS]), shown).order_by(last, Post.id)
    for post in db.scalars(query):
        found.comments.setdefault(owners[post.id], []).append(post)


def _answer_over(db: Session, root: Post, post: Post) -> Post | None:
    """The answer that `post` is or stands below; None below the question itself."""
    step = select(Post.id, Post.in_reply_to_id).where(Post.id == post.id).cte("above", recursive=True)
    parent = aliased(Post)
    step = step.union(select(parent.id, parent.in_reply_to_id).join(step, parent.id == step.c.in_reply_to_id))
    query = select(Post).where(Post.id.in_(select(step.c.id)), Post.in_reply_to_id == root.id, Post.kind == Kind.ANSWER)
    return db.scalars(query).first()
