"""The main job with a real PieFed as neighbour: its people ask, answer, vote and choose in our community, and ours in
theirs.

Pia and Otto live at the PieFed and are in Torvet, whose moderator is Anna; Pia moderates Spørg there, where Carl of A is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from models import bans, communities, endorsing, follows, moderation, planning, polls, proposing, queues, sharing
from models.actors import Actor
from models.base import now
from models.experiences import BARRIERS, Report
from models.meetings import Meeting
from models.posts import Kind, Post
from tests.fediverse.ground import Ground
from tests.fediverse.keeping import keep
from tests.fediverse.piefed import Neighbour, PieFed, require_piefed
from tests.fediverse.processes import until
from tests.fediverse.test_gotosocial import MEETING
from tests.fediverse.towns import Towns, beside, known, local, remote

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@dataclass
class Street:
    """Town A, and the PieFed next door."""

    towns: Towns
    server: PieFed
    pia: Neighbour
    otto: Neighbour
    torvet_there: int = 0
    sporg_there: int = 0

    def wait(self, what: str, found: Callable[[], Any]) -> Any:
        """Wait for something at the PieFed."""
        return until(what, found, seconds=30, tell=lambda: f"{self.server.log()}\n{self.towns.a.state()}")

    def there(self, number: int) -> Any:
        """A post of A in Torvet as PieFed has it, once it is there."""
        uri = self.uri(number)
        return self.wait(f"{uri} is there", lambda: self.pia.post(self.torvet_there, uri))

    def uri(self, number: int) -> str:
        """The id of a post of A."""
        return f"{self.towns.a.origin}/p/{number}"

    def here(self, uri: str) -> Post:
        """A post of the PieFed, once it is on A."""
        return self.towns.a.until(f"{uri} is here", lambda db: known(db, uri), seconds=30)

    def until(self, what: str, found: Callable[[Session], Any]) -> Any:
        """Wait for something on A."""
        return self.towns.a.until(what, found, seconds=30)

    def row(self, number: int) -> Post:
        """A post of A's database."""
        return self.towns.a.read(lambda db: db.get_one(Post, number))

    def write(self, work: Callable[[Session], Any]) -> Any:
        """Something that members of A do, done in its database."""
        return self.towns.a.database.write(work)

    def sporg(self) -> Actor:
        """Their community, as A knows it."""
        found = self.towns.a.read(lambda db: remote(db, "sporg", self.server.name))
        assert found is not None
        return found


@pytest.fixture(scope="module")
def street(ground: Ground) -> Iterator[Street]:
    require_piefed(ground)
    with beside(ground, "piefed") as (towns, name):
        server = PieFed(ground, name)
        try:
            # It takes four posts and no message from an account in its first day.
            towns.a.fill(lambda db: db.execute(update(Actor).values(published=now() - timedelta(days=30))))
            towns.a.start()
            server.start("pia", "otto")
            made = Street(towns, server, server.account("pia"), server.account("otto"))
            made.torvet_there = made.pia.join(f"!torvet@{towns.a.host}")
            made.otto.join(f"!torvet@{towns.a.host}")
            made.until("both are members", lambda db: follows.count_followers(db, local(db, "torvet").id) == 2)
            spoerg = made.pia.call("POST", "/community", name="sporg", title="Spørg", question_answer=True)
            made.sporg_there = spoerg["community_view"]["community"]["id"]
            yield made
            keep(server.name, "piefed.torv.test", (towns.a,))
            made.pia.close()
            made.otto.close()
        finally:
            server.close()


def test_it_takes_in_our_community_as_one_for_questions_and_joins_it(street: Street) -> None:
    seen = street.pia.find(f"!torvet@{street.towns.a.host}")["community"]
    assert seen["community"]["question_answer"] is True
    assert {one["flair_title"] for one in seen["flair_list"]} == set(BARRIERS)
    assert seen["subscribed"] == "Subscribed"


