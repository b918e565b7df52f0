"""Letters that other parts of the node promise: what is to be said, to be written in the reader's language later."""

from sqlalchemy.orm import Session

from models import jobs
from models.accounts import Account
from models.errors import Invalid

MODERATION = (
    "warned",
    "hidden",
    "deleted_post",
    "limited",
    "suspended",
    "opened",
    "banned",
    "deleted",
    "appeal_accepted",
    "appeal_refused",
)
"""What moderators may have done; `server/letters.py` has the words for each."""


def moderated(db: Session, account: Account, what: str, *, reason: str = "", about: str = "", path: str = "") -> None:
    """Promise a letter that tells somebody what moderators have done to him or his.

    Call it in the transaction of the deed. `what`: one of `MODERATION`. `reason`: in the moderator's words, as the
    reader may see them. `about`: what it is about in plain text, a title or a community's name, at most some 200
    characters. `path`: where he can see it or object, a path of this node such as `/settings/moderation/17`.

    The address is taken now, so that the letter reaches also who cannot sign in any more, or whose account is gone.
    Nothing is sent where the node sends no mail. Raises Invalid for an unknown `what`.
    """
    if what not in MODERATION:
        raise Invalid("Unknown action.", code="moderation_unknown")
    letter = {"letter": "moderation", "what": what, "reason": reason, "about": about[:200], "path": path}
    jobs.enqueue(db, "mail", {**letter, "email": account.email, "language": account.language})
