"""From an outbox row to one delivery per inbox: who gets what, once, also if the worker dies in between."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from federation import publishing
from federation.context import Federation
from federation.crossing import writing as real_writing
from federation.working import GiveUp, Later
from models import (
    accounts,
    actors,
    communities,
    composing,
    deliveries,
    follows,
    inbox,
    jobs,
    listings,
    moderation,
    outbox,
    peers,
    posts,
    reach,
    reactions,
    removing,
    threads,
)
from models.actors import Actor
from models.base import clock
from models.database import Database
from models.jobs import Job
from models.outbox import Activity, Delivery
from models.posts import Draft, Post
from tests.federation.elsewhere import Elsewhere, federation_with, newest, remote, waiting

T = TypeVar("T")


class Node:
    """a.example with Lene and the community `spoerg`, and helpers to look at what is queued."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.fed: Federation = federation_with(database, Elsewhere())
        self.lene = self.do(lambda db: _account(db, "lene"))
        self.group = self.do(lambda db: communities.create(db, "spoerg", "Spørg", creator=self.lene))
        self.forget()

    def do(self, work: Callable[[Session], T]) -> T:
        return self.database.write(work)

    def follower(self, target: Actor, host: str, name: str = "jonas", **more: Any) -> Actor:
        def work(db: Session) -> Actor:
            actor = remote(db, host, name, **more)
            follows.request(db, actor, target, uri=f"https://{host}/follows/{name}")
            return actor

        actor = self.do(work)
        self.forget()
        return actor

    def forget(self) -> None:
        """Drop the jobs that setting up has caused."""

        def work(db: Session) -> None:
            db.execute(delete(Job))
            db.execute(delete(Delivery))

        self.do(work)

    def publish_all(self) -> None:
        """Run the waiting publish jobs in the order of their activities."""
        for payload in self.do(lambda db: sorted(_publish_payloads(db), key=lambda found: int(found["activity"]))):
            self.publish(payload)

    def publish(self, payload: dict[str, Any]) -> None:
        anyio.run(publishing.publish, self.fed, payload)
        self.do(lambda db: db.execute(delete(Job).where(Job.dedupe == outbox.publish_key(payload["activity"]))))

    def queued(self) -> list[str]:
        return self.do(waiting)

    def queued_for(self, type: str) -> list[str]:
        def work(db: Session) -> list[str]:
            query = select(Delivery.inbox).join(Activity).where(Activity.type == type)
            return sorted(db.scalars(query))

        return self.do(work)

    def note(self, **draft: Any) -> Post:
        return self.do(lambda db: composing.note(db, self.lene, Draft(**{"text": "Hej.", **draft})))

    def ask(self) -> Post:
        draft = Draft(text="Hvem har prøvet?", title="Hvem har prøvet det her?")
        return self.do(lambda db: threads.ask(db, self.lene, self.group, draft))


def _publish_payloads(db: Session) -> list[dict[str, Any]]:
    return list(db.scalars(select(Job.payload).where(Job.kind == "publish")))


def _account(db: Session, username: str) -> Actor:
    account = accounts.create(db, username=username, email=f"{username}@a.example", password="correct horse battery")
    return actors.get(db, account.id)


@pytest.fixture
def node(database: Database) -> Node:
    return Node(database)


def test_a_server_gets_one_delivery_however_many_follow_from_there(node: Node) -> None:
    for name in ("jonas", "maja", "ole"):
        node.follower(node.lene, "m.example", name)
    node.follower(node.lene, "n.example")
    node.note()
    node.publish_all()
    assert node.queued() == ["https://m.example/inbox", "https://n.example/inbox"]


def test_servers_without_a_shared_inbox_get_one_for_each_follower(node: Node) -> None:
    for name in ("jonas", "maja"):
        node.follower(node.lene, "gts.example", name, shared=False)
    node.note()
    node.publish_all()
    assert node.queued() == [f"https://gts.example/users/{name}/inbox" for name in ("jonas", "maja")]


def test_nothing_is_delivered_to_ourselves(node: Node) -> None:
    birk = node.do(lambda db: _account(db, "birk"))
    node.do(lambda db: follows.request(db, birk, node.lene))
    node.note(text="Hej @birk")
    node.publish_all()
    assert node.queued() == []


def test_a_named_actor_and_a_follower_of_the_same_server_are_one_delivery(node: Node) -> None:
    node.follower(node.lene, "m.example")
    node.do(lambda db: remote(db, "m.example", "maja"))
    node.note(text="Hej @maja@m.example")
    node.publish_all()
    assert node.queued() == ["https://m.example/inbox"]