def test_a_question_is_a_post_there_with_its_barriers_and_its_edits_arrive(street: Street) -> None:
    anna = street.towns.anna
    number = anna.ask(street.towns.torvet, "Hvordan får I jura med?", "Vi har *prøvet*.", barriers="regler")
    seen = street.there(number)
    assert (seen["post"]["title"], seen["post"]["body"]) == ("Hvordan får I jura med?", "Vi har *prøvet*.")
    assert [one["flair_title"] for one in seen["flair_list"]] == ["regler"]
    anna.do(f"/posts/{number}/edit", title="Hvordan?", text="To gange.", language="da", municipality="")
    street.wait("the edit", lambda: street.there(number)["post"]["title"] == "Hvordan?")


def test_an_answer_and_votes_from_there_arrive_and_ours_arrive_there(street: Street) -> None:
    number = street.towns.anna.ask(street.towns.torvet, "Hvem har en bænk?")
    post = street.there(number)["post"]["id"]
    answer = street.pia.reply(post, "Vi har **tre**.")
    row = street.here(answer["ap_id"])
    assert (row.kind, row.source) == (Kind.ANSWER, "Vi har **tre**.")
    street.otto.call("POST", "/post/like", post_id=post, score=1, private=False)
    street.until("his vote", lambda db: db.get_one(Post, number).up == 1)
    comment = street.towns.carl.reply(row.id, "Hvilke?")
    street.towns.carl.do(f"/posts/{row.id}/vote", value="1")
    street.wait("the comment", lambda: street.pia.comment(post, street.uri(comment)))
    street.wait("the vote", lambda: street.pia.comment(post, answer["ap_id"])["counts"]["upvotes"] == 2)  # type: ignore[index]
    street.pia.call("PUT", "/comment", comment_id=answer["id"], body="Vi har fire.")
    street.until("her edit", lambda db: db.get_one(Post, row.id).source == "Vi har fire.")
    street.pia.call("POST", "/comment/delete", comment_id=answer["id"], deleted=True)
    street.until("it is deleted", lambda db: known(db, answer["ap_id"]) is None)


@pytest.mark.parametrize(("who", "marked"), [("anna", True), ("carl", False)])
def test_an_answer_that_is_accepted_here_is_so_there(street: Street, who: str, marked: bool) -> None:
    """By a moderator it is marked; of any other asker PieFed ignores it, but reads it in the question's text."""
    asker = street.towns.visitor(who)
    number = asker.ask(street.towns.torvet, "Hvem ved det?")
    post = street.there(number)["post"]["id"]
    answer = street.pia.reply(post, "Det gør jeg.")
    asker.do(f"/posts/{street.here(answer['ap_id']).id}/accept")
    street.wait("it says so", lambda: "Accepteret svar" in street.there(number)["post"].get("body", ""))

    def shown() -> bool:
        found = street.pia.comment(post, answer["ap_id"])
        return found is not None and found["comment"]["answer"] is True

    if marked:
        street.wait("it is marked", shown)
    assert shown() is marked


def test_who_asks_from_there_in_our_community_chooses_the_answer(street: Street) -> None:
    asked = street.pia.write(street.torvet_there, "Pias spørgsmål", "Hvem **kan**?")
    question = street.here(asked["ap_id"])
    assert (question.kind, question.title, question.source) == (Kind.QUESTION, "Pias spørgsmål", "Hvem **kan**?")
    number = street.towns.anna.reply(question.id, "Det kan vi.")
    answer = street.wait("our answer", lambda: street.pia.comment(asked["id"], street.uri(number)))["comment"]["id"]
    street.otto.choose(answer)  # who did not ask
    street.pia.choose(answer)
    street.until("her choice", lambda db: db.get_one(Post, question.id).accepted_id == number)
    street.pia.choose(answer, answer=False)
    street.until("she takes it back", lambda db: db.get_one(Post, question.id).accepted_id is None)


