"""Loads that only read: documents for other servers, and timelines of the client API, over 16 connections."""

import asyncio
import contextlib
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

from tests.bench import activities, wire
from tests.bench.figures import Measure
from tests.bench.loads import Field, Load, spending
from tests.bench.servers import Server
from tests.farm import actor_at

CONNECTIONS = 16
SECONDS = 5
POSTS = 25
PAUSE = 0.05
"""Seconds between two writes beside the reading."""

REPORT = """\
done = function(summary)
  local bad = summary.errors
  io.write(string.format('{"requests":%d,"us":%d,"bad":%d}', summary.requests, summary.duration,
    bad.status + bad.connect + bad.read + bad.timeout))
end
"""


class Read(Load):
    """One address asked for again and again. wrk does the asking where it is installed: it costs least.

    `busy`: beside it somebody writes now and then, so that what a server keeps in memory is true for a moment only.
    """

    def __init__(self, what: str, title: str, wish: float, *, busy: bool = False) -> None:
        self.what = what
        self.busy = busy
        self.name = f"{what}-busy" if busy else what
        self.title = f"{title}, {CONNECTIONS} connections" + (f", a write every {PAUSE * 1000:.0f} ms" if busy else "")
        self.measures = (Measure("rate", "/s", wish=wish), Measure("CPU each", "ms", less=True))

    async def prepare(self, field: Field, server: Server) -> None:
        """There is something to be read, and it can be."""
        if "post" not in server.memory:
            for number in range(POSTS):
                text = f"Nummer {number} om torvet, som alle kan læse."
                made = await server.call("POST", "/api/v1/statuses", status=text, visibility="public")
            server.memory["post"], server.memory["id"] = made["uri"], made["id"]
            await asyncio.sleep(1)
        url, headers = self._asked(server)
        answer = await server.wire.ask(wire.request("GET", url, headers))
        assert answer.status == 200, f"{server.name}: {url}: {answer.status} {answer.body[:300]!r}"

    def _asked(self, server: Server) -> tuple[str, dict[str, str]]:
        """(address, headers)"""
        origin = f"https://{server.host}"
        as_client = {"Accept": "application/json", "Authorization": f"Bearer {server.token}"}
        if self.what == "webfinger":
            return f"{origin}/.well-known/webfinger?resource=acct:{server.handle}", {"Accept": "application/json"}
        if self.what in ("public", "home"):
            return f"{origin}/api/v1/timelines/{self.what}?limit=20", as_client
        url = server.actor if self.what == "actor" else server.memory["post"]
        return url, activities.signed_fields("GET", url, actor_at(1))

    async def run(self, field: Field, server: Server, turn: int) -> dict[str, float]:
        """As many as the server answers in some seconds."""
        url, headers = self._asked(server)
        seconds = max(2, round(SECONDS * field.part))
        async with spending(server) as (spent, _), _writing(server) if self.busy else contextlib.nullcontext():
            ask = _with_wrk if shutil.which("wrk") else _alone
            requests, took = await ask(server, url, headers, seconds)
        return {"rate": requests / took, "CPU each": 1000 * spent.cpu / requests}


@contextlib.asynccontextmanager
async def _writing(server: Server) -> AsyncIterator[None]:
    """The account bookmarks a post and takes the mark off again, over and over."""

    async def write() -> None:
        for deed in itertools.cycle(("bookmark", "unbookmark")):
            await server.call("POST", f"/api/v1/statuses/{server.memory['id']}/{deed}")
            await asyncio.sleep(PAUSE)

    task = asyncio.create_task(write())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task  # raises what a write raised


async def _with_wrk(server: Server, url: str, headers: dict[str, str], seconds: int) -> tuple[int, float]:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, "User-Agent": wire.AGENT, **headers}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(REPORT)
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", script.name]
        for name, value in fields.items():
            command += ["-H", f"{name}: {value}"]
        command.append(f"http://{server.address}{target}")
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
    report = json.loads(output[output.index(b'{"requests"') :])
    assert report["requests"] and not report["bad"], f"{server.name}: {url}: {report}"
    return report["requests"], report["us"] / 1e6


async def _alone(server: Server, url: str, headers: dict[str, str], seconds: int) -> tuple[int, float]:
    message, end = wire.request("GET", url, headers), time.perf_counter() + seconds

    def again() -> Iterator[bytes]:
        while time.perf_counter() < end:
            yield message

    found = await server.wire.burst(again(), CONNECTIONS)
    assert not found.refused, f"{server.name}: {url}: {dict(found.statuses)}"
    return found.statuses.total(), found.seconds


READ = (
    ("actor", "GET actor as ActivityPub JSON", 1),
    ("post", "GET post as ActivityPub JSON", 1),
    ("webfinger", "WebFinger", 0.5),
    ("public", "public timeline, 20 posts (client API)", 3),
    ("home", "home timeline, 20 posts", 1),
)
READS = tuple(Read(*each, busy=busy) for busy in (False, True) for each in READ)