def test_followers_only_posts_reach_the_followers_and_direct_posts_only_the_named(node: Node) -> None:
    node.follower(node.lene, "m.example")
    node.do(lambda db: remote(db, "n.example", "maja"))
    node.note(visibility="followers")
    node.publish_all()
    assert node.queued() == ["https://m.example/inbox"]
    node.forget()
    node.note(visibility="direct", text="@maja@n.example psst")
    node.publish_all()
    assert node.queued() == ["https://n.example/inbox"]


def test_node_only_posts_leave_no_activity_at_all(node: Node) -> None:
    node.follower(node.lene, "m.example")
    node.note(visibility="node")
    assert node.do(_publish_payloads) == []


def test_a_node_without_a_public_origin_promises_no_delivery(new_database: Any) -> None:
    from models.database import Node as NodeName

    database = new_database(NodeName("http://localhost:8000", "localhost:8000"))
    lene = database.write(lambda db: _account(db, "lene"))
    database.write(lambda db: composing.note(db, lene, Draft(text="Hej.")))
    assert database.write(_publish_payloads) == []
    assert database.write(lambda db: newest(db, "Create")).public


def test_a_follow_goes_to_the_own_inbox_of_whom_it_concerns(node: Node) -> None:
    jonas = node.do(lambda db: remote(db, "m.example"))
    node.do(lambda db: follows.request(db, node.lene, jonas))
    node.publish_all()
    assert node.queued() == ["https://m.example/users/jonas/inbox"]


def test_suspended_followers_and_blocked_domains_get_nothing(node: Node) -> None:
    jonas = node.follower(node.lene, "m.example")
    node.follower(node.lene, "evil.example")
    node.follower(node.lene, "sub.evil.example")
    node.follower(node.lene, "n.example")
    node.do(lambda db: moderation.set_rule(db, "evil.example", "block"))
    node.do(lambda db: actors.suspend(db, actors.get(db, jonas.id)))
    node.forget()
    node.note()
    node.publish_all()
    assert node.queued() == ["https://n.example/inbox"]


def test_an_inbox_on_a_blocked_host_gets_nothing_though_its_handle_is_elsewhere(node: Node) -> None:
    node.follower(node.lene, "m.example")
    node.do(lambda db: _move_inbox(db, "m.example", "https://evil.example/inbox"))
    node.do(lambda db: moderation.set_rule(db, "evil.example", "block"))
    node.note()
    node.publish_all()
    assert node.queued() == []


def _move_inbox(db: Session, domain: str, shared: str) -> None:
    for actor in db.scalars(select(Actor).where(Actor.domain == domain)):
        actor.shared_inbox = shared
    db.flush()


def _knows(node: Node, host: str, software: str) -> None:
    node.do(lambda db: peers.note_software(db, host, software))


def test_wraps_go_only_to_servers_that_read_them_and_the_plain_announce_to_all(node: Node) -> None:
    for host, software in (("m.example", "mastodon"), ("lemmy.example", "lemmy"), ("who.example", "")):
        node.follower(node.group, host)
        if software:
            _knows(node, host, software)
    node.ask()
    node.publish_all()
    everybody = ["https://lemmy.example/inbox", "https://m.example/inbox", "https://who.example/inbox"]
    assert node.queued_for("Announce") == sorted([*everybody, "https://lemmy.example/inbox"])


def test_an_edit_goes_to_nodebb_as_its_author_sends_it_and_to_others_wrapped(node: Node) -> None:
    for host, software in (("lemmy.example", "lemmy"), ("forum.example", "nodebb")):
        node.follower(node.group, host)
        _knows(node, host, software)
    question = node.ask()
    answer = node.do(lambda db: threads.reply(db, node.lene, posts.get(db, question.id), Draft("Ja, hos os.")))
    node.publish_all()
    node.forget()
    node.do(lambda db: composing.edit(db, node.lene, posts.get(db, answer.id), Draft("Med en rettelse.")))
    node.publish_all()
    assert node.queued_for("Announce") == ["https://lemmy.example/inbox"]
    assert node.queued_for("Update") == ["https://forum.example/inbox"]


def test_a_server_that_has_sent_a_wrap_gets_wraps(node: Node) -> None:
    node.follower(node.group, "new.example")
    node.do(lambda db: peers.seen(db, "new.example", wraps=True))
    birk = node.do(lambda db: _account(db, "birk"))
    question = node.ask()
    node.publish_all()
    node.forget()
    node.do(lambda db: threads.answer(db, birk, question, Draft(text="Ja.")))
    node.publish_all()
    assert node.queued_for("Announce") == ["https://new.example/inbox"]


def test_a_server_nobody_knows_is_asked_once_what_it_runs(node: Node) -> None:
    node.follower(node.lene, "m.example")
    node.note()
    node.note()
    node.publish_all()
    asked = node.do(lambda db: list(db.scalars(select(Job.payload).where(Job.kind == "nodeinfo"))))
    assert asked == [{"host": "m.example"}]


