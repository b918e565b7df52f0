"""Taking in a list that somebody brought along: each address is looked up, then done, one by one."""

import time
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from federation import resolving
from federation.context import Federation
from federation.crossing import reading, writing
from federation.resolving import Budget, FetchFailed, OverBudget, Passing
from federation.working import Later
from models import arriving, imports, posts
from models.actors import Actor, find
from models.errors import DomainError
from models.imports import ImportKind
from models.posts import Post

SECONDS = 90.0
"""How long one run goes on before it lets others have a turn."""

FETCHES = 8
LOOK_UP_SECONDS = 12.0
UNKNOWN, SILENT, NO_ADDRESS, NO_POST = "unknown", "silent", "address", "post"
"""Why nobody was found; pages have words for it."""


async def take_in(fed: Federation, payload: dict[str, Any]) -> None:
    """The job `import`: go on with a list where it stands. Raises Later when there is more than one run should do."""
    import_id, began = int(payload["import"]), time.monotonic()
    while (row := await reading(fed.database, lambda db: imports.upcoming(db, import_id))) is not None:
        if time.monotonic() - began > SECONDS:
            raise Later(0.1)
        kind, number, wanted = row
        found, why = await _find(fed, kind, wanted["address"])
        await writing(fed.database, partial(_take, import_id, number, found, why))
    await writing(fed.database, lambda db: imports.finish(db, import_id))


def _take(import_id: int, number: int, found: Actor | Post | str | None, why: str, db: Session) -> None:
    imports.take(db, import_id, number, found, why)


async def _find(fed: Federation, kind: str, address: str) -> tuple[Actor | Post | str | None, str]:
    if kind == ImportKind.DOMAINS:
        return address, ""
    return await (_post if kind == ImportKind.BOOKMARKS else _look_up)(fed, address)


async def _post(fed: Federation, uri: str) -> tuple[Post | None, str]:
    """The post with this id, read from its server where we do not have it, or why there is none."""
    if not uri.startswith(("https://", "http://")):
        return None, NO_ADDRESS
    known = await reading(fed.database, lambda db: posts.by_uri(db, uri))
    if known is not None:
        return known, ""
    try:
        fetched = await resolving.fetch_post(fed, uri, Budget(fetches=FETCHES, seconds=LOOK_UP_SECONDS))
        return await writing(fed.database, lambda db: arriving.record_remote(db, fetched.remote, told=False)[0]), ""
    except Passing:
        return None, SILENT
    except (FetchFailed, OverBudget, DomainError):
        return None, NO_POST


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
