"""Who may find what by its words. Asked anew for everything found, whatever the index says."""

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from models.access import is_insider, listed
from models.actors import Actor
from models.communities import Community
from models.feeds import not_muted
from models.posts import Post, Visibility
from models.search.documents import (
    FOUND_BY_ALL,
    FOUND_HERE,
    FOUND_IN_COMMUNITY,
    author_mark,
)
from models.search.store import Clause

_Author, _Home = aliased(Actor), aliased(Actor)


def findable(viewer: Actor | None, *, in_community: bool = False) -> ColumnElement[bool]:
    """The posts `viewer` may find: public ones whose authors let themselves be indexed (FEP-5feb), and his own.

    Who has an account here also finds what is only for this node. `in_community`: a search within one community, where
    also those posts of a community of ours are found whose authors do not want to be indexed, as they are shown there.
    """
    open_to = [Visibility.PUBLIC, Visibility.NODE] if is_insider(viewer) else [Visibility.PUBLIC]
    willing: ColumnElement[bool] = exists().where(_Author.id == Post.author_id, _Author.indexable.is_(True))
    if in_community:
        willing = or_(willing, exists().where(_Home.id == Post.community_id, _Home.local.is_(True)))
    others = and_(Post.visibility.in_(open_to), or_(willing, Post.visibility == Visibility.NODE), ~held())
    ways = others if viewer is None else or_(others, Post.author_id == viewer.id)
    return and_(ways, Post.removed_at.is_(None), listed(viewer), not_muted(viewer, Post.author_id))


def held() -> ColumnElement[bool]:
    """Answers from outside that a community holds back until somebody keeps them."""
    holding = select(Community.id).where(Community.holds_outside.is_(True))
    return and_(Post.unreviewed.is_(True), Post.community_id.is_not(None), Post.community_id.in_(holding))


def reach(viewer: Actor | None, *, in_community: bool = False) -> Clause:
    """The same as far as the index can say it."""
    marks = [FOUND_BY_ALL]
    if in_community:
        marks.append(FOUND_IN_COMMUNITY)
    if is_insider(viewer):
        marks.append(FOUND_HERE)
    if viewer is not None:
        marks.append(author_mark(viewer.id))
    return Clause(tuple(marks))
