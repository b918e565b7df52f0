"""Somebody of this node leaves: every server we know hears it once, and what he wrote is emptied step by step."""

import json

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation.erasing import erase
from federation.publishing import publish
from models import access, accounts, actors, composing, leaving, reach
from models.actors import Actor
from models.base import now
from models.database import Database
from models.jobs import Job
from models.outbox import Activity, Delivery
from models.posts import Draft, Post
from tests.federation.elsewhere import Elsewhere, federation_with, newest, remote, waiting

pytestmark = pytest.mark.anyio


def lene(db: Session) -> Actor:
    account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    return actors.get(db, account.id)


def world(db: Session) -> None:
    """Lene wrote, and nobody follows her; seven servers are known, on one of which two people have inboxes apart."""
    who = lene(db)
    for number in range(8):
        composing.note(db, who, Draft(text=f"Nr. {number}"))
    for number in range(5):
        remote(db, f"m{number}.example")
        remote(db, f"m{number}.example", "sofie")
    remote(db, "g.example", "gerda", shared=False)
    remote(db, "g.example", "gustav", shared=False)
    remote(db, "gone.example").deleted_at = now()
    remote(db, "bad.example").standing = "blocked"
    leaving.delete_local(db, who)


async def test_every_server_is_told_once_and_in_batches_of_any_size(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "BATCH", 2)
    monkeypatch.setattr(reach.everyone, "__defaults__", (2,))
    fed = federation_with(database, Elsewhere())
    database.write(world)
    activity = database.write(lambda db: newest(db, "Delete").id)
    await publish(fed, {"activity": activity})
    expected = sorted([*(f"https://m{n}.example/inbox" for n in range(5)), "https://g.example/users/gerda/inbox"])

    def told(db: Session) -> list[str]:
        return sorted(db.scalars(select(Delivery.inbox).where(Delivery.activity_id == activity)))

    assert database.write(told) == expected
    body = json.loads(database.write(lambda db: db.get_one(Activity, activity).body))
    assert (body["type"], body["actor"], body["object"]) == ("Delete", *["https://a.example/u/lene"] * 2)
    await publish(fed, {"activity": activity, "cursor": "m1.example"})
    assert database.write(told) == expected, "a job that comes again writes to nobody twice"
    assert "https://gone.example/inbox" not in database.write(waiting)


async def test_what_is_too_much_for_one_step_is_emptied_by_the_job(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "BATCH", 3)
    fed = federation_with(database, Elsewhere())
    database.write(world)

    def left(db: Session) -> tuple[int, int]:
        there = db.scalar(select(func.count()).where(Post.deleted_at.is_(None))) or 0
        seen = db.scalar(select(func.count()).where(Post.content != "", access.visible(None))) or 0
        return there, seen

    assert database.write(left) == (5, 0)
    payload = database.write(lambda db: db.scalars(select(Job.payload).where(Job.kind == "erase")).one())
    await erase(fed, payload)
    assert database.write(left) == (0, 0)
    await erase(fed, payload)
