"""When a token was last used: shown to its owner, and no reason to write a row with every call."""

from datetime import timedelta

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from models.base import now
from models.oauth import AccessToken

USE_HOURS = timedelta(hours=1)
"""How exactly the last use of a token is known."""


def use_is_due(token: AccessToken) -> bool:
    """Whether the last use written down is so long ago that this one is worth a row."""
    return token.used_at is None or token.used_at < now() - USE_HOURS


def note_use(db: Session, token_id: int) -> None:
    """Write down that a token is in use; what is shown to its owner is right to the hour."""
    db.execute(
        update(AccessToken)
        .where(
            AccessToken.id == token_id,
            or_(AccessToken.used_at.is_(None), AccessToken.used_at < now() - USE_HOURS),
        )
        .values(used_at=now())
    )
