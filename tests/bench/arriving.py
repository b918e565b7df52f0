"""Loads that come in: signed Create(Note) until the account sees them."""

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.bench import activities
from tests.bench.figures import Measure
from tests.bench.loads import Field, Load, spending
from tests.bench.servers import Server
from tests.farm import actor_at, handle_at

AT_ONCE = 16
PAGE = 40
PATIENCE = 180.0


class KnownActors(Load):
    """Notes of people whom the account follows: from the POST until all stand in its home timeline."""

    name = "known"
    title = "signed Create(Note) from known actors, POST to visible in a follower's home"
    measures = (
        Measure("rate", "/s", wish=5),
        Measure("CPU each", "ms", less=True, wish=0.2),
    )
    ACTORS = 50
    NOTES = 600

    async def prepare(self, field: Field, server: Server) -> None:
        """The account follows everybody."""
        for number in range(1, field.size(self.ACTORS) + 1):
            await server.follow(handle_at(number, field.port))

    async def run(self, field: Field, server: Server, turn: int) -> dict[str, float]:
        """All their notes."""
        authors = [actor_at(number, field.port) for number in range(1, field.size(self.ACTORS) + 1)]
        count = field.size(self.NOTES)
        return await _receive(server, [authors[n % len(authors)] for n in range(count)], f"k{turn}", mentioned=False)


class UnknownActors(Load):
    """Notes that mention the account, each of somebody on a host never heard of: until all stand in its notices."""

    name = "unknown"
    title = "the same from 200 unknown actors on 200 hosts, key fetch each"
    measures = (
        Measure("rate", "/s", wish=4),
        Measure("CPU each", "ms", less=True),
    )
    ACTORS = 200
    FIRST = 1001
    """Those before are the followers of the loads that go out."""

    async def prepare(self, field: Field, server: Server) -> None:
        """Nothing: nobody is known."""

    async def run(self, field: Field, server: Server, turn: int) -> dict[str, float]:
        """One note of each."""
        first, count = self.FIRST + turn * self.ACTORS, field.size(self.ACTORS)
        authors = [actor_at(number, field.port) for number in range(first, first + count)]
        return await _receive(server, authors, f"u{turn}", mentioned=True)


async def _receive(server: Server, authors: Sequence[str], name: str, *, mentioned: bool) -> dict[str, float]:
    await _later_than_before(server)
    marker = f"{name}x{time.time_ns()}"
    begin = datetime.now(UTC) - timedelta(seconds=len(authors) // 20 + 1)
    inbox = server.inbox if mentioned else server.shared_inbox
    about = (server.actor, f"@{server.handle}") if mentioned else None
    signed = []
    for number, author in enumerate(authors):
        at = begin + timedelta(milliseconds=50 * number)
        made = activities.note(author, f"{marker}-{number}", f"{marker}-{number:05d}.", at, mentioned=about)
        signed.append(activities.post(inbox, activities.create(made)))
    path = "/api/v1/notifications" if mentioned else "/api/v1/timelines/home"
    async with spending(server) as (spent, begun):
        sent = await server.wire.burst(signed, AT_ONCE)
        assert not sent.refused, f"{server.name} answered {dict(sent.statuses)}"
        await _shown(server, path, marker, len(authors))
        spent.ended(begun)
    await _none_missing(server, path, marker, len(authors))
    took = sorted(sent.took)
    return {
        "rate": len(authors) / spent.seconds,
        "CPU each": 1000 * spent.cpu / len(authors),
        "accepted": len(authors) / sent.seconds,
        "answer in the middle, ms": 1000 * took[len(took) // 2],
        "slowest answer, ms": 1000 * took[-1],
    }


async def _later_than_before(server: Server) -> None:
    """Wait until the first page is this round's alone: who is quick would find notes of the round before among them."""
    page = timedelta(milliseconds=50 * PAGE) + timedelta(seconds=1)
    wait = server.memory.get("notes end", datetime.min.replace(tzinfo=UTC)) + page - datetime.now(UTC)
    await asyncio.sleep(max(0.0, wait.total_seconds()))
    server.memory["notes end"] = datetime.now(UTC)


async def _shown(server: Server, path: str, marker: str, wanted: int) -> None:
    """Wait until the note sent last stands on the first page, among others of its kind. Only that page is asked for."""
    last, end = f"{marker}-{wanted - 1:05d}", time.monotonic() + PATIENCE
    while True:
        found = _marked(await server.call("GET", f"{path}?limit={PAGE}"), marker)
        if last in found and len(found) == min(PAGE, wanted):
            return
        assert time.monotonic() < end, f"{server.name} does not show the last of {wanted} notes"
        await asyncio.sleep(0.02)


async def _none_missing(server: Server, path: str, marker: str, wanted: int) -> None:
    """All notes stand on the pages of `path`."""
    seen: set[str] = set()
    older = ""
    while True:
        page = await server.call("GET", f"{path}?limit={PAGE}{older}")
        found = _marked(page, marker)
        if not found:
            break
        seen |= found
        older = f"&max_id={page[-1]['id']}"
    assert len(seen) == wanted, f"{server.name} shows {len(seen)} of {wanted} notes"


def _marked(page: Iterable[dict[str, Any]], marker: str) -> set[str]:
    """The marks of those notes on a page that belong to this round."""
    found = re.compile(re.escape(marker) + r"-\d{5}")
    texts = ((item.get("status") or item).get("content") or "" for item in page)
    return {mark[0] for text in texts if (mark := found.search(text))}
