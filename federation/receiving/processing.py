"""The other side of the inbox: each stored row has its effect exactly once, or a reason why it has none.

What is written for a row and the mark that it is done are one transaction. So a process may die anywhere: the row is
processed again from its start, and nothing happens twice. A network is never waited for inside that transaction.
"""

import logging
from collections.abc import Awaitable

from sqlalchemy.orm import Session

from federation import counting, crossing, reading
from federation.budget import Budget, OverBudget
from federation.context import Federation
from federation.documents import FetchFailed, Passing
from federation.handlers import HANDLERS
from federation.handlers.effects import Effect, Ignored
from federation.receiving import forwarded, unwrapping
from federation.receiving.subjects import subject
from federation.verified import Verified
from models import inbox, peers, turns
from models.errors import DomainError, Unavailable
from models.inbox import Received

log = logging.getLogger("torv.inbox")

SECONDS = 40.0
"""How long fetching for one activity may take in all; far below the lease."""


async def process(fed: Federation, received_id: int) -> None:
    """Give one row its effect. Passing faults put it back for later; what we did not foresee is logged and tried again."""
    row = await crossing.reading(fed.database, lambda db: db.get(Received, received_id))
    if row is None or row.state != "waiting":
        return
    try:
        steps = await _prepare(fed, row)
        await crossing.writing(fed.database, lambda db: _apply(db, row, steps))
        counting.count("inbox_processed")
    except (Passing, Unavailable, TimeoutError) as error:
        await _later(fed, row, f"later: {error}")
    except Exception as error:
        log.exception("the row %s (%s from %s) failed", row.id, row.type, row.host)
        await _later(fed, row, f"{type(error).__name__}: {error}")


async def _later(fed: Federation, row: Received, why: str) -> None:
    counting.count("inbox_postponed")
    await crossing.writing(fed.database, lambda db: inbox.fail(db, row.id, why))


async def _prepare(fed: Federation, row: Received) -> "list[Effect | Ignored]":
    """Fetch all that is needed; what remains only has to be written."""
    budget = Budget(sender=row.host, seconds=SECONDS)
    try:
        activity = reading.activity(reading.decode(row.body.encode("utf-8")))
    except reading.Unreadable as error:
        return [Ignored(error.text)]
    if row.proof == "forwarded":
        return [await _step(forwarded.handle(fed, activity, budget))]
    parts = unwrapping.signed(activity, row.id, budget)
    if not parts:
        return [Ignored("There is nothing in it that could be read.")]
    return [await _step(_handle(fed, part)) for part in parts]


async def _handle(fed: Federation, verified: Verified) -> Effect:
    handler = HANDLERS.get(verified.activity.type)
    if handler is None:
        raise Ignored(f"Unknown type of activity: {verified.activity.type[:60]}.")
    return await handler(fed, verified)


async def _step(work: Awaitable[Effect]) -> "Effect | Ignored":
    """The effect, or why there is none for good. Passing faults go through: then the whole row waits."""
    try:
        return await work
    except Ignored as reason:
        return reason
    except Passing:
        raise
    except (FetchFailed, OverBudget) as error:
        return Ignored(str(error))
    except Unavailable:
        raise
    except DomainError as error:
        return Ignored(error.text)
    except reading.Unreadable as error:
        return Ignored(error.text)


def _apply(db: Session, row: Received, steps: "list[Effect | Ignored]") -> None:
    """Write all effects and the mark, in the one transaction that is open.

    Another worker may have something about the same thing in hand; whoever comes second sees what the first has done.
    """
    turns.take(db, subject(row))
    current = db.get(Received, row.id, with_for_update=True)
    if current is None or current.state != "waiting":
        return  # somebody else was faster
    notes: list[str] = []
    effective = False
    for step in steps:
        if isinstance(step, Ignored):
            notes.append(str(step))
            continue
        try:
            with db.begin_nested():
                notes.append(step(db))
            effective = True
        except Unavailable:
            raise
        except Ignored as reason:  # its savepoint is rolled back
            notes.append(str(reason))
        except DomainError as error:
            notes.append(error.text)
    if row.type == "Announce" and unwrapped(row):
        peers.seen(db, row.host, wraps=True)
    if not effective:
        counting.count("inbox_ignored")
    inbox.finish(db, row.id, "done" if effective else "ignored", "; ".join(dict.fromkeys(notes)))


def unwrapped(row: Received) -> bool:
    """Whether the row was an Announce around activities: then its host reads such things too."""
    doc = reading.decode(row.body.encode("utf-8"))
    objects = doc["object"] if isinstance(doc.get("object"), list) else [doc.get("object")]
    return any(unwrapping.is_activity(item) for item in objects)
