"""The main job with a real GoToSocial as neighbour: it follows, reads, answers, votes; and the other way round.

Greta lives at the GoToSocial and follows Anna and her community Torvet. Lukas there is locked, as Lise is here.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    accounts,
    actors,
    adopting,
    attendance,
    dogmas,
    endorsing,
    experience_people,
    follows,
    meetings,
    oauth,
    planning,
    polls,
    proposing,
    sharing,
)
from models.actors import Actor
from models.base import now
from models.calls import MeetingCall
from models.experiences import Report
from models.jobs import Job
from models.listings import Listing
from models.meetings import Attendee, Plan, State
from models.notifications import Notification
from models.posts import Post, by_uri
from tests.fediverse.gotosocial import GoToSocial, Neighbour, require_gotosocial
from tests.fediverse.ground import Ground
from tests.fediverse.keeping import keep
from tests.fediverse.nodes import RealNode
from tests.fediverse.processes import until
from tests.fediverse.towns import Towns, beside, known, local, remote
from tests.fediverse.visitor import browser

pytestmark = [pytest.mark.interop, pytest.mark.slow]


@dataclass
class Neighbours:
    """Both towns, and the GoToSocial next door."""

    towns: Towns
    server: GoToSocial
    greta: Neighbour
    lukas: Neighbour
    anna_there: str = ""
    torvet_there: str = ""

    def uri(self, number: int) -> str:
        """The id of a post of A."""
        return f"{self.towns.a.origin}/p/{number}"

    def sees(self, who: Neighbour, uri: str) -> Any:
        """A status, once it is there."""
        return self.wait(f"{who.username} sees {uri}", lambda: who.status(uri))

    def wait(self, what: str, found: Callable[[], Any]) -> Any:
        """Wait for something at the GoToSocial."""
        return until(what, found, seconds=30, tell=lambda: f"{self.server.log()}\n{self.towns.a.state()}")

    def here(self, node: RealNode, uri: str) -> Post:
        """A post of the GoToSocial, once it is on a node."""
        return node.until(f"{uri} is here", lambda db: known(db, uri), seconds=30)

    def reply(self, status: Any, text: str) -> Any:
        """Greta replies as clients have it: with the name of the one she answers in front."""
        return self.greta.post(f"@anna@{self.towns.a.host} {text}", reply_to=status["id"])

    def follow_greta(self) -> Actor:
        """Carl follows Greta, if he does not yet."""
        a, carl = self.towns.a, self.towns.carl
        carl.do("/follow", uri=self.greta.handle)
        greta = self.greta_on(a)
        carl.do(f"/actors/{greta.id}/follow")
        me = a.read(lambda db: local(db, "carl").id)
        a.until("the Accept", lambda db: follows.state(db, me, greta.id) == "accepted", seconds=30)
        return greta

    def greta_on(self, node: RealNode) -> Actor:
        """Greta as a node knows her."""
        found = node.read(lambda db: remote(db, "greta", self.server.name))
        assert found is not None
        return found


@pytest.fixture(scope="module")
def street(ground: Ground) -> Iterator[Neighbours]:
    require_gotosocial(ground)
    with beside(ground, "gts") as (towns, name):
        server = GoToSocial(ground, name)
        try:
            towns.start()
            towns.twin()
            server.start()
            made = Neighbours(towns, server, server.account("greta"), server.account("lukas", locked=True))
            made.anna_there = made.greta.follow(f"@anna@{towns.a.host}")
            made.torvet_there = made.greta.follow(f"@torvet@{towns.a.host}")
            yield made
            keep(server.name, "gts.torv.test", (towns.a, towns.b))
            made.greta.close()
            made.lukas.close()
        finally:
            server.close()


def notices(db: Session, who: str, kind: str, post_id: int | None = None) -> int:
    query = select(func.count()).select_from(Notification).join(Actor, Actor.id == Notification.account_id)
    query = query.where(Actor.username == who, Actor.local.is_(True), Notification.kind == kind)
    return db.scalar(query if post_id is None else query.where(Notification.post_id == post_id)) or 0


def test_it_follows_a_person_and_a_community_here(street: Neighbours) -> None:
    a = street.towns.a
    for there in (street.anna_there, street.torvet_there):
        street.wait("the Accept", lambda there=there: street.greta.relation(there)["following"])  # type: ignore[misc]
    greta = street.greta_on(a)
    assert {one.username for _, one in a.read(lambda db: follows.following(db, greta.id))} == {"anna", "torvet"}
    assert a.read(lambda db: notices(db, "anna", "follow")) == 1
    profile = street.greta.find(f"@torvet@{a.host}")
    assert (profile["display_name"], profile["uri" if "uri" in profile else "url"]) == (
        "Torvet",
        f"{a.origin}/c/torvet",
    )


def test_a_question_arrives_there_once_with_its_title_and_full_text(street: Neighbours) -> None:
    number = street.towns.anna.ask(
        street.towns.torvet, "Må en løbeklub låne skolens brusere?", "Skolen siger **måske**.\n\nHvem spørger vi?"
    )
    status = street.sees(street.greta, street.uri(number))
    # GoToSocial makes the name its subject line.
    assert status["spoiler_text"] == "Må en løbeklub låne skolens brusere?"
    assert "Må en løbeklub låne skolens brusere?" in status["content"]
    assert "<strong>måske</strong>" in status["content"]
    assert "Hvem spørger vi?" in status["content"]
    assert status["visibility"] == "public"
    assert status["account"]["acct"] == f"anna@{street.towns.a.host}"
    own = [item for item in street.greta.home() if item["uri"] == street.uri(number) and not item["reblog"]]
    # It may show one status twice in its cached list when the boost comes right behind it; one id is one status.
    assert len({item["id"] for item in own}) == 1
    shown = [item for item in street.greta.home() if (item["reblog"] or {}).get("uri") == street.uri(number)]
    assert [item["account"]["acct"] for item in shown] in ([], [f"torvet@{street.towns.a.host}"])


def test_a_question_of_somebody_not_followed_arrives_through_the_community(street: Neighbours) -> None:
    number = street.towns.carl.ask(street.towns.torvet, "Hvem ejer snerydningen på broen?", "Stat eller kommune?")

    def brought() -> Any:
        return next((i for i in street.greta.home() if (i.get("reblog") or {}).get("uri") == street.uri(number)), None)

    boost = street.wait("the community's Announce", brought)
    assert boost["account"]["acct"] == f"torvet@{street.towns.a.host}"
    assert "Stat eller kommune?" in boost["reblog"]["content"]


def test_a_reply_written_there_becomes_an_answer_and_reaches_the_communitys_other_followers(street: Neighbours) -> None:
    towns = street.towns
    number = towns.anna.ask(towns.torvet, "Hvordan får man børnehaven med ud at plante?", "Vi har 200 træer.")
    status = street.sees(street.greta, street.uri(number))
    reply = street.greta.post(
        f"@anna@{towns.a.host} Tag dem med om formiddagen, og lad dem navngive træerne.", reply_to=status["id"]
    )
    answer = street.here(towns.a, reply["uri"])
    assert (answer.kind, answer.in_reply_to_id, answer.unreviewed) == ("answer", number, False)
    assert "navngive" in answer.content
    assert "@anna" not in answer.content
    assert "navngive" in towns.anna.page(f"/p/{number}")
    assert towns.a.read(lambda db: notices(db, "anna", "answer", answer.id)) == 1
    there = street.here(towns.b, reply["uri"])
    assert there.kind == "answer"
    assert there.author_id == street.greta_on(towns.b).id
    assert "navngive" in towns.bodil.page(f"/p/{towns.question_on_b(number).id}")


def test_a_reply_without_any_mention_finds_its_question_all_the_same(street: Neighbours) -> None:
    """It goes to her followers only, and Carl is one; that it answers a question stands in `inReplyTo` alone."""
    street.follow_greta()
    number = street.towns.anna.ask(street.towns.torvet, "Virker svar uden navn på nogen?")
    status = street.sees(street.greta, street.uri(number))
    reply = street.greta.post("Ja.", reply_to=status["id"])
    assert street.here(street.towns.a, reply["uri"]).kind == "answer"
    assert street.here(street.towns.b, reply["uri"]).kind == "answer"


def test_a_like_is_a_vote_and_can_be_taken_back(street: Neighbours) -> None:
    a = street.towns.a
    number = street.towns.anna.ask(street.towns.torvet, "Er en tommel op en stemme?")
    status = street.sees(street.greta, street.uri(number))
    on_b = street.towns.question_on_b(number)
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/favourite")
    a.until("the vote", lambda db: db.get(Post, number).up == 1)  # type: ignore[union-attr]
    street.towns.b.until("the vote on B", lambda db: db.get(Post, on_b.id).up == 1)  # type: ignore[union-attr]
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/unfavourite")
    a.until("no vote", lambda db: db.get(Post, number).up == 0)  # type: ignore[union-attr]
    street.towns.b.until("no vote on B", lambda db: db.get(Post, on_b.id).up == 0)  # type: ignore[union-attr]


def test_a_vote_here_is_a_like_there(street: Neighbours) -> None:
    status = street.greta.post(f"@anna@{street.towns.a.host} Kan du se min tommel?")
    here = street.here(street.towns.a, status["uri"])
    street.towns.anna.do(f"/posts/{here.id}/vote", value=1)
    street.wait("the like", lambda: street.greta.again(status)["favourites_count"] == 1)
    street.towns.anna.do(f"/posts/{here.id}/vote", value=0)
    street.wait("no like", lambda: street.greta.again(status)["favourites_count"] == 0)


def test_an_accepted_answer_arrives_there_as_an_edit_that_names_it(street: Neighbours) -> None:
    towns = street.towns
    number = towns.anna.ask(towns.torvet, "Hvem svarede bedst?")
    status = street.sees(street.greta, street.uri(number))
    reply = street.reply(status, "Det gjorde jeg.")
    answer = street.here(towns.a, reply["uri"])
    towns.anna.do(f"/posts/{answer.id}/accept")

    def shown() -> Any:
        now = street.greta.again(status)
        return now if now and reply["uri"] in now["content"] else None

    edited = street.wait("the edit that names the answer", shown)
    assert "✅" in edited["content"]
    assert edited["edited_at"]
    towns.anna.do(f"/posts/{answer.id}/withdraw")
    street.wait("the edit that takes it back", lambda: "✅" not in street.greta.again(status)["content"])
    assert "Hvem svarede bedst?" in street.greta.again(status)["content"]


def test_edits_arrive_both_ways_though_its_update_ids_repeat(street: Neighbours) -> None:
    towns = street.towns
    number = towns.anna.ask(towns.torvet, "Hvad koster en bro?", "Lille.")
    status = street.sees(street.greta, street.uri(number))
    towns.anna.do(f"/posts/{number}/edit", title="Hvad koster en gangbro?", text="Fire meter.", language="da")
    street.wait("our edit there", lambda: "Fire meter." in street.greta.again(status)["content"])
    assert street.greta.again(status)["spoiler_text"] == "Hvad koster en gangbro?"
    reply = street.reply(status, "90.000")
    street.here(towns.a, reply["uri"])
    street.here(towns.b, reply["uri"])
    for text in ("95.000 med gelænder", "99.000 med gelænder og lys"):
        time.sleep(1.1)  # its times are whole seconds, and nobody edits faster
        street.greta.call("PUT", f"/api/v1/statuses/{reply['id']}", status=text)
        towns.a.until("its edit", lambda db, text=text: text in by_uri(db, reply["uri"]).content, seconds=30)  # type: ignore[misc,union-attr]
        # B hears of it from the community and asks the origin, once a minute at most: that minute passes here.
        towns.b.until(
            "B wants to ask", lambda db: db.scalar(select(Job.id).where(Job.dedupe == f"refresh:{reply['uri']}"))
        )
        towns.b.let_time_pass()
        towns.b.until("its edit", lambda db, text=text: text in by_uri(db, reply["uri"]).content, seconds=30)  # type: ignore[misc,union-attr]


def test_boosts_travel_both_ways_and_are_taken_back(street: Neighbours) -> None:
    towns = street.towns
    number = towns.anna.post("Gangbroen er åben. Kom og gå.")
    status = street.sees(street.greta, street.uri(number))
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/reblog")
    towns.a.until("the boost", lambda db: db.get(Post, number).boost_count == 1)  # type: ignore[union-attr]
    assert towns.a.read(lambda db: notices(db, "anna", "boost", number)) == 1
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/unreblog")
    towns.a.until("the boost is gone", lambda db: db.get(Post, number).boost_count == 0)  # type: ignore[union-attr]

    theirs = street.greta.post(f"@anna@{towns.a.host} Vi har også en bro.")
    here = street.here(towns.a, theirs["uri"])
    towns.anna.do(f"/posts/{here.id}/boost")
    street.wait("our boost", lambda: street.greta.again(theirs)["reblogs_count"] == 1)
    towns.anna.do(f"/posts/{here.id}/boost", undo=1)
    street.wait("our boost is gone", lambda: street.greta.again(theirs)["reblogs_count"] == 0)


def test_deletions_travel_both_ways(street: Neighbours) -> None:
    towns = street.towns
    number = towns.anna.ask(towns.torvet, "Kan dette spørgsmål forsvinde?")
    status = street.sees(street.greta, street.uri(number))
    reply = street.reply(status, "Det kan det.")
    street.here(towns.a, reply["uri"])
    street.here(towns.b, reply["uri"])
    street.greta.call("DELETE", f"/api/v1/statuses/{reply['id']}")
    for node in (towns.a, towns.b):
        node.until("the reply is gone", lambda db: by_uri(db, reply["uri"]).deleted_at is not None, seconds=30)  # type: ignore[union-attr]
    towns.anna.do(f"/posts/{number}/delete")
    street.wait("the question is gone there", lambda: street.greta.again(status) is None)


def test_a_question_seen_only_through_the_community_is_deleted_there_too(street: Neighbours) -> None:
    number = street.towns.carl.ask(street.towns.torvet, "Kan også dette forsvinde?")
    status = street.sees(street.greta, street.uri(number))
    street.towns.carl.do(f"/posts/{number}/delete")
    street.wait("it is gone there", lambda: street.greta.again(status) is None)


def test_direct_messages_travel_both_ways_and_stay_private(street: Neighbours) -> None:
    towns = street.towns
    sent = street.greta.post(f"@anna@{towns.a.host} Hemmeligt: vi mangler 40.000.", "direct")
    here = street.here(towns.a, sent["uri"])
    assert here.visibility == "direct"
    assert towns.a.read(lambda db: notices(db, "anna", "mention", here.id)) == 1
    assert towns.carl.http.get(f"/p/{here.id}", headers={"Accept": "text/html"}).status_code == 404
    answered = towns.anna.reply(here.id, "Hemmeligt svar: spørg fonden.", "direct")
    reply = street.sees(street.greta, street.uri(answered))
    assert reply["visibility"] == "direct"
    assert reply["in_reply_to_id"] == sent["id"]
    first = towns.anna.post(f"{street.greta.handle} Og hemmeligt forfra.", "direct")
    assert street.sees(street.greta, street.uri(first))["visibility"] == "direct"


def test_a_post_of_theirs_that_names_the_community_is_listed_in_it(street: Neighbours) -> None:
    status = street.greta.post(f"@torvet@{street.towns.a.host} Hvem kender en god brolægger?")
    here = street.here(street.towns.a, status["uri"])
    listed = street.towns.a.read(lambda db: db.scalar(select(Listing.community_id).where(Listing.post_id == here.id)))
    assert listed == street.towns.torvet
    assert here.kind == "note"


def test_we_follow_somebody_there_and_see_what_is_posted(street: Neighbours) -> None:
    towns = street.towns
    greta = street.follow_greta()
    for visibility, wanted in (("public", "public"), ("unlisted", "unlisted"), ("private", "followers")):
        status = street.greta.post(f"Et opslag, {visibility}.", visibility)
        assert street.here(towns.a, status["uri"]).visibility == wanted
        assert f"Et opslag, {visibility}." in towns.carl.page("/")
    assert "Et opslag, private." not in towns.anna.page("/")
    towns.carl.do(f"/actors/{greta.id}/follow", undo=1)
    street.wait("the Undo", lambda: not _followers(street.greta, f"carl@{towns.a.host}"))


def _followers(who: Neighbour, acct: str) -> bool:
    mine = who.call("GET", "/api/v1/accounts/verify_credentials")["id"]
    return any(one["acct"] == acct for one in who.call("GET", f"/api/v1/accounts/{mine}/followers"))


def test_somebody_locked_there_is_asked_before_we_hear_what_is_for_followers(street: Neighbours) -> None:
    towns = street.towns
    towns.carl.do("/follow", uri=street.lukas.handle)
    lukas = towns.a.read(lambda db: remote(db, "lukas", street.server.name))
    assert lukas is not None
    assert lukas.locked
    carl = towns.a.read(lambda db: local(db, "carl").id)

    def asking() -> Any:
        return street.lukas.call("GET", "/api/v1/follow_requests")

    towns.carl.do(f"/actors/{lukas.id}/follow")
    waiting = street.wait("the request", asking)
    street.lukas.call("POST", f"/api/v1/follow_requests/{waiting[0]['id']}/reject")
    towns.a.until("the Reject", lambda db: follows.state(db, carl, lukas.id) is None, seconds=30)

    towns.carl.do(f"/actors/{lukas.id}/follow")
    waiting = street.wait("the second request", asking)
    assert towns.a.read(lambda db: follows.state(db, carl, lukas.id)) == "pending"
    street.lukas.call("POST", f"/api/v1/follow_requests/{waiting[0]['id']}/authorize")
    towns.a.until("the Accept", lambda db: follows.state(db, carl, lukas.id) == "accepted", seconds=30)
    status = street.lukas.post("Kun for dem, jeg kender.", "private")
    assert street.here(towns.a, status["uri"]).visibility == "followers"
    assert "dem, jeg kender" in towns.carl.page("/")


def test_somebody_locked_here_is_asked_before_they_hear_what_is_for_followers(street: Neighbours) -> None:
    towns = street.towns
    lise = towns.visitor("lise")
    there = street.greta.follow(f"@lise@{towns.b.host}")
    pending = towns.b.until("the request", lambda db: follows.pending_for(db, local(db, "lise").id), seconds=30)
    assert street.greta.relation(there)["requested"]
    lise.do(f"/requests/{pending[0][0].id}", verdict="accept")
    street.wait("the Accept", lambda: street.greta.relation(there)["following"])
    number = lise.post("Til jer, der følger mig.", "followers")
    status = street.sees(street.greta, f"{towns.b.origin}/p/{number}")
    assert status["visibility"] == "private"

    other = street.lukas.follow(f"@lise@{towns.b.host}")
    pending = towns.b.until("a second request", lambda db: follows.pending_for(db, local(db, "lise").id), seconds=30)
    lise.do(f"/requests/{pending[0][0].id}", verdict="reject")
    street.wait("the Reject", lambda: not street.lukas.relation(other)["requested"])
    assert not street.lukas.relation(other)["following"]


def test_what_an_app_posts_arrives_there_and_the_reply_comes_back_by_stream(street: Neighbours) -> None:
    a = street.towns.a
    token = a.fill(lambda db: oauth.issue_for(db, accounts.by_username(db, "anna"), "read write"))
    with browser(street.server.ground, a.origin) as app:
        app.headers["Authorization"] = f"Bearer {token}"
        with Listening(app) as heard:
            posted = app.post("/api/v1/statuses", data={"status": "Fra min telefon: hvem har nøglen?"})
            assert posted.status_code == 200, posted.text
            status = street.sees(street.greta, posted.json()["uri"])
            assert "hvem har nøglen" in status["content"]
            began = time.monotonic()
            reply = street.reply(status, "Den ligger under måtten.")
            event = until("the reply in the stream", lambda: heard.notice_of(reply["uri"]), seconds=10)
            assert time.monotonic() - began < 2.0
            assert "under måtten" in event["status"]["content"]


class Listening:
    """An app's stream of notifications, read in a thread of its own."""

    def __init__(self, app: httpx.Client) -> None:
        self._app = app
        self._open = threading.Event()
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        try:
            with self._app.stream("GET", "/api/v1/streaming/user/notification", timeout=60) as answer:
                assert answer.status_code == 200
                self._response = answer
                self._open.set()
                for line in answer.iter_lines():
                    self._lines.append(line)
        except (httpx.HTTPError, httpx.StreamError, OSError):
            return  # the test is over

    def __enter__(self) -> "Listening":
        self._thread.start()
        assert self._open.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def notice_of(self, uri: str) -> Any:
        """The notification about this status, if it came."""
        told = [json.loads(line.removeprefix("data:")) for line in self._lines if line.startswith("data:")]
        return next((one for one in told if (one.get("status") or {}).get("uri") == uri), None)


