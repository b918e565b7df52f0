"""The main job with a real NodeBB as neighbour: its people follow, read, answer, vote; and the other way round.

Nora and Niels live at the NodeBB. Nora follows Anna and her community Torvet; Carl follows the category `spørg` there.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import actors, attendance, follows, planning, proposing, queues
from models.actors import Actor
from models.base import now
from models.inbox import Received
from models.meetings import Plan, State
from models.moderation import Report
from models.posts import Post
from tests.fediverse.ground import Ground
from tests.fediverse.nodebb import Neighbour, NodeBB, require_nodebb
from tests.fediverse.nodes import RealNode
from tests.fediverse.processes import until
from tests.fediverse.towns import Towns, beside, known, listed, local, remote

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@dataclass
class Neighbours:
    """Both towns, and the NodeBB next door with its category."""

    towns: Towns
    server: NodeBB
    nora: Neighbour
    niels: Neighbour
    category: int = 0

    def uri(self, number: int) -> str:
        """The id of a post of A."""
        return f"{self.towns.a.origin}/p/{number}"

    def wait(self, what: str, found: Callable[[], Any]) -> Any:
        """Wait for something at the NodeBB."""
        return until(what, found, seconds=30, tell=lambda: f"{self.server.log()}\n{self.towns.a.state()}")

    def topic(self, number: int) -> Any:
        """The topic that a post of A is in, once it is there."""
        return self.wait(f"{number} is there", lambda: self.nora.topic_of(self.uri(number)))

    def here(self, uri: str, node: RealNode | None = None) -> Post:
        """A post of the NodeBB, once it is on A."""
        return (node or self.towns.a).until(f"{uri} is here", lambda db: known(db, uri), seconds=30)

    def post(self, uri: str, holds: Callable[[Post], Any]) -> None:
        """Wait until a post on A is so."""
        self.towns.a.until(uri, lambda db: (post := known(db, uri)) is not None and holds(post), seconds=30)


def texts(topic: Any) -> list[str]:
    """What stands in a topic."""
    return [post["content"] for post in topic["posts"]]


@pytest.fixture(scope="module")
def street(ground: Ground) -> Iterator[Neighbours]:
    require_nodebb(ground)
    with beside(ground, "nodebb") as (towns, name):
        server = NodeBB(ground, name)
        try:
            towns.start()
            server.start()
            made = Neighbours(towns, server, server.account("nora"), server.account("niels"))
            made.category = server.category("Spørg")
            _get_to_know(made)
            yield made
        finally:
            server.close()


def in_another_second() -> None:
    """Our dates are whole seconds, as Mastodon's: what is written in the same second, NodeBB takes for the earlier."""
    time.sleep(1)


def _get_to_know(street: Neighbours) -> None:
    a, carl = street.towns.a, street.towns.carl
    street.nora.page(f"/category/torvet@{a.host}")  # looked up as by somebody who opens its page
    street.nora.page(f"/user/anna@{a.host}")
    street.nora.follow(f"{a.origin}/c/torvet")
    street.nora.follow(f"anna@{a.host}")
    carl.do("/follow", uri=f"@spørg@{street.server.name}")
    there = f"{street.server.origin}/category/{street.category}"

    def ids(db: Session) -> tuple[int, ...]:
        category = db.scalars(select(Actor.id).where(Actor.uri == there)).one()
        return local(db, "carl").id, category, local(db, "torvet").id, local(db, "anna").id

    me, category, torvet, anna = a.read(ids)
    carl.do(f"/actors/{category}/follow")
    a.until("the category's Accept", lambda db: follows.state(db, me, category) == "accepted", seconds=30)
    for one in (torvet, anna):
        a.until("her Follow", lambda db, one=one: _nora_follows(street, db, one), seconds=30)  # type: ignore[misc]


def _nora_follows(street: Neighbours, db: Session, whom: int) -> bool:
    nora = remote(db, "nora", street.server.name)
    return nora is not None and follows.state(db, nora.id, whom) == "accepted"


