"""How long every page takes the server: `python -m tests.bench.pages [posts] [people] [times]`.

All pages come from the route table itself, so none can be forgotten; those about one thing are asked for by their busiest
example, and it is said of which there is none. Prints each median in milliseconds, of the time that passed and of what the processor worked (beside neighbours only the
second says something), the slowest first, and how many queries it took.
"""

import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import httpx
from sqlalchemy import event, func, select, text
from starlette.routing import BaseRoute, Route

from models import accounts, communities
from models.accounts import Role
from models.actors import Actor
from models.database import Database, Node
from models.posts import Kind, Post
from models.tables import metadata
from server.app import create_app
from server.settings import Settings
from tests.bench.find import ORIGIN, fill, index
from tests.federation.elsewhere import Elsewhere, federation_with

AT_MOST = 50.0
"""Milliseconds that a page may take in the middle."""


def paths(database: Database, routes: Iterable[BaseRoute]) -> list[str]:
    """Every page: those without an id, and of each kind about something the busiest example and the newest.

    Says of which there is no example.
    """
    with database.reading() as db:
        busiest = db.scalars(
            select(Post.thread_id).group_by(Post.thread_id).order_by(func.count().desc()).limit(1)
        ).one()
        question = db.scalars(select(Post.id).where(Post.kind == Kind.QUESTION).order_by(Post.id.desc()).limit(1)).one()
        author = db.scalars(
            select(Post.author_id).group_by(Post.author_id).order_by(func.count().desc()).limit(1)
        ).one()
        handle, group = db.get_one(Actor, author).handle, communities.all_local(db)[3].username
        eva = accounts.by_username(db, "eva").id
    examples = {
        "/feeds/thread/{id:int}": busiest, "/posts/{id:int}": question, "/p/{id:int}": question,
        "/actors/{id:int}": eva, "/admin/people/{id:int}": eva, "/admin/actors/{id:int}": author, "/c/{name}": group,
        "/feeds/community/{name}": group, "/u/{name}": "eva", "/feeds/person/{name}": "eva", "/@{handle}": handle,
        "/t/{tag}": "regler", "/feeds/tag/{tag}": "regler",
    }  # fmt: skip
    found = {
        f"/p/{busiest}",
        f"/p/{busiest}?sort=newest&page=3",
        f"/posts/{busiest}/from-home",
        "/search?q=kommunernes",
    }
    for route in routes:
        if not isinstance(route, Route) or not route.endpoint.__module__.startswith("server.web."):
            continue
        if "GET" not in (route.methods or ()) or route.path in {"/sign-out", "/password"}:
            continue
        value = next((one for start, one in examples.items() if route.path.startswith(start)), "")
        path = re.sub(r"\{\w+(:int)?\}", str(value), route.path, count=1) if value else route.path
        if "{" in path:
            print(f"  no example of {route.path}", file=sys.stderr)
        else:
            found.add(path)
    return sorted(found)


async def ask(database: Database, times: int) -> list[tuple[float, float, int, str, str]]:
    """Each page's medians (worked, passed), queries, address and who asked."""
    counted = [0]
    event.listen(database._reader, "before_cursor_execute", lambda *_: counted.__setitem__(0, counted[0] + 1))
    settings = Settings(origin=ORIGIN, node_name="Torv", data_dir="unused")
    app = create_app(settings, federation=federation_with(database, Elsewhere()))
    secret = database.write(lambda db: accounts.start_login(db, accounts.by_username(db, "eva")))
    measured = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN, follow_redirects=True) as http:
        for who, cookies in (("anybody", {}), ("eva", {"__Host-torv": secret})):
            http.cookies.clear()
            for name, value in cookies.items():
                http.cookies.set(name, value, domain="a.example", path="/")
            for path in paths(database, app.routes):
                took, worked = [], []
                for _ in range(times + 1):
                    counted[0] = 0
                    begun, before = time.perf_counter(), time.process_time()
                    answer = await http.get(path, headers={"Accept": "text/html"})
                    took.append((time.perf_counter() - begun) * 1000)
                    worked.append((time.process_time() - before) * 1000)
                if answer.status_code == 200 and "/sign-in" not in str(answer.url):
                    medians = statistics.median(worked[1:]), statistics.median(took[1:])
                    measured.append((*medians, counted[0], path, who))
                elif who == "eva":
                    print(f"  {answer.status_code} {path}", file=sys.stderr)
    return measured


def main(posts: int = 100_000, people: int = 5_000, times: int = 9) -> None:
    """Measure and print; ends with 1 if a page takes more than it may."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(os.environ.get("TORV_BENCH_FILE") or Path(folder) / "bench.db")
        fresh = not file.exists()
        url = os.environ.get("TORV_BENCH_DATABASE_URL") or f"sqlite:///{file}"
        database = Database(url, Node(ORIGIN, "a.example"))
        if fresh:
            metadata.create_all(database.engine)
            fill(database, posts, people)
            index(database)
            with database.engine.connect() as connection:
                connection.execute(text("ANALYZE"))
                connection.commit()
        database.write(lambda db: accounts.set_role(db, accounts.by_username(db, "eva"), Role.ADMIN))
        measured = sorted(asyncio.run(ask(database, times)), reverse=True)
        database.close()
    for worked, passed, queries, path, who in measured:
        print(f"{worked:8.1f} ms of work, {passed:8.1f} ms {queries:4d} queries  {who:8} {path}")
    slow = [row for row in measured if row[1] > AT_MOST]
    print(f"{len(measured)} pages, {len(slow)} slower than {AT_MOST:.0f} ms")
    raise SystemExit(1 if slow else 0)


if __name__ == "__main__":
    main(*[int(value) for value in sys.argv[1:4]])