def test_what_a_moderator_here_removes_is_gone_there_until_it_is_back(street: Street) -> None:
    asked = street.otto.write(street.torvet_there, "Køb min cykel", "Billigt.")
    number = street.here(asked["ap_id"]).id
    street.towns.anna.do("/c/torvet/remove", post=number, reason="Reklame")

    def there() -> bool:
        found = street.pia.call("GET", "/post", id=asked["id"])["post_view"]["post"]
        return bool(found["removed"] or found["deleted"])

    street.wait("it is removed", there)
    street.towns.anna.do("/c/torvet/remove", post=number, undo="1")
    street.wait("it is back", lambda: not there())


def test_who_is_made_a_moderator_here_is_one_there(street: Street) -> None:
    number = street.towns.anna.ask(street.towns.torvet, "Hvem passer Torvet?")
    post = street.there(number)["post"]["id"]

    def moderates() -> bool:
        found = street.otto.call("GET", "/post", id=post)["post_view"]
        return bool(found["can_auth_user_moderate"])

    assert not moderates()
    street.towns.anna.do("/c/torvet/moderators", handle=street.otto.handle)
    street.wait("Otto may moderate", moderates)
    otto = street.towns.a.read(lambda db: remote(db, "otto", street.server.name))
    assert otto is not None
    street.towns.anna.do("/c/torvet/moderators/remove", actor=otto.id)
    street.wait("Otto may not", lambda: not moderates())


def follow_sporg(street: Street) -> Actor:
    """Carl follows their community, if he does not yet."""
    carl = street.towns.carl
    carl.do("/follow", uri=f"@sporg@{street.server.name}")
    group = street.sporg()
    carl.do(f"/actors/{group.id}/follow")
    me = street.towns.a.read(lambda db: local(db, "carl").id)
    street.until("the Accept", lambda db: follows.state(db, me, group.id) == "accepted")
    return group


def test_their_community_is_followed_answered_and_its_choice_and_votes_arrive(street: Street) -> None:
    group, carl = follow_sporg(street), street.towns.carl
    asked = street.otto.write(street.sporg_there, "Hvem har en lampe?", "Vi **mangler** en.")
    question = street.here(asked["ap_id"])
    assert (question.kind, question.community_id) == (Kind.QUESTION, group.id)
    theirs = street.here(street.pia.reply(asked["id"], "Ikke os.")["ap_id"])
    assert theirs.in_reply_to_id == question.id
    number = carl.reply(question.id, "Det har vi.")
    carl.do(f"/posts/{question.id}/vote", value="1")
    answer = street.wait("our answer", lambda: street.pia.comment(asked["id"], street.uri(number)))["comment"]["id"]
    street.otto.choose(answer)
    street.until("his choice", lambda db: db.get_one(Post, question.id).accepted_id == number)
    street.pia.call("POST", "/post/like", post_id=asked["id"], score=1, private=False)
    street.until("her vote", lambda db: db.get_one(Post, question.id).up == 2)
    mine = carl.ask(group.id, "Carl spørger", "Hej **alle**")
    street.wait("his question", lambda: street.pia.post(street.sporg_there, street.uri(mine)))


def test_their_moderator_removes_and_names_another(street: Street) -> None:
    group, carl = follow_sporg(street), street.towns.carl
    number = carl.ask(group.id, "Endnu et spørgsmål")
    post = street.wait("it", lambda: street.pia.post(street.sporg_there, street.uri(number)))["post"]["id"]
    street.pia.call("POST", "/post/remove", post_id=post, removed=True, reason="Nej")
    street.until("it is removed", lambda db: db.get_one(Post, number).removed_at is not None)
    street.pia.call("POST", "/post/remove", post_id=post, removed=False, reason="Jo")
    street.until("it is back", lambda db: db.get_one(Post, number).removed_at is None)
    carl_there = street.pia.find(f"@carl@{street.towns.a.host}")["person"]["person"]["id"]
    street.pia.call("POST", "/community/mod", community_id=street.sporg_there, person_id=carl_there, added=True)
    street.until("Carl moderates", lambda db: communities.is_moderator(db, local(db, "carl").id, group.id))
    street.pia.call("POST", "/community/mod", community_id=street.sporg_there, person_id=carl_there, added=False)
    street.until("no longer", lambda db: not communities.is_moderator(db, local(db, "carl").id, group.id))


