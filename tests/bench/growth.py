"""What a growing node costs: `python -m tests.bench.growth [--save NAME] [--sizes 10000 ...] [--times 15] [--only WORD]`.

The same node is asked the same at several sizes, within the process and through the code that serves visitors, apps and
other servers. Of each the middle is taken: the time that the processors worked (ours, and on PostgreSQL its processes'),
and the time that passed. What it cost at the first size is the measure of the others.

`TORV_BENCH_DIR` names a folder in which the SQLite files stay for the next run (12 GB for a million posts);
`TORV_BENCH_DATABASE_URL` asks PostgreSQL instead, where they stay anyhow.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, select, text

from federation import publishing, receiving
from models import accounts, base, communities, oauth
from models.actors import Actor
from models.database import Database
from models.inbox import Received
from models.jobs import Job
from models.outbox import Delivery
from models.posts import Kind, Post
from server import logs
from server.app import create_app
from server.settings import Settings
from tests.bench import curves
from tests.bench.filling import LONG, ORIGIN, SHORT
from tests.bench.sizes import FOLLOWERS, Aged, Databases, Files, fill, opened, place
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.federation.neighbours import PUBLIC, Fediverse, Inbox, neighbour

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
AT_MOST = 1.5
RESULTS = Path(__file__).parent / "results"
Ask = Callable[[int], Awaitable[None]]


class Meter:
    """Processor and passing time, in milliseconds, of something that is done."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pids: list[int] = []
        if not database.sqlite:
            with database.reading() as db:
                self.backends = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
                self.pids = list(db.scalars(self.backends))

    def warm(self) -> None:
        """Learn which processes of PostgreSQL serve us, now that connections are open."""
        if not self.database.sqlite:
            with self.database.reading() as db:
                self.pids = list(db.scalars(self.backends))

    def _worked(self) -> float:
        theirs = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in self.pids)
        return time.process_time() * 1e3 + theirs / 1e6

    async def measure(self, do: Ask, number: int) -> tuple[float, float]:
        """(worked, passed)"""
        worked, begun = self._worked(), time.perf_counter()
        await do(number)
        passed = (time.perf_counter() - begun) * 1e3
        return self._worked() - worked, passed


@dataclass(frozen=True)
class Task:
    """Something that is asked of the node again and again. `before` makes ready for one time, unmeasured."""

    name: str
    do: Ask
    before: Ask | None = None
    times: int | None = None
    """If not as often as all others."""