def share(street: Neighbours, title: str, *, with_greta: bool = False) -> int:
    """Anna publishes a report in Torvet; its number."""
    greta = street.follow_greta() if with_greta else None

    def write(db: Session) -> int:
        report = Report(
            title,
            "Foreningen er vært, ikke kommunen.",
            {"wanted": "At løbe forbi **nogen**."},
            {"regler": "Juristen sagde nej."},
            phase="pilot",
            outcome="delvist",
            municipality="0101",
        )
        asked = (actors.get(db, greta.id),) if greta is not None else ()
        around = sharing.Around(community=local(db, "torvet"), co_authors=asked)
        return sharing.publish(db, local(db, "anna"), report, around).id

    return street.towns.a.database.write(write)


def test_a_report_arrives_there_with_title_summary_text_and_link_and_what_happened_since(street: Neighbours) -> None:
    a = street.towns.a
    number = share(street, "Sådan kom løberne i gang")
    status = street.sees(street.greta, street.uri(number))
    # GoToSocial makes the summary its subject line; the title begins the text.
    assert "Barrierer: regler. Fase: pilot. Udfald: lykkedes delvist. Foreningen er vært" in status["spoiler_text"]
    assert "<strong>Sådan kom løberne i gang</strong>" in status["content"]
    assert "Juristen sagde nej." in status["content"]
    assert status["url"].startswith(street.uri(number))

    def since(db: Session) -> int:
        case = db.get_one(Post, number)
        return sharing.follow_up(db, local(db, "anna"), case, "Nu er det 31.", phase="drift", outcome="lykkedes").id

    later = street.sees(street.greta, street.uri(a.database.write(since)))
    assert "Det skete der siden: Sådan kom løberne i gang" in later["content"]
    assert "Nu er det 31." in later["content"]
    street.wait(
        "the case as it stands now",
        lambda: "Udfald: lykkedes." in (street.greta.again(status) or {}).get("spoiler_text", ""),
    )