def test_a_batch_costs_no_more_statements_for_many_servers_than_for_one(node: Node) -> None:
    asked: list[str] = []
    event.listen(node.database.engine, "before_cursor_execute", lambda *found: asked.append(found[2]))

    def statements() -> int:
        node.note()
        asked.clear()
        node.publish_all()
        return len(asked)

    node.follower(node.lene, "h0.example")
    node.note()
    node.publish_all()  # the first loads what stays
    one = statements()
    for number in range(1, 30):
        node.follower(node.lene, f"h{number}.example")
    assert statements() == one
    assert len(node.queued()) == 30
    assert node.do(lambda db: len(db.scalars(select(Job.id).where(Job.kind == "nodeinfo")).all())) == 30


def test_an_edit_also_reaches_those_who_only_follow_the_community_that_announced_it(node: Node) -> None:
    node.follower(node.group, "m.example")
    _knows(node, "m.example", "mastodon")
    question = node.ask()
    node.publish_all()
    node.forget()
    draft = Draft(text="Rettet.", title="Hvem har prøvet det her?")
    clock.offset += 5
    node.do(lambda db: composing.edit(db, node.lene, question, draft))
    node.publish_all()
    assert node.queued_for("Update") == ["https://m.example/inbox"]
    node.forget()
    node.do(lambda db: removing.delete_post(db, node.lene, posts.get(db, question.id)))
    node.publish_all()
    assert node.queued_for("Delete") == ["https://m.example/inbox"]


def test_a_deleted_account_is_told_to_the_followers_it_had(node: Node) -> None:
    from models import leaving

    node.follower(node.lene, "m.example")
    node.do(lambda db: leaving.delete_local(db, actors.get(db, node.lene.id)))
    node.publish_all()
    assert "https://m.example/inbox" in node.queued_for("Delete")
    urgent = node.do(lambda db: list(db.scalars(select(Delivery.urgent))))
    assert all(urgent)


def test_a_create_of_what_was_deleted_meanwhile_is_not_sent(node: Node) -> None:
    node.follower(node.lene, "m.example")
    note = node.note()
    node.do(lambda db: removing.delete_post(db, node.lene, posts.get(db, note.id)))
    node.publish_all()
    assert node.queued_for("Create") == []
    assert node.queued_for("Delete") == ["https://m.example/inbox"]


def test_a_later_activity_about_a_post_waits_until_the_earlier_is_handed_out(node: Node) -> None:
    node.follower(node.lene, "m.example")
    note = node.note()
    clock.offset += 5
    node.do(lambda db: composing.edit(db, node.lene, note, Draft(text="Rettet.")))
    update = node.do(lambda db: newest(db, "Update").id)
    with pytest.raises(Later):
        anyio.run(publishing.publish, node.fed, {"activity": update})
    node.publish_all()
    assert node.queued_for("Update") == ["https://m.example/inbox"]


def test_an_undo_waits_for_the_follow_it_undoes(node: Node) -> None:
    jonas = node.do(lambda db: remote(db, "m.example"))
    node.do(lambda db: follows.request(db, node.lene, jonas))
    node.do(lambda db: follows.undo(db, node.lene, jonas))
    undo = node.do(lambda db: newest(db, "Undo"))
    with pytest.raises(Later):
        anyio.run(publishing.publish, node.fed, {"activity": undo.id})
    keys = node.do(lambda db: {deliveries.order_key(db, newest(db, type)) for type in ("Follow", "Undo")})
    assert len(keys) == 1


def test_a_job_for_an_activity_that_is_not_there_is_given_up(node: Node) -> None:
    with pytest.raises(GiveUp):
        anyio.run(publishing.publish, node.fed, {"activity": 1})


def test_the_body_is_rendered_once_and_stays_byte_for_byte(node: Node) -> None:
    node.follower(node.lene, "m.example")
    note = node.note(text="Første.")
    node.publish_all()
    before = node.do(lambda db: newest(db, "Create").body)
    node.do(lambda db: composing.edit(db, node.lene, note, Draft(text="Anden.")))
    node.publish({"activity": node.do(lambda db: newest(db, "Create").id)})
    assert node.do(lambda db: newest(db, "Create").body) == before
    assert "Første." in json.loads(before)["object"]["content"]


