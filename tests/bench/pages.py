"""How long every page takes the server: `python -m tests.bench.pages [posts] [people] [times]`.

All pages that are read without an id come from the route table itself, so none can be forgotten; those about one thing are
asked for by their busiest example. Prints each median in milliseconds, the slowest first, and how many queries it took.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from sqlalchemy import event, func, select, text

from models import accounts, communities
from models.accounts import Role
from models.actors import Actor
from models.database import Database, Node
from models.posts import Kind, Post
from models.tables import metadata
from server import app as application
from server.app import create_app
from server.settings import Settings
from tests.bench.find import ORIGIN, fill, index
from tests.federation.elsewhere import Elsewhere, federation_with

TABLES = (
    *(application.PAGES, application.FEEDS, application.DEEDS, application.COMMUNITY_MANAGEMENT),
    *(application.ACCOUNT, application.ADMINISTRATION),
)
AT_MOST = 50.0
"""Milliseconds that a page may take in the middle."""


def paths(database: Database) -> list[str]:
    """Every page: those without an id, and one of each kind about something."""
    found = {
        route.path for table in TABLES for route in table if "GET" in (route.methods or ()) and "{" not in route.path
    }
    with database.reading() as db:
        busiest = db.scalars(
            select(Post.thread_id).group_by(Post.thread_id).order_by(func.count().desc()).limit(1)
        ).one()
        question = db.scalars(select(Post.id).where(Post.kind == Kind.QUESTION).order_by(Post.id.desc()).limit(1)).one()
        author = db.scalars(
            select(Post.author_id).group_by(Post.author_id).order_by(func.count().desc()).limit(1)
        ).one()
        person = db.get_one(Actor, author)
        group = communities.all_local(db)[3]
    found |= {f"/p/{busiest}", f"/p/{question}", f"/posts/{question}/history", f"/posts/{question}/reply"}
    found |= {
        f"/feeds/thread/{busiest}",
        f"/feeds/community/{group.username}",
        "/feeds/person/eva",
        "/feeds/tag/regler",
    }
    found |= {f"/p/{busiest}?sort=newest&page=3", f"/posts/{busiest}/from-home", f"/posts/{busiest}/similar"}
    found |= {f"/@{person.handle}", f"/c/{group.username}", f"/c/{group.username}/manage", "/u/eva", "/t/regler"}
    return sorted(found - {"/sign-out", "/password"})


async def ask(database: Database, times: int) -> list[tuple[float, int, str, str]]:
    """Each page's median, queries, address and who asked."""
    counted = [0]
    event.listen(database.engine, "before_cursor_execute", lambda *_: counted.__setitem__(0, counted[0] + 1))
    settings = Settings(origin=ORIGIN, node_name="Torv", data_dir="unused")
    app = create_app(settings, federation=federation_with(database, Elsewhere()))
    secret = database.write(lambda db: accounts.start_login(db, accounts.by_username(db, "eva")))
    measured = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN, follow_redirects=True) as http:
        for who, cookies in (("anybody", {}), ("eva", {"__Host-torv": secret})):
            http.cookies.clear()
            for name, value in cookies.items():
                http.cookies.set(name, value, domain="a.example", path="/")
            for path in paths(database):
                took = []
                for _ in range(times + 1):
                    counted[0] = 0
                    begun = time.perf_counter()
                    answer = await http.get(path, headers={"Accept": "text/html"})
                    took.append((time.perf_counter() - begun) * 1000)
                if answer.status_code == 200 and "/sign-in" not in str(answer.url):
                    measured.append((statistics.median(took[1:]), counted[0], path, who))
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
    for median, queries, path, who in measured:
        print(f"{median:8.1f} ms {queries:4d} queries  {who:8} {path}")
    slow = [row for row in measured if row[0] > AT_MOST]
    print(f"{len(measured)} pages, {len(slow)} slower than {AT_MOST:.0f} ms")
    raise SystemExit(1 if slow else 0)


if __name__ == "__main__":
    main(*[int(value) for value in sys.argv[1:4]])