def test_somebody_there_becomes_co_author_by_a_like(street: Neighbours) -> None:
    a = street.towns.a
    number = share(street, "Skrevet af to", with_greta=True)
    ask = a.until(
        "the invitation",
        lambda db: db.scalars(
            select(Post).where(Post.visibility == "direct", Post.local.is_(True)).order_by(Post.id.desc())
        ).first(),
    )
    status = street.sees(street.greta, ask.uri)
    assert "medforfatter" in status["content"]
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/favourite")
    greta = street.greta_on(a)
    a.until("her yes", lambda db: experience_people.is_co_author(db, greta, db.get_one(Post, number)), seconds=30)


MEETING = Plan(
    "Fyraftensmøde på Torvet", "Tre korte oplæg, derefter *bordsnak*.", "1. Velkomst", None, None, place="Rådhuset",
    street="Torvet 1", town="Eksempelby", online_url="https://meet.example/x", by_like=True, capacity=20,
)  # fmt: skip


def hold(street: Neighbours, **changed: Any) -> int:
    """Anna plans a meeting in Torvet, a month from now."""
    starts = (now() + timedelta(days=30)).replace(tzinfo=None, minute=0, second=0, microsecond=0)

    def write(db: Session) -> int:
        around = planning.Around(community=local(db, "torvet"))
        return planning.publish(db, local(db, "anna"), replace(MEETING, starts=starts, **changed), around).id

    return street.towns.a.database.write(write)


