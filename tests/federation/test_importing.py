"""A list brought along is taken in one address after the other, and goes on where it was."""

import json

import pytest
from sqlalchemy.orm import Session

from federation import importing
from federation.importing import take_in
from federation.working import Later
from models import accounts, actors, bookmarks, follows, imports
from models.database import Database
from models.imports import Import
from tests.federation.neighbours import Fediverse, Inbox, Said, neighbour, said

pytestmark = pytest.mark.anyio


def begin(db: Session, *addresses: str) -> int:
    account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
    rows = imports.read("follows", "\n".join(addresses).encode())
    return imports.start(db, account.id, "follows", rows).id


def jrd(name: str, host: str) -> Said:
    links = [{"rel": "self", "type": "application/activity+json", "href": f"https://{host}/users/{name}"}]
    body = {"subject": f"acct:{name}@{host}", "links": links}
    return said(200, json.dumps(body).encode(), content_type="application/jrd+json")


@pytest.fixture
def inbox(database: Database) -> Inbox:
    fediverse = Fediverse()
    neighbour(fediverse, "jonas", "m.example")
    fediverse.documents["https://m.example/.well-known/webfinger?resource=acct:jonas@m.example"] = jrd(
        "jonas", "m.example"
    )
    return Inbox(database, fediverse)


def row(inbox: Inbox, number: int) -> Import:
    found = inbox.read(lambda db: db.get(Import, number))
    assert isinstance(found, Import)
    return found


async def test_addresses_are_looked_up_and_followed_and_faults_have_reasons(inbox: Inbox) -> None:
    inbox.fediverse.documents["https://down.example/.well-known/webfinger?resource=acct:x@down.example"] = 503
    number = inbox.write(
        lambda db: begin(db, "jonas@m.example", "x@down.example", "y@nowhere.example", "no address", "lene@a.example")
    )
    await take_in(inbox.fed, {"import": number})
    done = row(inbox, number)
    assert (done.done, done.failed, done.finished_at is not None) == (5, 4, True)
    assert [why for _, why in done.errors] == ["silent", "unknown", "address", "You cannot follow yourself."]

    def asked(db: Session) -> str | None:
        lene, jonas = actors.by_handle(db, "lene"), actors.find(db, "jonas@m.example")
        assert lene is not None
        assert jonas is not None
        return follows.state(db, lene.id, jonas.id)

    assert inbox.read(asked) == "pending"


async def test_a_long_list_lets_others_have_a_turn_and_goes_on_where_it_was(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = inbox.write(lambda db: begin(db, "jonas@m.example", "a@nowhere.example", "b@nowhere.example"))
    monkeypatch.setattr(importing, "SECONDS", -1.0)
    with pytest.raises(Later):
        await take_in(inbox.fed, {"import": number})
    assert row(inbox, number).done == 0
    monkeypatch.setattr(importing, "SECONDS", 90.0)
    inbox.write(lambda db: imports.take(db, number, 0, None, "unknown"))
    await take_in(inbox.fed, {"import": number})
    assert (row(inbox, number).done, row(inbox, number).failed) == (3, 3)
    assert inbox.fediverse.asked.count("https://m.example/users/jonas") == 0
    await take_in(inbox.fed, {"import": number})
    assert row(inbox, number).failed == 3


async def test_a_list_of_somebody_who_left_meanwhile_is_nothing(inbox: Inbox) -> None:
    await take_in(inbox.fed, {"import": 17})
    assert inbox.fediverse.asked == []


async def test_bookmarks_are_read_from_their_servers(inbox: Inbox) -> None:
    jonas = neighbour(inbox.fediverse, "jonas", "m.example")
    post = inbox.fediverse.put(jonas.note("kept", "<p>Værd at huske</p>"))
    inbox.fediverse.documents["https://down.example/p/1"] = 503

    def start(db: Session) -> tuple[int, int]:
        account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
        rows = imports.read(
            "bookmarks", f"{post['id']}\nhttps://down.example/p/1\nhttps://m.example/p/404\nx\n".encode()
        )
        return account.id, imports.start(db, account.id, "bookmarks", rows).id

    account_id, number = inbox.write(start)
    await take_in(inbox.fed, {"import": number})
    assert [why for _, why in row(inbox, number).errors] == ["silent", "post", "address"]

    def kept(db: Session) -> list[str]:
        return [one.uri for _, one in bookmarks.page(db, actors.get(db, account_id))]

    assert inbox.read(kept) == [post["id"]]
