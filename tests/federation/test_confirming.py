"""An inbox that is gone: the actor is asked for before a follower is dropped."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy.orm import Session

from federation.confirming import confirm_actor
from federation.documents import Passing
from models import accounts, actors, follows, outbox
from models.actors import Actor
from models.database import Database
from tests.federation.elsewhere import Elsewhere, federation_with, remote, waiting

pytestmark = pytest.mark.anyio
URI = "https://m.example/users/jonas"
INBOX = f"{URI}/inbox"


class Node:
    """Lene, followed by Jonas of m.example, whose inbox said 410."""

    def __init__(self, database: Database) -> None:
        self.database, self.elsewhere = database, Elsewhere()
        self.fed = federation_with(database, self.elsewhere)
        self.lene, self.jonas, self.payload = database.write(self._set_up)

    def _set_up(self, db: Session) -> tuple[Actor, Actor, dict[str, Any]]:
        account = accounts.create(db, username="lene", email="lene@a.example", password="correct horse battery")
        lene, jonas = actors.get(db, account.id), remote(db, "m.example", shared=False)
        follows.request(db, jonas, lene, uri="https://m.example/follows/1")
        row = outbox.record(db, "Create", lene, public=True)
        row.body = "{}"
        return lene, jonas, {"actor": URI, "activity": row.id, "inbox": INBOX}

    def followers(self) -> int:
        return self.database.write(lambda db: follows.count_followers(db, self.lene.id))

    def serve(self, status: int, inbox: str = INBOX) -> None:
        async def answer(_request: httpx.Request) -> httpx.Response:
            body = {
                "@context": "https://www.w3.org/ns/activitystreams",
                "id": URI,
                "type": "Person",
                "preferredUsername": "jonas",
                "inbox": inbox,
                "outbox": f"{URI}/outbox",
            }
            headers = {"Content-Type": "application/activity+json"}
            return httpx.Response(status, content=json.dumps(body).encode(), headers=headers)

        self.elsewhere.answers["m.example"] = answer


@pytest.fixture
def node(database: Database) -> Node:
    return Node(database)


@pytest.mark.parametrize("status", [404, 410])
async def test_an_actor_that_is_gone_follows_nobody_any_more(node: Node, status: int) -> None:
    node.serve(status)
    await confirm_actor(node.fed, node.payload)
    assert node.followers() == 0


async def test_an_actor_that_is_there_stays_a_follower(node: Node) -> None:
    node.serve(200)
    await confirm_actor(node.fed, node.payload)
    assert node.followers() == 1
    assert node.database.write(waiting) == []


async def test_an_actor_with_a_new_inbox_gets_there_what_the_old_one_refused(node: Node) -> None:
    node.serve(200, inbox=f"{URI}/new-inbox")
    await confirm_actor(node.fed, node.payload)
    assert node.followers() == 1
    assert node.database.write(waiting) == [f"{URI}/new-inbox"]


async def test_a_server_that_does_not_answer_is_asked_again_later(node: Node) -> None:
    node.elsewhere.dead("m.example")
    with pytest.raises(Passing):
        await confirm_actor(node.fed, node.payload)
    assert node.followers() == 1