def coming(db: Session, number: int) -> list[str]:
    """Who comes to a meeting."""
    return [actor.username for _, actor in attendance.attendees(db, db.get_one(Post, number), State.GOING)]


def from_the_node(street: Neighbours, number: int, count: int) -> Any:
    """The last of so many posts that the node itself wrote to Greta, as she sees it."""

    def written(db: Session) -> list[str] | None:
        query = select(Post).where(Post.author_id == actors.node_actor(db).id, Post.visibility == "direct")
        found = [one for one in db.scalars(query.order_by(Post.id)) if (one.extra or {}).get("meeting") == str(number)]
        return [one.uri for one in found] if len(found) >= count else None

    uris = street.towns.a.until("the node writes to Greta", written, seconds=30)
    assert len(uris) == count
    return street.sees(street.greta, uris[-1])


def test_a_meeting_arrives_there_and_a_reply_signs_up_is_confirmed_and_taken_back(street: Neighbours) -> None:
    a = street.towns.a
    number = hold(street)
    status = street.sees(street.greta, street.uri(number))
    assert "Rådhuset, Torvet 1, Eksempelby · også online" in status["spoiler_text"]
    assert "<strong>Fyraftensmøde på Torvet</strong>" in status["content"]
    assert "<em>bordsnak</em>" in status["content"]
    assert "#<span>deltager</span>" in status["content"]
    assert status["url"].startswith(street.uri(number))
    street.reply(status, "Det lyder godt! #deltager")
    a.until("her place", lambda db: coming(db, number) == ["greta"], seconds=30)
    confirmed = from_the_node(street, number, 1)
    assert confirmed["visibility"] == "direct"
    assert "You are signed up for “Fyraftensmøde på Torvet”" in confirmed["content"]  # her account writes English
    assert "https://meet.example/x" in confirmed["content"]

    def move(db: Session) -> None:
        post = db.get_one(Post, number)
        plan = meetings.plan_of(post, db.get_one(meetings.Meeting, number))
        planning.edit(db, local(db, "anna"), post, replace(plan, place="Biblioteket", street=""))

    a.database.write(move)
    street.wait("the new place", lambda: "Biblioteket" in (street.greta.again(status) or {}).get("spoiler_text", ""))
    assert "has changed" in from_the_node(street, number, 2)["content"]
    street.greta.post(f"@{a.host}@{a.host} nej", visibility="direct", reply_to=confirmed["id"])
    a.until("her no", lambda db: coming(db, number) == [], seconds=30)
    assert "no longer signed up" in from_the_node(street, number, 3)["content"]


