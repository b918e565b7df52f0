"""How long pages take that find things: `python -m tests.bench.find [posts] [people] [times]`.

A node with so many posts is made up (words as frequent as in real texts, a fifth of the posts questions), then its
pages are asked for as a browser would, within the process. `TORV_BENCH_DATABASE_URL` asks PostgreSQL instead of SQLite.
"""

import asyncio
import bisect
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from models import accounts, actors, communities, figures, follows, names
from models.actors import Actor, ActorType
from models.base import new_id, now
from models.composing import BARRIER_TAGS, BARRIERS
from models.database import Database, Node
from models.listings import Listing
from models.posts import Post, PostTag
from models.search import rebuilding
from models.tables import metadata
from server.app import create_app
from server.settings import Settings
from tests.federation.elsewhere import Elsewhere, federation_with

ORIGIN = "https://a.example"
ENDINGS = ("", "", "en", "er", "erne", "ernes", "et", "s")
FIRST = ("kommune", "borger", "regel", "sag", "skole", "bibliotek", "vej", "ældre", "møde", "budget", "data", "leder")
COMMUNITIES = 40
TAGS = 400


class Words:
    """Danish as a machine babbles it: few words are frequent, and all have endings."""

    def __init__(self, number: int = 30_000) -> None:
        self.random = random.Random(1)
        sounds = [
            "b",
            "d",
            "f",
            "g",
            "h",
            "j",
            "k",
            "l",
            "m",
            "n",
            "p",
            "r",
            "s",
            "t",
            "v",
            "st",
            "kr",
            "fl",
            "gr",
            "sk",
        ]
        vowels = ["a", "e", "i", "o", "u", "y", "æ", "ø", "å"]
        made = dict.fromkeys(FIRST)
        while len(made) < number:
            parts = self.random.randint(2, 4)
            made["".join(self.random.choice(sounds) + self.random.choice(vowels) for _ in range(parts))] = None
        self.words = list(made)
        self.weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(number)))

    def some(self, least: int, most: int) -> str:
        """A stretch of words."""
        return " ".join(self._one() for _ in range(self.random.randint(least, most)))

    def _one(self) -> str:
        at = bisect.bisect(self.weights, self.random.random() * self.weights[-1])
        return self.words[at] + self.random.choice(ENDINGS)


def fill(database: Database, posts: int, people: int) -> None:
    """Make everything up."""
    said = Words()
    chance = random.Random(2)

    def settle(db: Session) -> tuple[list[int], list[int]]:
        actors.create_local(db, "a.example", ActorType.APPLICATION)
        nora = accounts.create(db, username="nora", email="nora@a.example", password="correct horse battery")
        me = actors.get(db, nora.id)
        groups = [communities.create(db, f"c{n}", said.some(2, 3), creator=me) for n in range(COMMUNITIES)]
        rows = [_person(number, said) for number in range(people)]
        db.execute(insert(Actor), rows)
        for row in rows[:30]:
            follows.accept(db, follows.request(db, me, actors.get(db, row["id"])))
        return [group.id for group in groups], [nora.id, *(row["id"] for row in rows)]

    groups, authors = database.write(settle)
    roots: list[tuple[int, int]] = []
    for start in range(0, posts, 5000):
        made = list(_posts(min(5000, posts - start), start / posts, groups, authors, roots, said, chance))
        database.write(lambda db, made=made: _insert(db, made))
    database.write(figures.recount)
    database.write(names.rebuild)


def _person(number: int, said: Words) -> dict[str, Any]:
    uri = f"https://h{number % 50}.example/users/{number}"
    name = said.some(2, 2).title()
    return {
        "id": new_id(), "uri": uri, "type": "Person", "local": False, "username": f"p{number}", "username_key": f"p{number}",
        "domain": f"h{number % 50}.example", "name": name, "summary": f"<p>{said.some(5, 20)}</p>", "inbox": f"{uri}/inbox",
        "discoverable": True, "indexable": number % 10 != 0, "changed_at": now(),
    }  # fmt: skip


def _posts(
    number: int, part: float, groups: list[int], authors: list[int], roots: list[tuple[int, int]], said: Words,
    chance: random.Random,
) -> Iterator[tuple[dict[str, Any], list[str]]]:  # fmt: skip
    begun = now() - timedelta(days=1000 * (1 - part))
    for n in range(number):
        at = (begun + timedelta(seconds=60 * n)).replace(microsecond=0)
        id = new_id(at)
        author = chance.choice(authors)
        row: dict[str, Any] = {
            "id": id, "uri": f"https://x.example/{id}", "url": f"https://x.example/{id}", "local": False, "author_id": author,
            "kind": "answer", "object_type": "Note", "visibility": "public", "title": "", "source": "", "summary": "",
            "content": f"<p>{said.some(20, 90)}</p>", "sensitive": False, "language": "da", "attachments": [], "extra": {},
            "in_reply_to_uri": "", "in_reply_to_id": None, "thread_id": id, "community_id": None, "context_uri": "",
            "unreviewed": False, "accept_uri": "", "accepted_id": None, "up": chance.randint(0, 5), "down": 0,
            "reply_count": 0, "answer_count": 0, "boost_count": 0, "published": at,
        }  # fmt: skip
        tags: list[str] = []
        if n % 5 == 0 or not roots:
            group = chance.choice(groups)
            barrier = chance.choice(BARRIERS)
            tags = [BARRIER_TAGS.get(barrier, barrier), f"tag{min(int(chance.paretovariate(0.6)), TAGS)}"]
            row |= {
                "kind": "question",
                "title": said.some(5, 12),
                "community_id": group,
                "extra": {"barriers": [barrier]},
            }
            row |= {"answer_count": chance.choice((0, 3)), "accepted_id": None}
            roots.append((id, group))
        else:
            root, group = roots[-min(int(chance.paretovariate(0.7)), len(roots))]
            row |= {"in_reply_to_id": root, "in_reply_to_uri": f"https://x.example/{root}", "thread_id": root}
            row |= {"community_id": group}
        yield row, tags