def figures(street: Street, number: int) -> list[int]:
    return street.towns.a.read(lambda db: [option.votes for option in polls.options(db, number)])


def test_polls_are_voted_on_both_ways(street: Street) -> None:
    anna = street.towns.anna
    where = anna.do("/post", text="Hvilket tema?", options="Regler\nVaner", open_for="86400", visibility="public",
                    community=street.towns.torvet, language="da")  # fmt: skip
    number = int(where.split("/")[2])
    street.wait("its options", lambda: "poll" in street.there(number)["post"])
    seen = street.there(number)["post"]
    choice = seen["poll"]["choices"][1]
    assert choice["choice_text"] == "Vaner"
    street.pia.call("POST", "/post/poll_vote", post_id=seen["id"], choice_id=[choice["id"]])
    street.until("her vote", lambda _: figures(street, number) == [0, 1])

    follow_sporg(street)
    options = [{"id": n, "choice_text": text, "sort_order": n} for n, text in enumerate(("Onsdag", "Torsdag"), 1)]
    asked = street.otto.write(street.sporg_there, "Hvornår?", "", poll={"mode": "single", "choices": options})
    poll = street.here(asked["ap_id"])
    anna.do(f"/posts/{poll.id}/ballot", choice="1")

    def theirs() -> list[int]:
        found = street.pia.call("GET", "/post", id=asked["id"])["post_view"]["post"]
        return [one["num_votes"] for one in found["poll"]["choices"]]

    street.wait("her vote there", lambda: theirs() == [0, 1])


def test_a_meeting_is_there_at_its_hour_with_its_place_and_that_it_is_cancelled(street: Street) -> None:
    starts = (now() + timedelta(days=30)).replace(tzinfo=None, hour=16, minute=0, second=0, microsecond=0)

    def hold(db: Session) -> int:
        around = planning.Around(community=local(db, "torvet"))
        return planning.publish(db, local(db, "anna"), replace(MEETING, starts=starts), around).id

    number = street.write(hold)
    street.wait("its time", lambda: "event" in street.there(number)["post"])
    seen = street.there(number)["post"]
    assert datetime.fromisoformat(seen["event"]["start"]) == street.towns.a.read(
        lambda db: db.get_one(Meeting, number).starts_at
    )
    assert "Rådhuset, Torvet 1, Eksempelby" in seen["body"]
    assert "*#deltager*" in seen["body"]
    street.write(lambda db: planning.cancel(db, local(db, "anna"), db.get_one(Post, number), "Regn."))
    street.wait("that it is off", lambda: street.there(number)["post"]["body"].startswith("AFLYST"))


def test_a_meeting_of_theirs_is_here_at_its_hour_and_asks_nobody_to_sign_up(street: Street) -> None:
    follow_sporg(street)
    starts = datetime(2031, 12, 2, 15, 0, tzinfo=UTC)
    times = {"start": starts, "end": starts + timedelta(hours=2)}
    said = {name: f"{at:%Y-%m-%dT%H:%M:%S}.000000Z" for name, at in times.items()}
    event = {**said, "timezone": "Europe/Copenhagen", "max_attendees": 30, "join_mode": "free", "online": False}
    held = street.otto.write(street.sporg_there, "Møde hos os", "Kom.", event=event)
    number = street.here(held["ap_id"]).id
    row = street.towns.a.read(lambda db: db.get_one(Meeting, number))
    assert (row.starts_at, row.timezone, row.capacity, row.joining) == (starts, "Europe/Copenhagen", 30, "none")