def test_a_like_there_signs_up_and_a_cancellation_arrives(street: Neighbours) -> None:
    a = street.towns.a
    number = hold(street, title="Endnu et møde")
    status = street.sees(street.greta, street.uri(number))
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/favourite")
    a.until("her place", lambda db: coming(db, number) == ["greta"], seconds=30)
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/unfavourite")
    a.until("her place is free", lambda db: coming(db, number) == [], seconds=30)
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/favourite")
    a.until("her place again", lambda db: coming(db, number) == ["greta"], seconds=30)
    a.database.write(lambda db: planning.cancel(db, local(db, "anna"), db.get_one(Post, number), "Regn."))
    street.wait("that it is off", lambda: "AFLYST" in (street.greta.again(status) or {}).get("spoiler_text", ""))
    assert "er aflyst. Regn." in from_the_node(street, number, 3)["content"]


def votes(db: Session, post_id: int) -> list[int]:
    return [option.votes for option in polls.options(db, post_id)]


def test_a_poll_of_a_community_here_is_voted_on_there_and_its_figures_follow(street: Neighbours) -> None:
    a, text = street.towns.a, "Hvilket tema til næste fyraftensmøde?"
    where = street.towns.anna.do(
        "/post", text=text, options="Regler\nPolitik\nVaner", open_for="86400", community=street.towns.torvet,
        visibility="public", language="da",
    )  # fmt: skip
    number = int(where.split("/")[2])
    status = street.sees(street.greta, street.uri(number))
    assert [one["title"] for one in status["poll"]["options"]] == ["Regler", "Politik", "Vaner"]
    assert (status["poll"]["multiple"], status["poll"]["expired"]) == (False, False)
    assert text in status["content"]
    street.greta.vote(status, 2)
    a.until("her vote", lambda db: votes(db, number) == [0, 0, 1], seconds=30)
    assert a.read(lambda db: db.get_one(Post, number).reply_count) == 0
    street.towns.carl.do(f"/posts/{number}/ballot", choice="0")
    a.let_time_pass()  # the figures are told some minutes after a vote
    street.wait(
        "the figures",
        lambda: [one["votes_count"] for one in (street.greta.again(status) or status)["poll"]["options"]] == [1, 0, 1],
    )