def test_a_worker_that_dies_between_batches_leaves_nobody_out_and_writes_to_nobody_twice(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "BATCH", 3)
    monkeypatch.setattr(reach.follower_inboxes, "__defaults__", (3,))
    for number in range(10):
        node.follower(node.lene, f"h{number}.example")
    node.note()
    written = 0

    async def dies(database: Database, work: Callable[[Session], Any]) -> Any:
        nonlocal written
        written += 1
        if written == 4:  # rendering, then two batches
            raise KeyboardInterrupt
        return await real_writing(database, work)

    monkeypatch.setattr(publishing, "writing", dies)
    payload = node.do(_publish_payloads)[0]
    with pytest.raises(KeyboardInterrupt):
        anyio.run(publishing.publish, node.fed, payload)
    monkeypatch.setattr(publishing, "writing", real_writing)
    sent_already = node.queued()
    assert len(sent_already) == 6
    node.do(lambda db: db.execute(delete(Delivery)))  # delivered meanwhile
    node.publish(node.do(_publish_payloads)[0])
    assert sorted([*sent_already, *node.queued()]) == sorted(f"https://h{n}.example/inbox" for n in range(10))


def test_votes_go_to_the_author_and_the_home_community(node: Node) -> None:
    def elsewhere(db: Session) -> Post:
        author, group = remote(db, "b.example", "christina"), remote(db, "c.example", "spoerg", type="Group")
        question = threads.ask(db, node.lene, group, Draft(text="Hvem?", title="Hvem har prøvet?"))
        question.author_id = author.id
        db.flush()
        return question

    question = node.do(elsewhere)
    node.forget()
    birk = node.do(lambda db: _account(db, "birk"))
    node.do(lambda db: reactions.vote(db, birk, question))
    node.publish_all()
    assert node.queued_for("Like") == ["https://b.example/inbox", "https://c.example/inbox"]


def test_a_choice_is_told_to_the_home_and_to_servers_that_know_such_things(node: Node) -> None:
    """GoToSocial answers 500 to a type it does not know, and all that follows about the question would wait for it."""

    def elsewhere(db: Session) -> tuple[Post, Post]:
        group = remote(db, "home.example", "spoerg", type="Group")
        question = threads.ask(db, node.lene, group, Draft(text="Hvem?", title="Hvem har prøvet?"))
        answer = threads.answer(db, _account(db, "birk"), question, Draft(text="Jeg."))
        answer.author_id = remote(db, "gts.example", "greta").id
        db.flush()
        return question, answer

    question, answer = node.do(elsewhere)
    _knows(node, "gts.example", "gotosocial")
    node.publish_all()
    node.forget()
    node.do(lambda db: threads.accept(db, actors.get(db, node.lene.id), posts.get(db, question.id), answer))
    node.publish_all()
    assert node.queued_for("ChooseAnswer") == ["https://home.example/inbox"]
    node.forget()
    node.do(lambda db: threads.withdraw(db, actors.get(db, node.lene.id), posts.get(db, question.id)))
    node.publish_all()
    assert node.queued_for("Undo") == ["https://home.example/inbox"]
    assert "https://home.example/inbox" in node.queued_for("Update")


def test_the_inbox_row_of_an_undone_act_is_freed(node: Node) -> None:
    def store(db: Session) -> bool:
        return inbox.store(
            db,
            sender_key="https://b.example/likes/1",
            body="{}",
            body_sha256="x",
            type="Like",
            key_owner="https://b.example/u/1",
            proof="signed",
            host="b.example",
        )

    assert node.do(store)
    assert not node.do(store)
    node.do(lambda db: inbox.finish(db, inbox.claim(db, 1, 60)[0].id, "done"))
    node.do(lambda db: inbox.forget(db, "https://b.example/likes/1"))
    assert node.do(store)


def test_jobs_with_the_same_name_are_one(node: Node) -> None:
    assert node.do(lambda db: jobs.enqueue(db, "nodeinfo", {"host": "x.example"}, dedupe="nodeinfo:x.example"))
    assert not node.do(lambda db: jobs.enqueue(db, "nodeinfo", {"host": "x.example"}, dedupe="nodeinfo:x.example"))


def test_what_a_deleted_post_said_does_not_live_on_in_what_the_community_wrapped(node: Node) -> None:
    inner = {
        "id": "https://b.example/activities/1",
        "type": "Create",
        "actor": "https://b.example/users/christina",
        "object": {"id": "https://b.example/p/1", "type": "Note", "content": "<p>Mit navn er Christina.</p>"},
    }
    question = node.ask()

    def wrap_and_delete(db: Session) -> None:
        listings.pass_on(db, posts.get(db, question.id), inner)
        removing.delete_post(db, node.lene, posts.get(db, question.id))

    node.do(wrap_and_delete)
    node.forget()
    assert node.do(reach.forget_deleted) == 0  # still being delivered, perhaps
    clock.offset += 9 * 86400
    assert node.do(reach.forget_deleted) == 1
    assert node.do(reach.forget_deleted) == 0
    kept = node.do(lambda db: [row.data for row in db.scalars(select(Activity).where(Activity.type == "Announce"))])
    assert "Christina." not in json.dumps(kept)
    assert any(data.get("embed", {}).get("id") == inner["id"] for data in kept)
