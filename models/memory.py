"""Memory: facts with an expiry date that every process shares, kept in the `memory` table.

>>> memory.remember(db, "deleted", uri, True, 6 * 3600)
>>> memory.recall(db, "deleted", uri)
True
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import BindParameter, Select, bindparam, delete, select, tuple_, update
from sqlalchemy.orm import Session

from models.base import insert_all_unless_there, insert_unless_there, now, table_of, when_asked
from models.inbox import Memory


def remember(db: Session, purpose: str, key: str, value: Any, seconds: float) -> None:
    """Keep `value` (anything JSON can hold but null) under `key` for so long; an older value is replaced."""
    expires = now() + timedelta(seconds=seconds)
    if not insert_unless_there(db, Memory, purpose=purpose, key=key, value=value, expires_at=expires):
        db.execute(
            update(Memory).where(Memory.purpose == purpose, Memory.key == key).values(value=value, expires_at=expires)
        )


def recall(db: Session, purpose: str, key: str) -> Any:
    """What is kept under `key`; None if nothing is, or no longer."""
    return recall_all(db, purpose, [key]).get(key)


def recall_all(db: Session, purpose: str, keys: Iterable[str]) -> dict[str, Any]:
    """What is kept under each of these keys, where something is."""
    asked = {"purpose": purpose, "names": list(keys), "present": now()}
    return {row[0]: row[1] for row in db.execute(_RECALL_ALL, asked)}


_memory = table_of(Memory).c
_RECALL_ALL = select(_memory.key, _memory.value).where(
    _memory.purpose == bindparam("purpose"),
    _memory.key.in_(bindparam("names", expanding=True)),
    _memory.expires_at > bindparam("present", type_=_memory.expires_at.type),
)


def kept(purpose: str, keys: BindParameter[Any]) -> Select[tuple[str]]:
    """Asks which of these keys something is kept under: a part for a larger question."""
    return select(_memory.key).where(
        _memory.purpose == purpose, _memory.key.in_(keys), _memory.expires_at > when_asked()
    )


def first_times(db: Session, purpose: str, keys: Mapping[str, float]) -> set[str]:
    """`first_time` for many keys, each with its seconds: those that come for the first time."""
    present = now()
    rows = [
        {"purpose": purpose, "key": key, "value": True, "expires_at": present + timedelta(seconds=seconds)}
        for key, seconds in keys.items()
    ]
    fresh: set[str] = insert_all_unless_there(db, Memory, rows, "key")
    return fresh | {key for key in keys.keys() - fresh if first_time(db, purpose, key, keys[key])}


def first_time(db: Session, purpose: str, key: str, seconds: float) -> bool:
    """True for the first caller with this key within the time, False for all others, whichever process they are in."""
    expires = now() + timedelta(seconds=seconds)
    if insert_unless_there(db, Memory, purpose=purpose, key=key, value=True, expires_at=expires):
        return True
    taken_over = db.execute(
        update(Memory)
        .where(Memory.purpose == purpose, Memory.key == key, Memory.expires_at <= now())
        .values(value=True, expires_at=expires)
    )
    return bool(getattr(taken_over, "rowcount", 0))


def forget(db: Session, purpose: str, key: str) -> None:
    """Let go of one fact before its time."""
    db.execute(delete(Memory).where(Memory.purpose == purpose, Memory.key == key))


def sweep(db: Session, limit: int = 5000) -> int:
    """Delete up to `limit` facts whose time is over; how many."""
    old = select(Memory.purpose, Memory.key).where(Memory.expires_at <= now()).limit(limit)
    rows = [(row.purpose, row.key) for row in db.execute(old)]
    for start in range(0, len(rows), 400):
        db.execute(delete(Memory).where(tuple_(Memory.purpose, Memory.key).in_(rows[start : start + 400])))
    return len(rows)
