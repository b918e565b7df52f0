"""Two Torv nodes over TLS, their communities twinned: what happens on one is seen on the other, once."""

from collections import Counter

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import follows, polls
from models.actors import Actor
from models.base import now
from models.listings import Listing
from models.notifications import Notification
from models.outbox import Activity
from models.posts import Post, by_uri
from models.reactions import Boost, Vote
from tests.fediverse.nodes import RealNode, settle
from tests.fediverse.towns import Towns, known, local, remote
from tests.fediverse.visitor import browser

pytestmark = pytest.mark.slow


def uri(node: RealNode, number: int) -> str:
    return f"{node.origin}/p/{number}"


def notices(db: Session, who: str, kind: str, post_id: int | None = None) -> int:
    query = select(func.count()).select_from(Notification).join(Actor, Actor.id == Notification.account_id)
    query = query.where(Actor.username == who, Actor.local.is_(True), Notification.kind == kind)
    return db.scalar(query if post_id is None else query.where(Notification.post_id == post_id)) or 0


def announces(db: Session, post_uri: str) -> list[Activity]:
    """The Announces with which communities of this node told of a post by its id."""
    query = select(Activity).where(Activity.type == "Announce", Activity.object_uri == post_uri)
    return [row for row in db.scalars(query) if not row.data]


def test_a_question_asked_in_one_community_stands_in_its_twin_with_its_home(towns: Towns) -> None:
    number = towns.anna.ask(towns.torvet, "Hvem har fået lov til at male rundkørslen?", "Vores er **grå**.")
    seen = towns.question_on_b(number)
    assert (seen.title, seen.kind, seen.source) == (
        "Hvem har fået lov til at male rundkørslen?", "question", "Vores er **grå**.",
    )  # fmt: skip
    listing = towns.b.read(
        lambda db: db.scalar(select(Listing).where(Listing.post_id == seen.id, Listing.through_id.is_not(None)))
    )
    assert listing is not None
    home = towns.b.read(lambda db: db.get(Actor, listing.through_id))
    assert home is not None
    assert home.uri == f"{towns.a.origin}/c/torvet"
    page = towns.bodil.page("/c/pladsen")
    assert "male rundkørslen" in page
    assert towns.a.host in page


def test_an_answer_from_the_twin_reaches_the_asker_and_comes_back_accepted(towns: Towns) -> None:
    number = towns.anna.ask(towns.torvet, "Hvordan får vi bænke på stationen?", "DSB siger nej.")
    question = towns.question_on_b(number)
    answered = towns.bodil.reply(question.id, "Spørg Banedanmark i stedet; de ejer perronen.")
    answer = towns.a.until("the answer", lambda db: known(db, uri(towns.b, answered)))
    assert (answer.kind, answer.unreviewed, answer.in_reply_to_id) == ("answer", False, number)
    assert "Banedanmark" in towns.anna.page(f"/p/{number}")

    towns.anna.do(f"/posts/{answer.id}/accept")
    towns.b.until("the accepted answer", lambda db: db.get(Post, question.id).accepted_id == answered)  # type: ignore[union-attr]
    settle(towns.a, towns.b)
    assert towns.a.read(lambda db: notices(db, "anna", "answer", answer.id)) == 1
    assert towns.b.read(lambda db: notices(db, "bodil", "accepted", answered)) == 1

    towns.anna.do(f"/posts/{answer.id}/withdraw")
    towns.b.until("nothing accepted", lambda db: db.get(Post, question.id).accepted_id is None)  # type: ignore[union-attr]
    settle(towns.a, towns.b)
    assert towns.b.read(lambda db: notices(db, "bodil", "accepted", answered)) == 0


def test_a_vote_from_the_twin_counts_at_home_and_can_be_taken_back(towns: Towns) -> None:
    number = towns.anna.ask(towns.torvet, "Må fodboldbanen slås af borgerne selv?")
    question = towns.question_on_b(number)
    towns.bodil.do(f"/posts/{question.id}/vote", value=1)
    towns.erik.do(f"/posts/{question.id}/vote", value=1)
    towns.a.until("two votes", lambda db: db.get(Post, number).up == 2)  # type: ignore[union-attr]
    towns.bodil.do(f"/posts/{question.id}/vote", value=0)
    towns.a.until("one vote", lambda db: db.get(Post, number).up == 1)  # type: ignore[union-attr]
    towns.carl.do(f"/posts/{number}/vote", value=1)
    towns.b.until("a vote at home counts at the twin", lambda db: db.get(Post, question.id).up == 2)  # type: ignore[union-attr]
    settle(towns.a, towns.b)
    for node, post_id in ((towns.a, number), (towns.b, question.id)):
        assert node.read(lambda db, p=post_id: db.scalar(select(func.count()).where(Vote.post_id == p))) == 2  # type: ignore[misc]