def test_a_poll_from_there_is_voted_on_here(street: Neighbours) -> None:
    a, carl = street.towns.a, street.towns.carl
    street.follow_greta()
    asked = street.greta.ask("Hvornår skal vi mødes?", ["Onsdag", "Torsdag"])
    post = street.here(a, asked["uri"])
    page = carl.page(f"/p/{post.id}")
    assert "Onsdag" in page
    assert "Torsdag" in page
    carl.do(f"/posts/{post.id}/ballot", choice="1")
    street.wait(
        "his vote",
        lambda: [one["votes_count"] for one in street.greta.again(asked)["poll"]["options"]] == [0, 1],  # type: ignore[index]
    )
    a.until("the figures as they are there", lambda db: votes(db, post.id) == [0, 1], seconds=30)


def test_somebody_there_would_come_by_a_reply_and_signs_up_by_answering_what_she_is_told(street: Neighbours) -> None:
    a, anna = street.towns.a, street.towns.anna
    number = anna.ask(street.towns.torvet, "Skal vi mødes om bænkene?")
    anna.do(f"/posts/{number}/call")
    status = street.sees(street.greta, street.uri(number))
    street.reply(status, "Jeg kommer!")
    a.until("that she would come", lambda db: db.get_one(MeetingCall, number).coming == 1, seconds=30)
    where = anna.do(
        "/meeting/new", title="Om bænkene", theme="Vi tales ved.", starts="2031-12-02T16:00", place="Rådhuset",
        timezone="Europe/Copenhagen", joining="free", by_reply="1", remind_hours="24", visibility="public",
        language="da", community=street.towns.torvet, links=street.uri(number),
    )  # fmt: skip
    meeting = int(where.split("/")[2])
    letter = a.until(
        "the letter",
        lambda db: db.scalars(
            select(Post).where(Post.visibility == "direct", Post.source.contains("Om bænkene")).order_by(Post.id.desc())
        ).first(),
        seconds=30,
    )
    told = street.sees(street.greta, letter.uri)
    street.greta.post(f"@{told['account']['acct']} ja", visibility="direct", reply_to=told["id"])
    greta = street.greta_on(a)
    a.until("her place", lambda db: db.get(Attendee, (meeting, greta.id)) is not None, seconds=30)


