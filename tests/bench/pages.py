"""How long every page takes the server: `python -m tests.bench.pages [posts] [people] [times] [reports]`.

All pages come from the route table itself, so none can be forgotten, with the examples by which the tests count their
queries; beside them stand the busiest thread, community, tag and person of the many. Prints each median in milliseconds,
of what the processor worked and of the time that passed (beside neighbours only the first says something), the slowest
first, and how many queries it took. What could not be asked for is said, and why.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.routing import Route

from models import accounts, calendar_links, checking_in, communities, oauth_apps
from models.actors import Actor
from models.database import Database, Node
from models.posts import Kind, Post
from models.tables import metadata
from server.app import create_app
from server.settings import Settings
from tests.bench.find import ORIGIN, fill, index
from tests.bench.furnishing import furnish
from tests.browser.test_pages import secrets_of
from tests.federation.elsewhere import Elsewhere, federation_with
from tests.server.crowd import Crowd
from tests.server.test_web_queries import ELSEWHERE, asked

AT_MOST = 50.0
"""Milliseconds that a page may take in the middle."""

LOOKING = {"Accept": "text/html"}
BACK = "https://app.example/back"
WITHOUT = {
    "/colours/{version}.css": "a style sheet",
    "/settings/data/copy/{id:int}": "a file",
    "/experience/gap.csv": "a file of all reports, sent while it is read",
    "/experience/gap.json": "the same",
    "/admin/domains/import": "shows a file that was brought",
    "/waiting": "for who has not been let in",
}
"""Addresses that are asked for by nothing here, and why."""


def routes(app: Starlette) -> list[str]:
    """The addresses of all pages."""
    found = [
        route.path
        for route in app.routes
        if isinstance(route, Route)
        and "GET" in (getattr(route, "methods", None) or ())
        and route.endpoint.__module__.startswith("server.web.")
    ]
    return [path for path in dict.fromkeys(found) if path not in WITHOUT]


def busiest(db: Session) -> list[str]:
    """Of each kind of things there are many of, the busiest and the newest."""
    biggest = select(Post.thread_id).group_by(Post.thread_id).order_by(func.count().desc()).limit(1)
    thread = db.scalars(biggest).one()
    question = db.scalars(select(Post.id).where(Post.kind == Kind.QUESTION).order_by(Post.id.desc()).limit(1)).one()
    report = db.scalars(select(Post.id).where(Post.kind == Kind.EXPERIENCE).order_by(Post.id.desc()).limit(1)).one()
    writer = select(Post.author_id).group_by(Post.author_id).order_by(func.count().desc()).limit(1)
    author = db.get_one(Actor, db.scalars(writer).one())
    group, tag = communities.all_local(db)[3].username, "regler"
    return [
        f"/p/{thread}", f"/p/{thread}?sort=newest&page=3", f"/p/{question}", f"/p/{report}", f"/posts/{question}/similar",
        f"/posts/{question}/reply", f"/posts/{thread}/from-home", f"/feeds/thread/{thread}", f"/@{author.handle}",
        f"/actors/{author.id}/followers", f"/admin/actors/{author.id}/act", f"/c/{group}", f"/c/{group}/members",
        f"/feeds/community/{group}", f"/t/{tag}", f"/t/{tag}?list=questions", f"/feeds/tag/{tag}", "/u/nora",
        "/search?q=kommunernes", "/search?q=komunne", "/search?q=kommune+regler&what=questions&barrier=regler",
        "/experience?municipality=0101&barrier=love", "/experience?kle=27", "/experience/gap?barrier=love",
        "/questions?order=unanswered&barrier=love", "/questions?order=top", "/ask/similar?title=hvordan+får+kommunen+bøger",
    ]  # fmt: skip


def examples(db: Session, path: str, crowd: Crowd, secrets: Mapping[str, str]) -> Iterator[str]:
    """Of what shows one thing and no list, or leads on."""
    asked_about, camilla = crowd.ids["question"], accounts.by_username(db, "camilla")
    named = quote(db.get_one(Post, asked_about).uri, safe="")
    if path in {"/authorize_interaction", "/intents/object"}:
        yield f"{path}?uri={named}"
    elif path == "/meetings/in/{code}.ics":
        yield "/meetings/in/0751.ics"
    elif path == "/meetings/mine/{token}.ics":
        yield f"/meetings/mine/{calendar_links.token(db, camilla)}.ics"
    elif path == "/posts/{id:int}/check-in/{code}":
        meeting = db.get_one(Post, crowd.ids["meeting"])
        yield f"/posts/{meeting.id}/check-in/{checking_in.code(db, meeting)}"
    elif "{token}" in path:
        yield path.format(token=secrets[path.split("/")[1].removesuffix("s")])
    elif path == "/p/{id:int}/{slug}":
        yield f"/p/{asked_about}/hvordan"
    elif path == "/@{handle}":
        yield f"/@{db.get_one(Actor, camilla.id).handle}"
    else:
        yield path


def paths(database: Database, app: Starlette, crowd: Crowd) -> list[str]:
    """Every page, by each of its examples."""
    every = routes(app)
    found = {one for several in asked(every, crowd).values() for one in several}
    with database.reading() as db:
        found.update(busiest(db))

    def make(db: Session) -> list[str]:
        secrets = secrets_of(db)
        client, _ = oauth_apps.register(db, name="Elk", redirect_uris=[BACK], wanted="read write")
        query = {"response_type": "code", "client_id": client.client_id, "redirect_uri": BACK, "scope": "read"}
        consent = f"/oauth/authorize?{urlencode(query)}"
        return [consent, *(one for path in every if path in ELSEWHERE for one in examples(db, path, crowd, secrets))]

    found.update(database.write(make))
    if unnamed := [path for path in found if re.search(r"\{\w+(:\w+)?\}", path)]:
        raise SystemExit(f"no example of {', '.join(unnamed)}")
    return sorted(found)


async def ask(database: Database, crowd: Crowd, times: int) -> list[tuple[float, float, int, str, str]]:
    """Each page's medians (worked, passed), queries, address and who asked. Says what nobody got."""
    counted = [0]
    event.listen(database._reader, "before_cursor_execute", lambda *_: counted.__setitem__(0, counted[0] + 1))
    settings = Settings(
        origin=ORIGIN,
        node_name="Torv",
        data_dir="unused",
        contact_email="t@a.example",
        smtp_host="localhost",
        registrations="approval",
    )
    app = create_app(settings, federation=federation_with(database, Elsewhere()))
    secret = database.write(lambda db: accounts.start_login(db, accounts.by_username(db, "camilla")))
    measured: list[tuple[float, float, int, str, str]] = []
    every, refused = paths(database, app, crowd), {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        for who, cookies in (("anybody", {}), ("camilla", {"__Host-torv": secret})):
            http.cookies.clear()
            for name, value in cookies.items():
                http.cookies.set(name, value, domain="a.example", path="/")
            for path in every:
                # What leads on is asked for where it leads: both of it would be two pages.
                there = (await http.get(path, headers=LOOKING, follow_redirects=True)).url
                took, worked = [], []
                for _ in range(times):
                    counted[0] = 0
                    begun, before = time.perf_counter(), time.process_time()
                    answer = await http.get(there, headers=LOOKING)
                    took.append((time.perf_counter() - begun) * 1000)
                    worked.append((time.process_time() - before) * 1000)
                if answer.status_code == 200 and (path == "/sign-in" or there.path != "/sign-in"):
                    measured.append((statistics.median(worked), statistics.median(took), counted[0], path, who))
                elif who == "camilla":
                    refused[path] = answer.status_code
    for path in refused.keys() - {row[3] for row in measured}:
        print(f"  {refused[path]} {path}", file=sys.stderr)
    return measured


def main(posts: int = 100_000, people: int = 5_000, times: int = 9, reports: int = 5_000) -> None:
    """Measure and print; ends with 1 if a page takes more than it may."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(os.environ.get("TORV_BENCH_FILE") or Path(folder) / "bench.db")
        fresh = not file.exists()
        url = os.environ.get("TORV_BENCH_DATABASE_URL") or f"sqlite:///{file}"
        database = Database(url, Node(ORIGIN, "a.example"))
        metadata.create_all(database.engine)  # also what came since the file was made
        if fresh:
            fill(database, posts, people)
            index(database)
        crowd = furnish(database, reports)
        with database.engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
        measured = sorted(asyncio.run(ask(database, crowd, times)), reverse=True)
        database.close()
    for path, why in WITHOUT.items():
        print(f"not asked for: {path} ({why})")
    for worked, passed, queries, path, who in measured:
        print(f"{worked:8.1f} ms of work, {passed:8.1f} ms {queries:4d} queries  {who:8} {path}")
    slow = [row for row in measured if row[1] > AT_MOST]
    print(f"{len(measured)} pages, {len(slow)} slower than {AT_MOST:.0f} ms")
    raise SystemExit(1 if slow else 0)


if __name__ == "__main__":
    main(*[int(value) for value in sys.argv[1:5]])
