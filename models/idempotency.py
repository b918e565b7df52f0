"""The same attempt twice is one deed: a client that lost the answer may ask again without posting twice.

>>> idempotency.once(db, "status", token.id, "0b6ee1", lambda: composing.note(db, me, draft).id)
(7213554000000000, True)
"""

from collections.abc import Callable

from sqlalchemy.orm import Session

from models import memory

SECONDS = 3600
"""How long an attempt is remembered."""


def once(db: Session, purpose: str, token_id: int, key: str, make: Callable[[], int]) -> tuple[int, bool]:
    """The id of what was made under this key with this token, and whether it was made just now.

    The mark and the deed are one transaction: whoever comes meanwhile, in this process or another, waits for it and
    gets the same id; if the deed fails, the mark goes with it. An empty key is never the same as another.
    """
    if not key:
        return make(), True
    place = f"{token_id}:{key}"
    if memory.first_time(db, f"idempotent:{purpose}", place, SECONDS):
        made = make()
        memory.remember(db, f"idempotent:{purpose}", place, made, SECONDS)
        return made, True
    return int(memory.recall(db, f"idempotent:{purpose}", place)), False
