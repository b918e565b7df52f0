"""After `torv migrate-database` nobody outside sees a difference: the same bytes at every address, and federation goes on.

The node is `a.example` on SQLite; the comparison needs a PostgreSQL beside.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, composing, follows
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.jobs import Job
from models.outbox import Delivery
from models.posts import Draft, Post
from models.tables import metadata
from tests.conftest import NODE, ON_POSTGRES, Templates
from tests.federation.elsewhere import remote
from tests.federation.neighbours import Fediverse, Inbox, neighbour
from tests.federation.test_waking import Worker
from tests.server.asking import ACTIVITY, Asking, local
from tests.server.commands import Torv, fill

pytestmark = [ON_POSTGRES, pytest.mark.anyio]

CHANCE = re.compile(rb'nonce[-=]"?[\\w+/=-]+"?|name="token" value="[0-9a-f]+"|"uptime":\\d+')
"""What differs from one answer to the next on the same database."""

PAGES = (
    "/",
    "/questions",
    "/communities",
    "/organizations",
    "/about",
    "/search?q=brandhaner",
    "/feeds/public",
    "/feeds/questions",
)
CALLS = (
    "/api/v1/timelines/public?limit=40",
    "/api/v2/instance",
    "/api/v1/accounts/lookup?acct=anna",
    "/api/v1/directory?local=true",
    "/api/v2/search?q=brandhaner",
)
DOCUMENTS = ("/nodeinfo/2.1", "/.well-known/webfinger?resource=acct:anna@a.example", "/.well-known/nodeinfo")


@pytest.fixture
def both(templates: Templates, tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """The node before and after."""
    source = Database(f"sqlite:///{tmp_path}/torv.db", NODE)
    metadata.create_all(source.engine)
    fill(source)
    target, drop = templates.fresh("bare_a", NODE, lambda database: metadata.drop_all(database.engine))
    environ = {
        "TORV_DATABASE_URL": f"sqlite:///{tmp_path}/torv.db",
        "TORV_DATA_DIR": str(tmp_path),
        "TORV_ORIGIN": NODE.origin,
    }
    Torv(environ, source).good("migrate-database", target)
    there = Database(target, NODE)
    yield source, there
    source.close()
    there.close()
    drop()


def addresses(db: Session) -> list[tuple[str, str]]:
    """(address, Accept) of all there is to see: every actor with his collections, every post as page and as object."""
    found = [(path, "text/html") for path in PAGES] + [(path, "application/json") for path in (*CALLS, *DOCUMENTS)]
    for actor in db.scalars(select(Actor).where(Actor.local.is_(True)).order_by(Actor.id)):
        uri = actor.uri.removeprefix(NODE.origin)
        found += [(uri, ACTIVITY), (uri, "text/html")]
        found += [(f"{uri}/{name}", ACTIVITY) for name in ("outbox", "followers", "outbox?page=1", "featured")]
    for post in db.scalars(select(Post).order_by(Post.id)):
        uri = post.uri.removeprefix(NODE.origin)
        found += [(uri, ACTIVITY), (uri, "text/html"), (f"/api/v1/statuses/{post.id}/context", "application/json")]
    return found


def seen(answer: httpx.Response) -> tuple[int, bytes, str]:
    """What a visitor sees of an answer; of a refusal, which has a number of its own each time, that it is one."""
    if answer.status_code != 200:
        return answer.status_code, b"", ""
    return 200, CHANCE.sub(b"", answer.content), answer.headers.get("etag", "")


async def test_the_same_bytes_are_at_every_address(
    both: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, there = both
    moment = clock.time()
    monkeypatch.setattr(clock, "time", lambda: moment)
    with source.reading() as db:
        wanted = addresses(db)
    before, after = Asking(source), Asking(there)
    good = 0
    for path, accept in wanted:
        old, new = await before.get(path, accept=accept), await after.get(path, accept=accept)
        assert seen(new) == seen(old), (path, accept)
        good += old.status_code == 200
    assert good > 0.8 * len(wanted) > 100, f"{good} of {len(wanted)} are there"


async def test_who_followed_before_gets_what_is_written_afterwards(both: tuple[Database, Database]) -> None:
    _, there = both
    worker = Worker(there)

    def work(db: Session) -> None:
        anna = local(db, "anna")
        follows.accept(db, follows.request(db, remote(db, "b.example"), anna))
        composing.note(db, anna, Draft(text="Vi er flyttet"))

    there.write(work)
    async with worker.at_work():
        await worker.until(lambda: any(b"Vi er flyttet" in one.body for one in worker.elsewhere.posts("b.example")))
    with there.reading() as db:
        assert not list(db.scalars(select(Job.kind).where(Job.kind == "publish")))
        assert not list(db.scalars(select(Delivery)))


async def test_what_others_sign_is_taken(both: tuple[Database, Database]) -> None:
    _, there = both
    fediverse = Fediverse()
    jonas = neighbour(fediverse)
    inbox = Inbox(there, fediverse)
    await inbox.knows(jonas)
    inbox.write(lambda db: follows.accept(db, follows.request(db, local(db, "anna"), actors.by_uri(db, jonas.uri))))
    assert (
        await inbox.note(jonas.sends(jonas.creates(jonas.note(1))))
        == "done: Recorded the note https://m.example/notes/1."
    )
    with there.reading() as db:
        assert db.scalars(select(Post).where(Post.uri == jonas.note(1)["id"])).one().content == "<p>Hej</p>"
