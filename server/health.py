"""Health: whether the process answers, and whether it should be sent work.

`/healthz` says that the process is alive and asks nothing of anybody. `/readyz` says that requests will succeed: the
database can be written, the disk has room, and our clock agrees with the peers'. A load balancer takes an unready
process out; nothing is lost meanwhile, because everything temporary is answered 503 and tried again.
"""

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from federation.crossing import in_thread
from models import queues, settings, storage
from models.base import now
from models.database import Database
from models.errors import Unavailable
from server.settings import Settings

LEAST_FREE = 0.05
"""Free share of the disk below which the node takes no more work."""

WORST_SKEW = 60.0
"""Seconds between our clock and the peers' above which signatures begin to fail."""

WORST_APART = 10.0
"""Seconds between this machine's clock and the database's above which work that one machine does may be begun by another."""

REMEMBERED = 5.0
"""Seconds an answer of `/readyz` is reused, so that asking often costs nothing."""


async def health(request: Request) -> Response:
    """`GET /health`: that the node answers, in the very word clients of Mastodon's API look for."""
    return PlainTextResponse("OK", headers={"Cache-Control": "no-store"})


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `text` is English and says what was found and, if it is bad, what to do."""

    name: str
    ok: bool
    text: str


def checks(database: Database, chosen: Settings) -> list[Check]:
    """All checks of readiness. Blocks for as long as the database does; call it in a thread."""
    return [check_database(database), check_disk(chosen), check_clock(database)]


def check_database(database: Database) -> Check:
    """Whether a change can be written and committed."""
    began = time.monotonic()

    def note(db: Session) -> None:
        settings.put(db, "health_checked_at", now().isoformat())

    try:
        database.write(note)
    except Unavailable:
        return Check("database", False, "the database cannot be written: locked, full or not reachable")
    return Check("database", True, f"written in {(time.monotonic() - began) * 1000:.0f} ms")


@dataclass(frozen=True)
class Room:
    """What is free, of how much (bytes), on the disk under a folder."""

    folder: Path
    free: int
    total: int

    @property
    def share(self) -> float:
        """Which part of the disk is free, 0 to 1."""
        return self.free / self.total if self.total else 0.0

    @property
    def enough(self) -> bool:
        """Whether the node goes on taking work."""
        return self.share > LEAST_FREE


def room(chosen: Settings) -> Room:
    """The disk under the data."""
    folder = chosen.sqlite_path.parent if chosen.sqlite_path else chosen.data_path
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return Room(folder, usage.free, usage.total)


def check_disk(chosen: Settings) -> Check:
    """Whether the disk under the data has room."""
    disk = room(chosen)
    found = f"{disk.share:.0%} of {disk.total / 1e9:.1f} GB free under {disk.folder}"
    return Check("disk", disk.enough, found if disk.enough else f"{found}: make room")


def check_clock(database: Database) -> Check:
    """Whether our clock agrees with that of the database's machine, and with the peers' (the median of those heard today).

    The machines of a node lend one another work for a time: each has to know when that is over.
    """
    try:
        with database.reading() as db:
            skew = queues.clock_skew(db)
            apart = storage.clock_apart(db)
    except Unavailable:
        return Check("clock", True, "not known while the database does not answer")
    if abs(apart) > WORST_APART:
        return Check("clock", False, f"the database's clock is {apart:+.0f} s from this machine's: check NTP on both")
    if skew is None:
        return Check("clock", True, "too few peers heard today to compare with")
    text = f"the peers' clocks are {skew:+.0f} s from ours"
    return Check("clock", abs(skew) <= WORST_SKEW, text if abs(skew) <= WORST_SKEW else f"{text}: check NTP")


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"alive": True}, headers={"Cache-Control": "no-store"})


class Readiness:
    """The endpoint `/readyz`: 200 if every check holds, else 503 with Retry-After. Names the checks only."""

    def __init__(self, database: Database, chosen: Settings) -> None:
        self.database = database
        self.settings = chosen
        self._asking = asyncio.Lock()
        self._known: tuple[float, list[Check]] | None = None

    async def readyz(self, _request: Request) -> Response:
        """Whether requests will succeed."""
        async with self._asking:
            if self._known is None or time.monotonic() - self._known[0] > REMEMBERED:
                found = await in_thread(lambda: checks(self.database, self.settings))
                self._known = (time.monotonic(), found)
            results = self._known[1]
        ready = all(check.ok for check in results)
        return JSONResponse(
            {"ready": ready, "checks": {check.name: "ok" if check.ok else "failed" for check in results}},
            status_code=200 if ready else 503,
            headers={"Cache-Control": "no-store"} | ({} if ready else {"Retry-After": "30"}),
        )
