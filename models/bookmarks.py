"""Bookmarks: posts somebody keeps for himself. Nobody else ever learns of them."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.access import visible
from models.actors import Actor
from models.base import IDS, Base, Id, UtcTime, insert_unless_there, new_id, now, table_of
from models.posts import Post
from models.windows import Window

FIRST = Window()


class Bookmark(Base):
    """One post that one account keeps."""

    __tablename__ = "bookmarks"
    __table_args__ = (
        UniqueConstraint("account_id", "post_id"),
        Index("ix_bookmarks_account_id_id", "account_id", "id"),
        Index("ix_bookmarks_post_id", "post_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def add(db: Session, account_id: int, post: Post) -> None:
    """Keep a post; twice is once. The caller has made sure that the account may see it."""
    insert_unless_there(db, Bookmark, id=new_id(), account_id=account_id, post_id=post.id, created_at=now())


def remove(db: Session, account_id: int, post_id: int) -> None:
    """Keep it no longer."""
    db.execute(delete(Bookmark).where(Bookmark.account_id == account_id, Bookmark.post_id == post_id))


def mine(db: Session, account_id: int, post_ids: Iterable[int]) -> set[int]:
    """Which of these posts an account keeps."""
    wanted = set(post_ids)
    if not wanted:
        return set()
    return set(db.scalars(_MINE, {"account": account_id, "ids": list(wanted)}))


_bookmarks = table_of(Bookmark).c
_MINE = select(_bookmarks.post_id).where(_bookmarks.account_id == bindparam("account"), _bookmarks.post_id.in_(IDS))


def page(db: Session, viewer: Actor, window: Window = FIRST) -> list[tuple[int, Post]]:
    """What `viewer` keeps and may still read, with cursors, last kept first."""
    query = (
        select(Bookmark.id, Post)
        .join(Post, Bookmark.post_id == Post.id)
        .where(Bookmark.account_id == viewer.id, visible(viewer))
    )
    return [(row[0], row[1]) for row in window.rows(db, query, Bookmark.id)]
