"""Taking in a list that somebody brought along: each address is looked up, then done, one by one."""

import time
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from federation.context import Federation
from federation.crossing import reading, writing
from federation.resolving import Budget, FetchFailed, OverBudget, Passing
from federation.resolving import actors as resolving
from federation.working import Later
from models import imports
from models.actors import Actor, find
from models.errors import DomainError

SECONDS = 90.0
"""How long one run goes on before it lets others have a turn."""

FETCHES = 8
LOOK_UP_SECONDS = 12.0
UNKNOWN, SILENT, NO_ADDRESS = "unknown", "silent", "address"
"""Why nobody was found; pages have words for it."""


async def take_in(fed: Federation, payload: dict[str, Any]) -> None:
    """The job `import`: go on with a list where it stands. Raises Later when there is more than one run should do."""
    import_id, began = int(payload["import"]), time.monotonic()
    while (row := await reading(fed.database, lambda db: imports.upcoming(db, import_id))) is not None:
        if time.monotonic() - began > SECONDS:
            raise Later(0.1)
        number, wanted = row
        found, why = await _look_up(fed, wanted["address"])
        await writing(fed.database, partial(_take, import_id, number, found, why))
    await writing(fed.database, lambda db: imports.finish(db, import_id))


def _take(import_id: int, number: int, found: Actor | None, why: str, db: Session) -> None:
    imports.take(db, import_id, number, found, why)


async def _look_up(fed: Federation, address: str) -> tuple[Actor | None, str]:
    """Who is meant, or why nobody is."""
    if (match := imports.ADDRESS.fullmatch(address)) is None:
        return None, NO_ADDRESS
    handle = match[1]
    known = await reading(fed.database, lambda db: find(db, handle))
    if known is not None and known.deleted_at is None:
        return known, ""
    try:
        return await resolving.by_handle(fed, handle, Budget(fetches=FETCHES, seconds=LOOK_UP_SECONDS)), ""
    except Passing:
        return None, SILENT
    except (FetchFailed, OverBudget, DomainError):
        return None, UNKNOWN