def test_a_question_is_a_topic_there_and_answered_voted_on_edited_and_settled(street: Neighbours) -> None:
    a, anna, nora = street.towns.a, street.towns.anna, street.nora
    number = anna.ask(street.towns.torvet, "Hvem har plantet træer?", "Vi vil **plante** dem selv.")
    topic = street.topic(number)
    assert (topic["title"], topic["category"]["name"]) == ("Hvem har plantet træer?", "Torvet")
    assert "<strong>plante</strong>" in texts(topic)[0]
    answer = nora.reply(topic["tid"], "Vi plantede **lind** i 2019.")
    post = street.here(answer)
    assert (post.kind, post.in_reply_to_id) == ("answer", number)
    in_another_second()
    comment = anna.reply(post.id, "Hvor mange blev det til?")
    street.wait("the comment", lambda: "Hvor mange blev det til?" in str(texts(nora.topic(topic["tid"]))))
    nora.vote(street.uri(number))
    street.post(street.uri(number), lambda post: post.up == 1)
    nora.vote(street.uri(number), 0)
    street.post(street.uri(number), lambda post: post.up == 0)
    anna.do(f"/posts/{post.id}/vote", value="1")
    street.wait("the vote", lambda: nora.topic(topic["tid"])["posts"][1]["votes"] == 1)
    anna.do(f"/posts/{number}/edit", title="Hvem har plantet linde?", text="Vi vil plante *nu*.", language="da")
    street.wait("the new title", lambda: nora.topic(topic["tid"])["title"] == "Hvem har plantet linde?")
    anna.do(f"/posts/{post.id}/accept")
    anna.do(f"/posts/{number}/edit", title="Hvem har plantet linde?", text="Vi vil plante *snart*.", language="da")
    street.wait("the edit", lambda: "<em>snart</em>" in texts(nora.topic(topic["tid"]))[0])
    assert "Accepteret svar" in texts(nora.topic(topic["tid"]))[0]
    nora.call("PUT", f"/posts/{answer.rsplit('/', 1)[1]}", content="Vi plantede lind i 2020.")
    street.post(answer, lambda post: "2020" in post.content)
    anna.do(f"/posts/{comment}/delete")
    street.wait("the deletion", lambda: nora.topic(topic["tid"])["posts"][2]["deleted"] == 1)
    nora.call("DELETE", f"/posts/{answer.rsplit('/', 1)[1]}/state")
    a.until("her deletion", lambda db: known(db, answer) is None, seconds=30)


def test_an_answer_that_is_edited_at_once_is_edited_there(street: Neighbours) -> None:
    carl, nora = street.towns.carl, street.nora
    number = street.towns.anna.ask(street.towns.torvet, "Hvem ved noget om hegn?")
    answer = carl.reply(number, "Spørg skovfogeden.")
    topic = street.topic(answer)
    carl.do(f"/posts/{answer}/edit", text="Spørg skovfogeden i dag.", language="da")
    street.wait("the edit", lambda: "i dag" in texts(nora.topic(topic["tid"]))[1])


def test_a_topic_of_a_category_and_its_replies_are_a_question_here_and_answers_go_back(street: Neighbours) -> None:
    carl, nora, niels = street.towns.carl, street.nora, street.niels
    topic, first = nora.begin(street.category, "Hvornår går bussen?", "Den **sidste**.")
    post = street.here(first)
    assert (post.kind, post.title) == ("question", "Hvornår går bussen?")
    second = niels.reply(topic, "Klokken otte, tror jeg.")
    assert street.here(second).kind == "answer"
    in_another_second()
    answer = carl.reply(post.id, "Den går klokken ni.")
    street.wait("the answer", lambda: "klokken ni" in texts(nora.topic(topic))[-1])
    below = nora.reply(topic, "Tak, det er godt at vide!", toPid=street.uri(answer))
    assert street.here(below).in_reply_to_id == answer
    street.server.admin.call("DELETE", f"/posts/{second.rsplit('/', 1)[1]}/state")  # as its moderators do
    a = street.towns.a
    # Its server shows the post for up to a minute; then it is asked again, which no test waits for.
    a.until("the deletion is heard of", lambda db: _noted(db, "asked again") or known(db, second) is None, seconds=30)


def _noted(db: Session, words: str) -> bool:
    return any(words in row.note for row in db.scalars(select(Received).where(Received.type == "Announce")))


def test_a_question_from_here_stands_in_their_category_and_a_topic_of_theirs_in_our_community(
    street: Neighbours,
) -> None:
    a, carl, nora = street.towns.a, street.towns.carl, street.nora
    there = f"{street.server.origin}/category/{street.category}"
    number = carl.ask(a.read(lambda db: db.scalars(select(Actor.id).where(Actor.uri == there)).one()), "Hvem låner ud?")
    assert street.topic(number)["cid"] == street.category
    topic, first = nora.begin(f"{a.origin}/c/torvet", "Må man plukke æbler?", "Der ligger mange.")
    a.until("Torvet lists it", lambda db: listed(db, "torvet", first), seconds=30)
    question = street.here(first)
    in_another_second()
    carl.reply(question.id, "Ja, det må man.")
    street.wait("the answer", lambda: "det må man" in texts(nora.topic(topic))[-1])