class Asking:
    """A node of one size, and all that is asked of it."""

    def __init__(self, aged: Aged) -> None:
        self.aged, self.database = aged, aged.database
        settings = Settings(origin=ORIGIN, node_name="Torv", data_dir="unused", api_calls=10**9, log_level="error")
        logs.set_up(settings)
        self.app = create_app(settings, federation=federation_with(self.database, Elsewhere()))
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN)
        self.cookies = {name: self._cookie(name) for name in ("eva", "few")}
        self.tokens = {name: self._token(name) for name in ("eva", "lene")}
        self.run = base.now().strftime("%H%M%S%f") + str(time.time_ns())

    def _cookie(self, name: str) -> str:
        return self.database.write(lambda db: accounts.start_login(db, accounts.by_username(db, name)))

    def _token(self, name: str) -> str:
        return self.database.write(
            lambda db: oauth.issue_for(db, accounts.by_username(db, name), "read write", app_name="bench")
        )

    def page(self, *paths: str, who: str = "") -> Ask:
        """Pages, one at a time, each in its turn; where one leads on, what it leads to."""
        led = {path: path for path in paths}

        async def do(number: int) -> None:
            headers = {"Accept": "text/html"}
            if who:
                headers["Cookie"] = f"__Host-torv={self.cookies[who]}"
            path = paths[number % len(paths)]
            answer = await self.http.get(led[path], headers=headers, follow_redirects=True)
            led[path] = answer.url.raw_path.decode()
            assert answer.status_code == 200, f"{answer.status_code} {answer.url}"

        return do

    def api(self, *paths: str) -> Ask:
        """The same with the token of an app, each time from another place on: what was asked before may be remembered."""

        async def do(number: int) -> None:
            headers = {"Authorization": f"Bearer {self.tokens['eva']}"}
            path = f"{paths[number % len(paths)]}&max_id={2**63 - 1000 + number}"
            answer = await self.http.get(path, headers=headers)
            assert answer.status_code == 200, f"{answer.status_code} {answer.url}"

        return do

    def post(self, who: str) -> Ask:
        """Write a post with an app."""

        async def do(number: int) -> None:
            headers = {"Authorization": f"Bearer {self.tokens[who]}"}
            answer = await self.http.post(
                "/api/v1/statuses", headers=headers, data={"status": f"Hej {number} {self.run}"}
            )
            assert answer.status_code == 200, answer.text

        return do

    def spread(self) -> Task:
        """Hand the last post of `lene` out to the servers of her followers."""
        fed = federation_with(self.database, Elsewhere())
        write = self.post("lene")

        async def before(number: int) -> None:
            self.database.write(lambda db: db.execute(delete(Delivery)))
            self.database.write(lambda db: db.execute(delete(Job).where(Job.kind == "publish")))
            await write(number + 1000)

        async def do(_number: int) -> None:
            with self.database.reading() as db:
                payload = db.scalars(select(Job.payload).where(Job.kind == "publish")).one()
            await publishing.publish(fed, payload)

        return Task(f"hand out to {FOLLOWERS} followers", do, before, times=3)

    def inbox(self) -> Task:
        """Take in an answer that somebody known sent, and let it have its effect."""
        inbox = Inbox(self.database, Fediverse())
        jonas = neighbour(inbox.fediverse, host="m.example")
        requests: list[receiving.IncomingRequest] = []
        with self.database.reading() as db:
            query = select(Post.uri).where(Post.kind == Kind.QUESTION).order_by(Post.id.desc()).limit(40)
            asked = list(db.scalars(query))

        async def before(number: int) -> None:
            if not number:
                await inbox.knows(jonas)
            note = jonas.note(f"{self.run}-{number}", f"<p>Det gjorde vi også, {number}.</p>")
            note |= {"inReplyTo": asked[number % len(asked)], "cc": [jonas.followers], "to": [PUBLIC]}
            requests[:] = [jonas.sends(jonas.creates(note))]

        async def do(_number: int) -> None:
            reply = await receiving.accept(inbox.fed, requests[0])
            assert reply.status == 202, reply
            with self.database.reading() as db:
                waiting = list(db.scalars(select(Received.id).where(Received.state == "waiting")))
            for received_id in waiting:
                await receiving.process(inbox.fed, received_id)
            with self.database.reading() as db:
                ended = db.execute(select(Received.state, Received.note).order_by(Received.id.desc()).limit(1)).one()
            assert ended[0] == "done", ended[1]

        return Task("inbox: an answer", do, before)

    def tasks(self) -> list[Task]:
        """All of it."""
        with self.database.reading() as db:
            groups = [group.username for group in communities.all_local(db)]
            newest = list(
                db.scalars(select(Post.id).where(Post.kind == Kind.QUESTION).order_by(Post.id.desc()).limit(2))
            )
            people = list(db.scalars(select(Actor.username).where(Actor.username.like("p%0"), Actor.local).limit(2)))
        words = ("kommunernes", "ældre+borgere")
        titles = ("hvordan+får+kommunen+skolerne+til+at+holde+møder+med+ældre", "må+vi+lægge+regler+ud")
        return [
            Task("home", self.page("/", who="eva")),
            Task("home, of who follows few", self.page("/", who="few")),
            Task("home, client API", self.api("/api/v1/timelines/home?limit=20")),
            Task("public timeline", self.api("/api/v1/timelines/public?limit=20")),
            Task("community", self.page(*(f"/c/{name}" for name in groups[:2]))),
            Task("community, signed in", self.page(*(f"/c/{name}" for name in groups[:2]), who="eva")),
            Task("thread", self.page(*(f"/p/{id}" for id in newest), who="eva")),
            Task(f"thread of {SHORT} answers", self.page(f"/p/{self.aged.short}", who="eva")),
            Task(f"thread of {LONG} answers", self.page(f"/p/{self.aged.long}", who="eva")),
            Task("person", self.page(*(f"/u/{name}" for name in people), who="eva")),
            Task("hashtag", self.page("/t/tag1", "/t/tag300", who="eva")),
            Task("questions", self.page("/questions?order=unanswered", "/questions?order=top", who="eva")),
            Task("search", self.page(*(f"/search?q={word}" for word in words), who="eva")),
            Task("search, narrowed", self.page("/search?q=skolen&what=questions&barrier=love", who="eva")),
            Task("search, misspelled", self.page("/search?q=komunne", who="eva")),
            Task("similar questions", self.page(*(f"/ask/similar?title={title}" for title in titles), who="eva")),
            Task("notices", self.page("/notifications", who="eva")),
            self.inbox(),
            Task("post", self.post("eva")),
            Task(f"post before {FOLLOWERS} followers", self.post("lene")),
            self.spread(),
        ]