def _insert(db: Session, made: list[tuple[dict[str, Any], list[str]]]) -> None:
    db.execute(insert(Post), [row for row, _ in made])
    tags = [{"post_id": row["id"], "name": tag, "shown": tag} for row, found in made for tag in dict.fromkeys(found)]
    db.execute(insert(PostTag), tags)
    listed = [row for row, _ in made if row["kind"] == "question"]
    db.execute(
        insert(Listing),
        [
            {"id": row["id"], "community_id": row["community_id"], "post_id": row["id"], "announce_uri": ""}
            for row in listed
        ],
    )


def index(database: Database) -> float:
    """Make what is searched, as `torv search rebuild` does; seconds."""
    begun = time.perf_counter()
    database.write(rebuilding.empty)
    for step in (rebuilding.next_posts, rebuilding.next_actors):
        after = 0
        while ids := database.write(lambda db, step=step, after=after: step(db, after)):
            after = ids[-1]
    return time.perf_counter() - begun


PAGES = (
    "/search?q=kommunernes",
    "/search?q=kommune+regler",
    "/search?q=kommune+skolen&what=questions&barrier=regler&state=unanswered",
    "/search?q=bibliotekerne+møder&community={group}",
    "/search?q=komunne",
    "/search?q=qwzxqwzx+qzzx",
    "/search?q=stå&what=people",
    "/search?what=questions&barrier=love&period=year",
    "/t/regler",
    "/t/tag1",
    "/t/tag300",
    "/questions",
    "/questions?order=unanswered",
    "/questions?order=unanswered&barrier=love",
    "/questions?order=unanswered&community={group}&mine=1",
    "/questions?order=top",
    "/questions?order=top&barrier=regler",
    "/questions?order=accepted",
    "/ask/similar?title=hvordan+får+kommunen+skolerne+til+at+holde+møder+med+ældre+borgere+om+budg",
    "/ask/similar?title=regl",
)


async def ask(database: Database, times: int) -> None:
    """Ask for every page and print its median."""
    settings = Settings(origin=ORIGIN, node_name="Torv", data_dir="unused", api_calls=10**9)
    app = create_app(settings, federation=federation_with(database, Elsewhere()))
    secret = database.write(lambda db: accounts.start_login(db, accounts.by_username(db, "nora")))
    with database.reading() as db:
        group = communities.all_local(db)[3].id
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as http:
        for cookies in ({}, {"__Host-torv": secret}):
            print("signed in" if cookies else "anybody")
            for path in PAGES:
                await _one(http, path.format(group=group), cookies, times)


async def _one(http: httpx.AsyncClient, path: str, cookies: dict[str, str], times: int) -> None:
    took, worked = [], []
    for _ in range(times + 1):
        begun, before = time.perf_counter(), time.process_time()
        answer = await http.get(path, cookies=cookies, headers={"Accept": "text/html"})
        took.append((time.perf_counter() - begun) * 1000)
        worked.append((time.process_time() - before) * 1000)
    figures = f"{statistics.median(took[1:]):7.1f} ms, of work {statistics.median(worked[1:]):6.1f} ms"
    print(f"  {answer.status_code} {figures} (worst {max(took[1:]):.0f} ms)  {path}")


def main(posts: int = 100_000, people: int = 5_000, times: int = 15) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        url = (
            os.environ.get("TORV_BENCH_DATABASE_URL")
            or f"sqlite:///{os.environ.get('TORV_BENCH_FILE') or Path(folder) / 'bench.db'}"
        )
        database = Database(url, Node(ORIGIN, "a.example"))
        if not os.environ.get("TORV_BENCH_FILE") or not Path(os.environ["TORV_BENCH_FILE"]).exists():
            metadata.create_all(database.engine)
            fill(database, posts, people)
            print(f"{posts} posts, {people} people; what is searched was made in {index(database):.0f} s")
            with database.engine.connect() as connection:
                connection.execute(text("ANALYZE"))
                connection.commit()
        asyncio.run(ask(database, times))
        database.close()


if __name__ == "__main__":
    main(*[int(value) for value in sys.argv[1:4]])