def test_a_report_says_there_what_came_of_it_and_a_dogma_is_endorsed_by_a_vote(street: Street) -> None:
    def share(db: Session) -> int:
        report = Report(
            "Sådan kom løberne i gang", "Foreningen er vært.", {"wanted": "At løbe forbi **nogen**."},
            {"regler": "Juristen sagde nej."}, phase="pilot", outcome="delvist", municipality="0101",
        )  # fmt: skip
        return sharing.publish(db, local(db, "anna"), report, sharing.Around(community=local(db, "torvet"))).id

    body = street.there(street.write(share))["post"]["body"]
    assert "**Fase:** pilot. **Udfald:** lykkedes delvist." in body
    assert "Foreningen er vært." in body
    assert "At løbe forbi **nogen**." in body

    principle = proposing.Principle("Vi deler også det, der gik galt", "Også når svaret blev et nej.")
    number = street.write(lambda db: proposing.propose(db, local(db, "anna"), principle, local(db, "torvet")).id)
    there = street.there(number)["post"]
    assert there["title"] == "Forslag til dogme: Vi deler også det, der gik galt"
    street.pia.call("POST", "/post/like", post_id=there["id"], score=1, private=False)
    street.until("her endorsement", lambda db: endorsing.count(db, db.get_one(Post, number)) == 1)


def test_a_report_to_the_moderators_arrives(street: Street) -> None:
    number = street.towns.carl.ask(street.towns.torvet, "Er det i orden?")
    post = street.there(number)["post"]["id"]
    street.pia.call("POST", "/post/report", post_id=post, reason="Spam", description="Reklame", report_remote=True)
    street.until("the report", lambda db: any("Reklame" in one.comment for one in db.query(moderation.Report)))


def test_whom_their_moderator_bans_may_not_write_there(street: Street) -> None:
    group, carl = follow_sporg(street), street.towns.carl
    number = carl.ask(group.id, "Må jeg?")
    street.wait("it", lambda: street.pia.post(street.sporg_there, street.uri(number)))
    carl_there = street.pia.find(f"@carl@{street.towns.a.host}")["person"]["person"]["id"]
    ban = {"community_id": street.sporg_there, "user_id": carl_there, "reason": "Spam"}
    street.pia.call("POST", "/community/moderate/ban", **ban, permanent=True)
    group_id, me = group.id, street.towns.a.read(lambda db: local(db, "carl").id)
    street.until("the ban", lambda db: bans.is_banned(db, me, group_id))
    assert carl.send(f"/posts/{number}/reply", text="Må jeg nu?", visibility="public").status_code == 403


def test_who_leaves_here_takes_along_what_he_wrote_there(street: Street) -> None:
    number = street.towns.carl.ask(street.towns.torvet, "Carls sidste spørgsmål")
    street.there(number)
    carl = street.towns.carl
    carl.do("/settings/delete", username="carl", password="torvet-er-aabent")
    street.wait("it is gone", lambda: street.pia.post(street.torvet_there, street.uri(number)) is None)


def test_who_unfollows_there_is_no_member_here_any_more(street: Street) -> None:
    def joined(db: Session) -> bool:
        otto = remote(db, "otto", street.server.name)
        return otto is not None and follows.state(db, otto.id, local(db, "torvet").id) is not None

    assert street.towns.a.read(joined)
    street.otto.call("POST", "/community/follow", community_id=street.torvet_there, follow=False)
    street.until("the Undo", lambda db: not joined(db))


def test_nothing_was_refused_or_given_up_on_the_way(street: Street) -> None:
    """Last: after all of this no queue holds a dead letter, and no activity of theirs was left for dead."""
    a = street.towns.a
    assert [queue.dead for queue in a.read(queues.overview)] == [0, 0, 0], a.state()