async def ask(aged: Aged, times: int, only: str) -> dict[str, tuple[float, float]]:
    """What each task costs at this size, (worked, passed) in milliseconds."""
    asking, found = Asking(aged), {}
    meter = Meter(aged.database)
    for task in asking.tasks():
        if only not in task.name:
            continue
        taken = []
        for number in range((task.times or times) + 2):
            if task.before:
                await task.before(number)
            if number < 2:
                await task.do(number)
                meter.warm()
            else:
                taken.append(await meter.measure(task.do, number))
        found[task.name] = (statistics.median(one[0] for one in taken), statistics.median(one[1] for one in taken))
    await asking.http.aclose()
    return found


def _table(sizes: list[int], costs: dict[str, dict[int, tuple[float, float]]]) -> str:
    lines = ["| worked, ms (passed) | " + " | ".join(f"{size:,}".replace(",", " ") for size in sizes) + " | ratio |"]
    lines.append("| --- |" + " ---: |" * (len(sizes) + 1))
    for name, row in costs.items():
        cells = " | ".join(f"{row[size][0]:.1f} ({row[size][1]:.0f})" for size in sizes)
        lines.append(f"| {name} | {cells} | {row[sizes[-1]][0] / row[sizes[0]][0]:.2f} |")
    return "\n".join(lines)


def _save(
    name: str, where: Files | Databases, sizes: list[int], costs: dict[str, dict[int, tuple[float, float]]]
) -> None:
    RESULTS.mkdir(exist_ok=True)
    found: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime()), "database": where.name, "sizes": sizes,
        "machine": f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}",
        "worked_ms": {name: [round(row[size][0], 2) for size in sizes] for name, row in costs.items()},
        "passed_ms": {name: [round(row[size][1], 2) for size in sizes] for name, row in costs.items()},
    }  # fmt: skip
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    title = f"Cost on {where.name}, as a multiple of that at {sizes[0]:,} posts".replace(",", " ")
    (RESULTS / f"{name}.svg").write_text(curves.draw(title, sizes, found["worked_ms"], AT_MOST))


def main() -> None:
    """Fill, measure, print and save; ends with 1 if something costs more than half as much again."""
    options = argparse.ArgumentParser()
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options.add_argument("--times", type=int, default=15)
    options.add_argument("--only", default="", help="tasks with this in their name")
    options.add_argument("--save", default="", help="name of the files in tests/bench/results")
    given = options.parse_args()
    costs: dict[str, dict[int, tuple[float, float]]] = {}
    with place() as where:
        fill(where, given.sizes, print)
        for size in given.sizes:
            with opened(where, size) as aged:
                for name, cost in asyncio.run(ask(aged, given.times, given.only)).items():
                    costs.setdefault(name, {})[size] = cost
        if given.save:
            _save(given.save, where, given.sizes, costs)
    print(_table(given.sizes, costs))
    grown = [name for name, row in costs.items() if row[given.sizes[-1]][0] > AT_MOST * row[given.sizes[0]][0]]
    print(f"{len(costs)} tasks; more than {AT_MOST} times as much: {', '.join(grown) or 'none'}")
    raise SystemExit(1 if grown else 0)


if __name__ == "__main__":
    main()