def test_an_old_topic_is_found_by_the_address_of_its_page_with_all_its_replies(street: Neighbours) -> None:
    b, erik, nora = street.towns.b, street.towns.erik, street.nora
    topic, _ = nora.begin(street.server.category("Arkiv"), "Hvem tømmer skraldespande?", "Om søndagen.")
    replies = [street.niels.reply(topic, "Det gør vagten, tror jeg."), nora.reply(topic, "Nej, det gør ingen.")]
    where = erik.do("/follow", uri=f"{street.server.origin}/topic/{nora.topic(topic)['slug']}")
    for reply in replies:
        assert street.here(reply, b).kind == "answer"
    assert "Hvem tømmer skraldespande?" in erik.page(where)


def test_a_meeting_is_a_topic_with_its_title_and_a_reply_signs_up(street: Neighbours) -> None:
    a = street.towns.a
    starts = (now() + timedelta(days=30)).replace(tzinfo=None, minute=0, second=0, microsecond=0)
    plan = Plan("Fyraftensmøde", "Tre oplæg.", "", starts, None, place="Rådhuset", by_like=True)

    def hold(db: Session) -> int:
        around = planning.Around(community=local(db, "torvet"))
        return planning.publish(db, local(db, "anna"), plan, around).id

    number = a.database.write(hold)
    node = a.read(lambda db: actors.node_actor(db).id)
    companion = a.until("the companion", lambda db: db.scalars(select(Post).where(Post.author_id == node)).first())
    topic = street.topic(companion.id)
    assert topic["title"] == "Fyraftensmøde"
    assert f"/p/{number}" in texts(topic)[0]
    street.nora.reply(topic["tid"], "Det lyder godt! #deltager")

    def coming(db: Session) -> list[str]:
        return [one.username for _, one in attendance.attendees(db, db.get_one(Post, number), State.GOING)]

    a.until("her place", lambda db: coming(db) == ["nora"], seconds=30)


def test_a_dogma_says_there_how_it_is_endorsed_and_a_vote_endorses_it(street: Neighbours) -> None:
    a = street.towns.a
    principle = proposing.Principle("Vi deler også det, der gik galt", "Altid.")
    number = a.database.write(lambda db: proposing.propose(db, local(db, "anna"), principle, local(db, "torvet")).id)
    topic = street.topic(number)
    assert topic["title"] == "Forslag til dogme: Vi deler også det, der gik galt"
    assert "Tilslut dig ved at synes godt om dette opslag" in texts(topic)[0]
    street.nora.vote(street.uri(number))
    street.post(street.uri(number), lambda post: post.up == 1)


def test_reports_to_moderators_go_both_ways(street: Neighbours) -> None:
    a, nora = street.towns.a, street.nora
    number = street.towns.anna.ask(street.towns.torvet, "Hvem vil have en gratis telefon?")
    street.topic(number)
    nora.call("POST", "/flags", type="post", id=street.uri(number), reason="Reklame", notifyRemote=True)
    a.until("her report", lambda db: db.scalars(select(Report).where(Report.comment == "Reklame")).first(), seconds=30)
    theirs = nora.begin(street.category, "Køb ure her, de er billige", "Kun i dag, kun her.")[1]
    street.towns.carl.do(f"/posts/{street.here(theirs).id}/report", comment="Også reklame", forward="1")
    street.wait("the report there", lambda: (street.server.admin.page("/flags") or {}).get("flags"))


def test_who_unfollows_is_no_follower_any_more(street: Neighbours) -> None:
    a = street.towns.a
    street.nora.call("DELETE", f"/users/anna@{a.host}/follow")
    anna = a.read(lambda db: local(db, "anna").id)
    a.until("the Undo", lambda db: not _nora_follows(street, db, anna), seconds=30)


def test_nothing_was_given_up_on_the_way(street: Neighbours) -> None:
    for node in (street.towns.a, street.towns.b):
        assert [queue.dead for queue in node.read(queues.overview)] == [0, 0, 0], node.state()