def test_edits_travel_both_ways(towns: Towns) -> None:
    number = towns.anna.ask(towns.torvet, "Hvad kostr en cykelpumpe?", "Opstillet.")
    question = towns.question_on_b(number)
    towns.anna.do(
        f"/posts/{number}/edit", title="Hvad koster en cykelpumpe?", text="Opstillet og passet.", language="da"
    )
    towns.b.until("the edit", lambda db: db.get(Post, question.id).title == "Hvad koster en cykelpumpe?")  # type: ignore[union-attr]
    answered = towns.bodil.reply(question.id, "4.000 kr.")
    towns.a.until("the answer", lambda db: known(db, uri(towns.b, answered)))
    towns.bodil.do(f"/posts/{answered}/edit", text="4.200 kr. med moms.", language="da")
    towns.a.until("its edit", lambda db: "4.200" in by_uri(db, uri(towns.b, answered)).content)  # type: ignore[union-attr]
    answer = towns.a.read(lambda db: by_uri(db, uri(towns.b, answered)))
    assert answer is not None
    assert f'/posts/{answer.id}/history"' in towns.carl.page(f"/p/{number}")
    assert "4.000 kr." in towns.carl.page(f"/posts/{answer.id}/history")


def test_what_is_deleted_at_home_is_gone_on_both_and_answers_410(towns: Towns) -> None:
    number = towns.anna.ask(towns.torvet, "Kan det her slettes igen?")
    question = towns.question_on_b(number)
    answered = towns.bodil.reply(question.id, "Lad os se.")
    towns.a.until("the answer", lambda db: known(db, uri(towns.b, answered)))
    towns.bodil.do(f"/posts/{answered}/delete")
    towns.a.until("the answer is gone", lambda db: by_uri(db, uri(towns.b, answered)).deleted_at)  # type: ignore[union-attr]
    towns.anna.do(f"/posts/{number}/delete")
    towns.b.until("the question is gone", lambda db: db.get(Post, question.id).deleted_at)  # type: ignore[union-attr]
    for node, post in ((towns.a, number), (towns.b, answered)):
        with browser(towns.a.ground, node.origin) as http:
            answer = http.get(f"/p/{post}", headers={"Accept": "application/activity+json"})
        assert answer.status_code == 410
        assert answer.json()["type"] == "Tombstone"
    assert "slettes igen" not in towns.bodil.page("/c/pladsen")
    assert towns.b.read(lambda db: db.get(Post, question.id).content) == ""  # type: ignore[union-attr]


def test_a_direct_message_reaches_only_whom_it_names(towns: Towns) -> None:
    sent = towns.bodil.post(f"@anna@{towns.a.host} Skal vi tage en kop kaffe om rundkørslen?", "direct")
    message = towns.a.until("the message", lambda db: known(db, uri(towns.b, sent)))
    assert message.visibility == "direct"
    settle(towns.a, towns.b)
    assert towns.a.read(lambda db: notices(db, "anna", "mention", message.id)) == 1
    assert "kop kaffe" in towns.anna.page(f"/p/{message.id}")
    assert towns.carl.http.get(f"/p/{message.id}", headers={"Accept": "text/html"}).status_code == 404
    with browser(towns.b.ground, towns.b.origin) as http:
        assert http.get(f"/p/{sent}", headers={"Accept": "application/activity+json"}).status_code == 404
    reply = towns.anna.reply(message.id, "Gerne. Torsdag?", "direct")
    towns.b.until("the reply", lambda db: known(db, uri(towns.a, reply)))


def test_who_is_locked_is_asked_first_and_then_heard(towns: Towns) -> None:
    lise = towns.visitor("lise")
    towns.carl.do("/follow", uri=f"@lise@{towns.b.host}")
    there = towns.a.until("Lise is known", lambda db: remote(db, "lise", towns.b.host))
    towns.carl.do(f"/actors/{there.id}/follow")
    waiting = towns.b.until("Carl waits", lambda db: follows.pending_for(db, local(db, "lise").id))
    assert towns.a.read(lambda db: follows.state(db, local(db, "carl").id, there.id)) == "pending"
    unheard = lise.post("Kun til jer, der følger mig: før.", "followers")
    settle(towns.a, towns.b)
    lise.do(f"/requests/{waiting[0][0].id}", verdict="accept")
    towns.a.until("Carl follows", lambda db: follows.state(db, local(db, "carl").id, there.id) == "accepted")
    heard = lise.post("Kun til jer, der følger mig: efter.", "followers")
    towns.a.until("the post for followers", lambda db: known(db, uri(towns.b, heard)))
    assert towns.a.read(lambda db: known(db, uri(towns.b, unheard))) is None
    assert "efter." in towns.carl.page("/")
    assert "efter." not in towns.anna.page("/")


