"""The editions of a post as clients read them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from models import wording
from models.actors import Actor
from models.posts import Edition, Post
from server.api import show_statuses
from server.api.entities.statuses import EditedPoll, EditedPollOption, StatusEdit
from server.api.times import stamp


def edits(db: Session, viewer: Actor | None, post: Post, editions: Sequence[Edition]) -> list[StatusEdit]:
    """Every edition, the first one first and the present one last. Of former files and polls nothing is kept."""
    present = show_statuses.status(db, viewer, post)
    poll = None
    if present.poll is not None:
        poll = EditedPoll(options=[EditedPollOption(title=option.title) for option in present.poll.options])
    former = [
        StatusEdit(
            content=wording.title(edition.title) + edition.content,
            spoiler_text=edition.summary,
            sensitive=bool(edition.summary),
            created_at=stamp(edition.written_at),
            account=present.account,
            poll=None,
            media_attachments=[],
            emojis=[],
            quote=None,
        )
        for edition in editions
    ]
    last = StatusEdit(
        content=present.content,
        spoiler_text=present.spoiler_text,
        sensitive=present.sensitive,
        created_at=present.edited_at or present.created_at,
        account=present.account,
        poll=poll,
        media_attachments=present.media_attachments,
        emojis=[],
        quote=None,
    )
    return [*former, last]