def test_a_dogma_arrives_there_readable_a_like_endorses_it_and_a_new_version_arrives(street: Neighbours) -> None:
    a = street.towns.a
    principle = proposing.Principle("Vi deler også det, der gik galt", "Også når svaret blev **et nej**.")

    def propose(db: Session) -> int:
        return proposing.propose(db, local(db, "anna"), principle, local(db, "torvet")).id

    number = a.database.write(propose)
    status = street.sees(street.greta, street.uri(number))
    assert status["spoiler_text"] == "Forslag til dogme: Vi deler også det, der gik galt"
    assert "<strong>et nej</strong>" in status["content"]
    assert "Tilslut dig ved at synes godt om dette opslag" in status["content"]
    assert status["url"].startswith(street.uri(number))

    def post(db: Session) -> Post:
        return db.get_one(Post, number)

    a.database.write(lambda db: adopting.adopt(db, local(db, "anna"), post(db), "Ja."))
    adopted = "Dogme 1: Vi deler også det, der gik galt"
    street.wait("its number", lambda: (street.greta.again(status) or {}).get("spoiler_text") == adopted)

    # a like is an endorsement, here and on the twin's node, and taking it back withdraws it
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/favourite")
    greta = street.greta_on(a)
    a.until("her endorsement", lambda db: endorsing.of(db, greta, post(db)), seconds=30)
    assert a.read(lambda db: endorsing.count(db, post(db))) == a.read(lambda db: post(db).up) == 1
    there = street.towns.question_on_b(number)
    street.towns.b.until(
        "her endorsement, on B", lambda db: endorsing.count(db, db.get_one(Post, there.id)) == 1, seconds=30
    )

    def change(db: Session) -> int:
        proposing.change(db, local(db, "anna"), post(db), replace(principle, text="Altid."), "Kortere.")
        return db.scalars(select(Post.id).where(Post.in_reply_to_id == number).order_by(Post.id.desc())).first() or 0

    news = a.database.write(change)
    street.wait("version 2", lambda: "Altid." in (street.greta.again(status) or {}).get("content", ""))
    said = street.sees(street.greta, street.uri(news))
    assert "<strong>Udgave 2</strong>" in said["content"]
    assert said["in_reply_to_id"] == status["id"]
    assert a.read(lambda db: endorsing.of(db, greta, post(db)).version) == 1
    street.greta.call("POST", f"/api/v1/statuses/{status['id']}/unfavourite")
    a.until("it is withdrawn", lambda db: endorsing.count(db, post(db)) == 0, seconds=30)