def test_nothing_is_announced_twice_recorded_twice_or_sent_in_circles(towns: Towns) -> None:
    number = towns.carl.ask(towns.torvet, "Hvorfor kører dette ikke i ring?", f"Hej @bodil@{towns.b.host}")
    question = towns.question_on_b(number)
    first = towns.bodil.reply(question.id, "Fordi kun hjemmet råber.")
    answer = towns.a.until("the answer", lambda db: known(db, uri(towns.b, first)))
    comment = towns.carl.reply(answer.id, "Og hvem er hjemmet?")
    towns.b.until("the comment", lambda db: known(db, uri(towns.a, comment)))
    towns.carl.do(f"/posts/{answer.id}/accept")
    towns.b.until("accepted", lambda db: db.get(Post, question.id).accepted_id == first)  # type: ignore[union-attr]
    settle(towns.a, towns.b)

    assert len(towns.a.read(lambda db: announces(db, uri(towns.a, number)))) == 1
    assert len(towns.a.read(lambda db: announces(db, uri(towns.b, first)))) == 1
    assert towns.b.read(lambda db: announces(db, uri(towns.a, number)) + announces(db, uri(towns.b, first))) == []
    wraps = towns.b.read(lambda db: list(db.scalars(select(Activity).where(Activity.type == "Announce"))))
    assert all(row.post_id not in {question.id, first} for row in wraps)

    everything = [uri(towns.a, number), uri(towns.b, first), uri(towns.a, comment)]
    for node in (towns.a, towns.b):
        rows = node.read(lambda db: Counter(db.scalars(select(Post.uri).where(Post.uri.in_(everything)))))
        assert rows == dict.fromkeys(everything, 1)
        assert node.read(lambda db: db.scalar(select(func.count()).select_from(Boost))) == 0
    listings = towns.b.read(lambda db: list(db.scalars(select(Listing).where(Listing.post_id == question.id))))
    assert len({row.community_id for row in listings}) == len(listings) == 2
    assert towns.b.read(lambda db: notices(db, "bodil", "mention", question.id)) == 1
    assert towns.b.read(lambda db: notices(db, "bodil", "accepted", first)) == 1
    said = towns.b.read(lambda db: known(db, uri(towns.a, comment)))
    assert said is not None
    assert towns.b.read(lambda db: notices(db, "bodil", "comment", said.id)) == 1
    assert towns.a.read(lambda db: notices(db, "carl", "answer", answer.id)) == 1


def votes(node: RealNode, post_id: int) -> list[int]:
    return node.read(lambda db: [option.votes for option in polls.options(db, post_id)])


def test_a_poll_in_a_community_is_voted_on_from_the_twin_and_both_hear_how_it_ended(towns: Towns) -> None:
    where = towns.anna.do(
        "/post", text="Hvilket tema næste gang?", options="Regler\nVaner", open_for="86400", community=towns.torvet,
        visibility="public", language="da",
    )  # fmt: skip
    number = int(where.split("/")[2])
    seen = towns.question_on_b(number)
    assert "Regler" in towns.bodil.page(f"/p/{seen.id}")
    towns.bodil.do(f"/posts/{seen.id}/ballot", choice="1")
    towns.a.until("her vote", lambda db: [one.votes for one in polls.options(db, number)] == [0, 1])
    assert towns.bodil.send(f"/posts/{seen.id}/ballot", choice="0").status_code == 422
    towns.carl.do(f"/posts/{number}/ballot", choice="1")
    towns.a.let_time_pass()
    towns.b.until("the figures", lambda db: [one.votes for one in polls.options(db, seen.id)] == [0, 2])

    def over(db: Session) -> None:
        poll = polls.get(db, number)
        assert poll is not None
        poll.expires_at = now()
        polls.promise_end(db, poll, poll.expires_at)

    towns.a.database.write(over)
    towns.a.until("the end", lambda db: notices(db, "carl", "poll", number) == 1)
    assert towns.a.read(lambda db: notices(db, "anna", "poll", number)) == 1
    towns.b.until("that it is over", lambda db: polls.of(db, None, [seen.id])[seen.id].expired)
    towns.b.let_time_pass()
    towns.b.until("the end on B", lambda db: notices(db, "bodil", "poll", seen.id) == 1)
    assert votes(towns.b, seen.id) == [0, 2]
    assert "Slut" in towns.bodil.page(f"/p/{seen.id}")
