"""Conversations as clients read them, a whole list at a time."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import conversations
from models.actors import Actor
from models.posts import Post
from server.api import show_accounts, show_statuses
from server.api.entities.reading import Conversation


def several(db: Session, viewer: Actor, rows: Sequence[tuple[conversations.Conversation, Post]]) -> list[Conversation]:
    """Conversations of `viewer` with those in them and their last statuses, in a fixed number of queries."""
    people = conversations.participants(db, rows)
    actors = {actor.id: actor for several in people.values() for actor in several}
    shown = dict(zip(actors, show_accounts.accounts(db, list(actors.values())), strict=True))
    last = show_statuses.statuses(db, viewer, [post for _, post in rows])
    return [
        Conversation(
            id=str(row.id),
            unread=row.unread,
            accounts=[shown[actor.id] for actor in people[row.id]],
            last_status=status,
        )
        for (row, _), status in zip(rows, last, strict=True)
    ]