def test_members_there_vote_about_a_dogma(street: Neighbours) -> None:
    a = street.towns.a
    principle = proposing.Principle("Vi spørger, før vi køber", "Altid.")

    def open_vote(db: Session) -> tuple[int, int]:
        post = proposing.propose(db, local(db, "carl"), principle, local(db, "torvet"))
        return post.id, adopting.open_vote(db, local(db, "anna"), post, 7, 1).id

    number, vote = a.database.write(open_vote)
    status = street.sees(street.greta, street.uri(vote))
    street.greta.call("POST", f"/api/v1/polls/{status['poll']['id']}/votes", **{"choices[]": "0"})
    a.until("her vote", lambda db: [one.votes for one in polls.options(db, vote)] == [1, 0], seconds=30)
    a.database.write(lambda db: adopting.closed(db, db.get_one(Post, vote)))
    assert a.read(lambda db: dogmas.get(db, db.get_one(Post, number)).status) == "adopted"


def test_who_unfollows_is_no_follower_any_more(street: Neighbours) -> None:
    b = street.towns.b
    there = street.lukas.follow(f"@erik@{b.host}")
    street.wait("the Accept", lambda: street.lukas.relation(there)["following"])
    erik = b.read(lambda db: local(db, "erik").id)
    assert b.read(lambda db: follows.count_followers(db, erik)) == 1
    street.lukas.call("POST", f"/api/v1/accounts/{there}/unfollow")
    b.until("the Undo", lambda db: follows.count_followers(db, erik) == 0, seconds=30)


def test_nothing_was_refused_or_given_up_on_the_way(street: Neighbours) -> None:
    """Last: after all of this no queue holds a dead letter, and no activity of theirs was left for dead."""
    from models import queues

    for node in (street.towns.a, street.towns.b):
        assert [queue.dead for queue in node.read(queues.overview)] == [0, 0, 0], node.state()
