"""Meetings between nodes: Join, Leave and their answers, likes and replies that sign up, and what others say of theirs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation import reading
from federation.reading import meetings as reading_meetings
from federation.scheduling import tell_attendees
from models import (
    accounts,
    actors,
    attendance,
    attending,
    blocks,
    companions,
    jobs,
    peers,
    planning,
    posts,
    reach,
    removing,
)
from models.actors import Actor
from models.jobs import Job
from models.meetings import Attendee, Meeting, Way
from models.notifications import Notification, NotificationKind
from models.outbox import Activity
from models.planning import Around
from models.posts import Kind, Post
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import BOOKKEEPING, Json, Neighbour
from tests.federation.scenes import LENE, SPOERG, Scene
from tests.federation.test_every_activity import FORGERIES
from tests.models.test_meetings import PLAN

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def held(scene: Scene, around: Around = planning.HERE, **changed: Any) -> Post:
    """Lene's meeting."""
    return scene.inbox.write(lambda db: planning.publish(db, known(db, LENE), replace(PLAN, **changed), around))


def known(db: Session, uri: str) -> Actor:
    found = actors.by_uri(db, uri)
    assert found is not None
    return found


def states(scene: Scene, post: Post) -> dict[str, str]:
    return scene.inbox.read(lambda db: {a.username: row.state for row, a in attendance.attendees(db, post)})


def sent(scene: Scene, type: str) -> list[Activity]:
    return scene.inbox.read(
        lambda db: list(db.scalars(select(Activity).where(Activity.type == type).order_by(Activity.id)))
    )


def written_to(scene: Scene, who: Neighbour) -> list[str]:
    """What the node itself wrote to somebody."""

    def look(db: Session) -> list[str]:
        mine = select(Post).where(Post.author_id == actors.node_actor(db).id, Post.visibility == "direct")
        return [
            one.source for one in db.scalars(mine.order_by(Post.id)) if f"@{known(db, who.uri).handle}" in one.source
        ]

    return scene.inbox.read(look)


def theirs(who: Neighbour, label: object = "event", /, **more: Any) -> Json:
    """A meeting as Mobilizon writes it."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=10)
    return who.note(
        label,
        "<p>Tre korte oplæg.</p>",
        **{
            "type": "Event",
            "actor": who.uri,
            "name": "Fyraftensmøde i b",
            "summary": "<p>Tirsdag, Rådhuset</p>",
            "startTime": begins.isoformat(),
            "endTime": (begins + timedelta(hours=2)).isoformat(),
            "timezone": "Europe/Copenhagen",
            "location": {
                "type": "Place", "name": "Rådhuset", "latitude": 56.1, "longitude": 10.2,
                "address": {"type": "PostalAddress", "streetAddress": "Torvet 1", "postalCode": "1234",
                            "addressLocality": "Eksempelby", "addressRegion": None, "addressCountry": "Danmark"},
            },
            "onlineLink": None,
            "joinMode": "free",
            "maximumAttendeeCapacity": 40,
            "participantCount": 3,
            "ical:status": "CONFIRMED",
            "draft": False,
            "uuid": "1f2e",
            "cc": [who.followers, SPOERG],
            **more,
        },
    )  # fmt: skip


async def record(scene: Scene, who: Neighbour, doc: Json) -> Post:
    scene.fediverse.put(doc)
    said = await scene.hear(who, who.creates(doc))
    assert said.startswith("done: Recorded"), said
    return scene.post(doc["id"])


def maja(scene: Scene) -> Actor:
    """Somebody of ours who has an account."""

    def make(db: Session) -> Actor:
        account = accounts.create(db, username="maja", email="m@a.example", password="langt kodeord her", name="Maja")
        return actors.get(db, account.id)

    return scene.inbox.write(make)


def told(scene: Scene) -> list[str]:
    return scene.inbox.read(lambda db: list(db.scalars(select(Notification.kind).order_by(Notification.id))))


# Ours


async def test_a_join_of_mobilizon_is_accepted_and_its_leave_frees_the_place(scene: Scene) -> None:
    post = held(scene)
    join = scene.jonas.does("Join", post.uri, "join-1", participationMessage="Glæder mig")
    assert (await scene.hear(scene.jonas, join)).endswith(f"going for {post.uri}.")
    [accept] = sent(scene, "Accept")
    assert (accept.to, accept.data["embed"]) == (
        [scene.jonas.uri], {"id": join["id"], "type": "Join", "actor": scene.jonas.uri, "object": post.uri},
    )  # fmt: skip
    hers = scene.karla.does("Join", post.uri, "join-2")
    assert (await scene.hear(scene.karla, hers)).endswith(f"waiting for {post.uri}.")
    assert len(sent(scene, "Accept")) == 1
    assert "Du er nummer 1 på ventelisten" in written_to(scene, scene.karla)[0]
    assert (await scene.hear(scene.jonas, scene.jonas.does("Leave", post.uri, "leave"))).startswith("done")
    assert states(scene, post) == {"karla": "going"}
    assert [one.object_uri for one in sent(scene, "Accept")] == [join["id"], hers["id"]]
    assert len(written_to(scene, scene.karla)) == 1  # her server tells her of the Accept


@pytest.mark.parametrize(
    "back",
    [
        lambda s, post, join: s.jonas.does("Leave", post.uri, "back"),
        lambda s, post, join: s.jonas.does("Leave", join["id"], "back"),
        lambda s, post, join: s.jonas.does("Leave", join, "back"),
        lambda s, post, join: s.jonas.does("Undo", join, "back"),
        lambda s, post, join: s.jonas.does("Undo", join["id"], "back"),
    ],
)
async def test_a_place_can_be_given_up_in_every_way_servers_say_it(
    scene: Scene, back: Callable[[Scene, Post, Json], Json]
) -> None:
    post = held(scene)
    join = scene.jonas.does("Join", post.uri, "join")
    await scene.hear(scene.jonas, join)
    assert states(scene, post) == {"jonas": "going"}
    ended = await scene.hear(scene.jonas, back(scene, post, join))
    assert ended.startswith("done"), ended
    assert states(scene, post) == {}
    assert (await scene.hear(scene.jonas, {**join, "id": scene.jonas.id("act/join-again")})).startswith("done")
    assert states(scene, post) == {"jonas": "going"}


@pytest.mark.parametrize("type", ["Leave", "Undo"])
async def test_what_overtakes_its_join_counts_once_it_comes(scene: Scene, type: str) -> None:
    post = held(scene)
    join = scene.jonas.does("Join", post.uri, "join")
    back = scene.jonas.does(type, join if type == "Undo" else post.uri, "back")
    assert (await scene.hear(scene.jonas, back)).startswith("done: Nothing to take back yet")
    assert (await scene.hear(scene.jonas, join)).startswith("done: It was taken back")
    assert states(scene, post) == {}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("what", ["undo join", "reply", "like"])
async def test_forged_nobody_comes_or_stays_away(scene: Scene, what: str, forgery: str) -> None:
    post = held(scene)
    join = scene.jonas.does("Join", post.uri, "join")
    body = {
        "undo join": scene.jonas.does("Undo", join, "back"),
        "reply": scene.jonas.creates(scene.jonas.note("yes", "<p>#deltager</p>", inReplyTo=post.uri)),
        "like": scene.jonas.does("Like", post.uri),
    }[what]
    if what == "undo join":
        await scene.hear(scene.jonas, join)
    before = scene.inbox.dump(without=frozenset({"memory", "peers"}))
    status, forge = FORGERIES[forgery]
    request = forge(scene, body)  # type: ignore[arg-type]
    assert (await scene.inbox.takes(request)).status == status
    assert scene.inbox.dump(without=frozenset({"memory", "peers"})) == before


async def test_nobody_takes_back_or_answers_for_another(scene: Scene) -> None:
    post = held(scene)
    join = scene.jonas.does("Join", post.uri, "join")
    await scene.hear(scene.jonas, join)
    before = scene.inbox.dump(without=BOOKKEEPING)
    for foreign in (
        scene.karla.does("Undo", join, "1"),
        scene.karla.does("Leave", join["id"], "2"),
        scene.karla.does("Leave", join, "3"),
    ):
        assert (await scene.hear(scene.karla, foreign)).startswith("ignored"), foreign
    assert scene.inbox.dump(without=BOOKKEEPING) == before


@pytest.mark.parametrize(
    "prepare",
    [
        lambda db, post: planning.cancel(db, known(db, LENE), post),
        lambda db, post: setattr(db.get_one(Meeting, post.id), "joining", "none"),
        lambda db, post: setattr(db.get_one(Meeting, post.id), "ends_at", datetime.now(UTC)),
    ],
)
async def test_a_join_that_cannot_be_is_declined(scene: Scene, prepare: Callable[[Session, Post], object]) -> None:
    post = held(scene)
    scene.inbox.write(lambda db: prepare(db, posts.get(db, post.id)) and None)
    join = scene.jonas.does("Join", post.uri, "join")
    assert (await scene.hear(scene.jonas, join)).startswith("done: Declined: ")
    assert [one.object_uri for one in sent(scene, "Reject")] == [join["id"]]
    assert states(scene, post) == {}


async def test_of_a_meeting_for_this_node_only_nobody_elsewhere_learns(scene: Scene) -> None:
    post = held(scene, Around(visibility="node"))
    assert sent(scene, "Create")[-1].object_uri != post.uri
    ended = await scene.hear(scene.jonas, scene.jonas.does("Join", post.uri, "join"))
    assert ended == "ignored: There is no meeting of that id here."
    ended = await scene.hear(scene.jonas, scene.jonas.does("Like", post.uri))
    assert ended.startswith("ignored")
    assert sent(scene, "Reject") == []


async def test_whom_the_organiser_has_blocked_does_not_come(scene: Scene) -> None:
    post = held(scene)
    scene.inbox.write(lambda db: blocks.block(db, known(db, LENE), known(db, scene.jonas.uri)))
    ended = await scene.hear(scene.jonas, scene.jonas.does("Join", post.uri, "join"))
    assert ended == "ignored: There is no meeting of that id here."


async def test_a_reply_from_mastodon_signs_up_is_confirmed_and_taken_back(scene: Scene) -> None:
    post = held(scene)
    yes = scene.fediverse.put(
        scene.jonas.note("yes", "<p>Jeg kommer! #deltager</p>", inReplyTo=post.uri, contentMap={"en": "<p>x</p>"})
    )
    assert (await scene.hear(scene.jonas, scene.jonas.creates(yes))).startswith("done: Recorded the comment")
    assert states(scene, post) == {"jonas": "going"}
    [confirmed] = written_to(scene, scene.jonas)
    assert "16" in confirmed
    assert "Rådhuset" in confirmed
    assert "<https://meet.example/x>" in confirmed
    note = scene.inbox.read(lambda db: db.scalars(select(Post).where(Post.source == confirmed)).one())
    [create] = [one for one in sent(scene, "Create") if one.object_uri == note.uri]
    assert create.to == [scene.jonas.uri]
    no = scene.jonas.note("no", "<p>@a.example Nej, desværre</p>", inReplyTo=note.uri, to=[note.uri], cc=[])
    no["to"] = ["https://a.example/actor"]
    assert (await scene.hear(scene.jonas, scene.jonas.creates(no))).startswith("done")
    assert states(scene, post) == {}
    assert len(written_to(scene, scene.jonas)) == 2


async def test_a_reply_that_is_deleted_counts_no_longer(scene: Scene) -> None:
    post = held(scene)
    yes = scene.fediverse.put(scene.jonas.note("yes", "<p>ja</p>", inReplyTo=post.uri))
    await scene.hear(scene.jonas, scene.jonas.creates(yes))
    assert states(scene, post) == {"jonas": "going"}
    await scene.hear(scene.jonas, scene.jonas.does("Delete", yes["id"]))
    assert states(scene, post) == {}


async def test_a_like_from_mastodon_signs_up_and_its_undo_takes_back_only_that(scene: Scene) -> None:
    post = held(scene)
    like = scene.jonas.does("Like", post.uri)
    await scene.hear(scene.jonas, like)
    await scene.hear(scene.jonas, scene.jonas.does("Join", post.uri, "join"))
    assert states(scene, post) == {"jonas": "going"}
    assert len(written_to(scene, scene.jonas)) == 1
    await scene.hear(scene.jonas, scene.jonas.does("Undo", like, "undo"))
    assert states(scene, post) == {"jonas": "going"}
    await scene.hear(scene.jonas, scene.jonas.does("Leave", post.uri, "leave"))
    assert states(scene, post) == {}


async def test_a_like_that_turns_into_a_dislike_gives_the_place_up(scene: Scene) -> None:
    post = held(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Like", post.uri))
    await scene.hear(scene.jonas, scene.jonas.does("Dislike", post.uri))
    assert states(scene, post) == {}


async def test_changes_and_cancellation_reach_those_who_come_also_if_they_follow_nobody(scene: Scene) -> None:
    post = held(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Join", post.uri, "join"))
    scene.inbox.write(lambda db: planning.cancel(db, known(db, LENE), posts.get(db, post.id), "Syg"))
    update = sent(scene, "Update")[-1]
    inboxes = scene.inbox.read(lambda db: reach.addressed(db, db.get_one(Activity, update.id)))
    assert inboxes == ["https://m.example/inbox"]
    assert scene.jonas.uri not in {*update.to, *update.cc}  # nobody else learns that he comes


async def test_the_job_tells_everybody_once_also_if_it_is_run_again(scene: Scene) -> None:
    post = held(scene, capacity=None)
    for who in (scene.jonas, scene.karla):
        await scene.hear(who, who.does("Like", post.uri))
    scene.inbox.write(lambda db: planning.cancel(db, known(db, LENE), posts.get(db, post.id)))
    [job] = scene.inbox.read(lambda db: db.scalars(select(Job).where(Job.kind == planning.TELL)).all())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "BATCH", 1)
        await tell_attendees(scene.inbox.fed, dict(job.payload))
    assert [len(written_to(scene, who)) for who in (scene.jonas, scene.karla)] == [2, 2]
    left = scene.inbox.read(lambda db: db.get_one(Job, job.id).payload)
    await tell_attendees(scene.inbox.fed, dict(left))
    assert [len(written_to(scene, who)) for who in (scene.jonas, scene.karla)] == [2, 2]
    scene.inbox.write(lambda db: jobs.finish(db, job.id))


async def test_servers_without_events_get_a_note_that_changes_and_goes_with_the_meeting(scene: Scene) -> None:
    scene.follows(scene.jonas.uri, SPOERG)
    scene.follows(scene.karla.uri, SPOERG)
    scene.inbox.write(lambda db: peers.note_software(db, "m.example", "nodebb"))

    def spoerg(db: Session) -> Actor:
        return known(db, SPOERG)

    post = scene.inbox.write(lambda db: planning.publish(db, known(db, LENE), PLAN, Around(community=spoerg(db))))

    def companion(db: Session) -> Post | None:
        return companions.of(db, posts.get(db, post.id))

    note = scene.inbox.read(companion)
    assert note is not None
    assert (note.kind, note.visibility) == ("note", "unlisted")
    assert "Rådhuset" in note.source
    assert f"<{post.url}>" in note.source
    told = [one for one in sent(scene, "Create") + sent(scene, "Announce") if one.post_id == note.id]
    assert [one.type for one in told] == ["Create", "Announce"]
    for one in told:
        assert scene.inbox.read(lambda db, id=one.id: reach.addressed(db, db.get_one(Activity, id))) == [
            "https://m.example/inbox"
        ]
        assert scene.inbox.read(lambda db, id=one.id: reach.collections(db, db.get_one(Activity, id))) == []
    yes = scene.jonas.note("yes", "<p>ja</p>", inReplyTo=note.uri)
    await scene.hear(scene.jonas, scene.jonas.creates(scene.fediverse.put(yes)))
    assert states(scene, post) == {"jonas": "going"}
    scene.inbox.write(lambda db: planning.cancel(db, known(db, LENE), posts.get(db, post.id)))
    note = scene.inbox.read(companion)
    assert note is not None
    assert "AFLYST" in note.source
    scene.inbox.write(lambda db: removing.delete_post(db, known(db, LENE), posts.get(db, post.id)))
    assert scene.inbox.read(lambda db: posts.get(db, note.id).deleted_at) is not None
    assert [one.type for one in sent(scene, "Delete") if one.post_id == note.id] == ["Delete"]


async def test_where_nobody_follows_from_such_a_server_there_is_no_note(scene: Scene) -> None:
    scene.follows(scene.karla.uri, SPOERG)
    post = held(scene)
    assert scene.inbox.read(lambda db: companions.of(db, posts.get(db, post.id))) is None


# Theirs


async def test_a_meeting_of_mobilizon_is_kept_with_time_and_place(scene: Scene) -> None:
    doc = theirs(scene.jonas)
    post = await record(scene, scene.jonas, doc)
    row = scene.inbox.read(lambda db: db.get_one(Meeting, post.id))
    assert (post.kind, post.title, post.summary) == (Kind.EVENT, "Fyraftensmøde i b", "Tirsdag, Rådhuset")
    assert row.starts_at == datetime.fromisoformat(doc["startTime"])
    assert (row.place, row.street, row.postal_code, row.town) == ("Rådhuset", "Torvet 1", "1234", "Eksempelby")
    assert (row.latitude, row.longitude) == (56.1, 10.2)
    assert (row.joining, row.capacity, row.going, row.timezone) == ("free", 40, 3, "Europe/Copenhagen")
    assert "event" not in post.extra


async def test_gancio_and_an_event_without_a_time_are_read_for_what_they_are(scene: Scene) -> None:
    gancio = theirs(scene.jonas, "gancio", location={"type": "Place", "name": "Huset", "address": "Gade 2"}, joinMode=None,
                    endTime=None, timezone=None)  # fmt: skip
    post = await record(scene, scene.jonas, gancio)
    row = scene.inbox.read(lambda db: db.get_one(Meeting, post.id))
    assert (row.place, row.street, row.joining, row.open_end, row.timezone) == ("Huset", "Gade 2", "none", True, "")
    other = await record(scene, scene.jonas, theirs(scene.jonas, "timeless", startTime="snart"))
    assert other.kind == Kind.EVENT
    assert scene.inbox.read(lambda db: db.get(Meeting, other.id)) is None


async def test_nobody_is_asked_to_sign_up_where_the_server_knows_no_join(scene: Scene) -> None:
    scene.inbox.write(lambda db: peers.note_software(db, "m.example", "piefed"))
    post = await record(scene, scene.jonas, theirs(scene.jonas))
    assert scene.inbox.read(lambda db: db.get_one(Meeting, post.id).joining) == "none"
    form = {"joinMode": "external", "externalParticipationUrl": "https://m.example/tilmeld"}
    elsewhere = await record(scene, scene.jonas, theirs(scene.jonas, "form", **form))
    assert scene.inbox.read(lambda db: db.get_one(Meeting, elsewhere.id).joining) == "external"


async def test_a_member_signs_up_elsewhere_and_comes_once_the_organiser_says_so(scene: Scene) -> None:
    member = maja(scene)
    post = await record(scene, scene.jonas, theirs(scene.jonas))
    scene.inbox.write(lambda db: attending.sign_up(db, known(db, member.uri), posts.get(db, post.id), Way.WEB))
    [join] = sent(scene, "Join")
    assert (join.to, join.object_uri, join.actor_id) == ([scene.jonas.uri], post.uri, member.id)
    assert states(scene, post) == {"maja": "asked"}
    embed = {"id": join.uri, "type": "Join", "actor": member.uri, "object": post.uri}
    before = scene.inbox.dump(without=BOOKKEEPING)
    assert (await scene.hear(scene.karla, scene.karla.does("Accept", embed))).startswith("ignored: It is not")
    assert scene.inbox.dump(without=BOOKKEEPING) == before
    assert (await scene.hear(scene.jonas, scene.jonas.does("Accept", embed, "yes"))).startswith("done")
    assert states(scene, post) == {"maja": "going"}
    assert (await scene.hear(scene.jonas, scene.jonas.does("Accept", join.uri, "yes-2"))).startswith("ignored")
    assert told(scene) == [NotificationKind.PLACE]
    assert (await scene.hear(scene.jonas, scene.jonas.does("Reject", embed, "no"))).startswith("done")
    assert states(scene, post) == {"maja": "declined"}
    scene.inbox.write(lambda db: attending.sign_up(db, known(db, member.uri), posts.get(db, post.id), Way.WEB))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Accept", embed, "late"))).startswith("done")
    scene.inbox.write(lambda db: attending.withdraw(db, known(db, member.uri), posts.get(db, post.id)))
    [leave] = sent(scene, "Leave")
    assert (leave.object_uri, leave.to) == (post.uri, [scene.jonas.uri])
    assert (await scene.hear(scene.jonas, scene.jonas.does("Accept", embed, "too-late"))).startswith("ignored")
    assert states(scene, post) == {}


async def test_who_comes_elsewhere_hears_of_changes_and_cancellation(scene: Scene) -> None:
    member = maja(scene)
    doc = theirs(scene.jonas)
    post = await record(scene, scene.jonas, doc)
    scene.inbox.write(lambda db: attending.sign_up(db, known(db, member.uri), posts.get(db, post.id), Way.WEB))
    later = datetime.now(UTC) + timedelta(seconds=5)
    for change in ({"content": "<p>Fire oplæg.</p>"}, {"location": "Biblioteket"}, {"ical:status": "CANCELLED"}):
        later += timedelta(seconds=60)
        doc = scene.fediverse.put({**doc, **change, "updated": later.isoformat()})
        label = f"update-{later.timestamp()}"
        assert (await scene.hear(scene.jonas, scene.jonas.does("Update", doc, label))).startswith("done")
    for job in scene.inbox.read(lambda db: db.scalars(select(Job).where(Job.kind == planning.TELL)).all()):
        await tell_attendees(scene.inbox.fed, dict(job.payload))
    assert told(scene) == [NotificationKind.MEETING_CANCELLED]  # the change was overtaken by it
    row = scene.inbox.read(lambda db: db.get_one(Meeting, post.id))
    assert (row.place, row.cancelled) == ("Biblioteket", True)


async def test_a_meeting_that_is_deleted_leaves_nothing(scene: Scene) -> None:
    member = maja(scene)
    post = await record(scene, scene.jonas, theirs(scene.jonas))
    scene.inbox.write(lambda db: attending.sign_up(db, known(db, member.uri), posts.get(db, post.id), Way.WEB))
    await scene.hear(scene.jonas, scene.jonas.does("Delete", post.uri))
    assert scene.inbox.read(lambda db: (db.scalar(select(Meeting)), db.scalar(select(Attendee)))) == (None, None)


async def test_what_stands_in_the_row_does_not_stand_in_the_text_again(scene: Scene) -> None:
    doc = theirs(
        scene.jonas, summary="<p>Tirsdag · Rådhuset</p>",
        content="<p><strong>Fyraftensmøde i b</strong></p><p>Tirsdag · Rådhuset</p><p>Kom.</p>",
    )  # fmt: skip
    assert (await record(scene, scene.jonas, doc)).content == "<p>Kom.</p>"


# Reading whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
ZONES = st.none() | st.sampled_from([UTC, ZoneInfo("Europe/Copenhagen"), ZoneInfo("America/Sao_Paulo")])
TIMES = st.datetimes(timezones=ZONES).map(lambda at: at.isoformat())
KEYS = (
    *(
        "startTime",
        "endTime",
        "timezone",
        "location",
        "joinMode",
        "externalParticipationUrl",
        "maximumAttendeeCapacity",
    ),
    *("participantCount", "onlineLink", "eventStatus", "ical:status", "status", "displayEndTime"),
)
PLACES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("type", "name", "address", "latitude", "longitude", "summary", "url"), JSON)
)
EVENTS = st.fixed_dictionaries(
    {"startTime": TIMES},
    optional=dict.fromkeys(KEYS[3:], JSON) | {"endTime": TIMES | JSON, "timezone": st.sampled_from(
        ["Europe/Copenhagen", "America/Sao_Paulo", "../x", "UTC"]) | JSON, "location": PLACES | st.lists(PLACES) | JSON},
)  # fmt: skip


@given(EVENTS)
def test_whatever_an_event_says_is_read_or_left_out(doc: Json) -> None:
    found = reading_meetings.event(doc)
    if found:
        starts = datetime.fromisoformat(found["starts"])
        assert starts.tzinfo is not None
        assert "ends" not in found or datetime.fromisoformat(found["ends"]) > starts
        assert found["joining"] in {"free", "restricted", "external", "none"}
        assert found["status"] in {"confirmed", "tentative", "cancelled"}
        assert ("latitude" in found) == ("longitude" in found)
        for name in ("place", "street", "town", "postal_code", "accessibility"):
            assert len(found.get(name, "")) <= 1000
            assert "\x00" not in found.get(name, "")
        for name in ("online_url", "join_url"):
            assert found.get(name, "https://x").startswith(("https://", "http://"))


@given(EVENTS)
def test_an_event_with_anything_in_it_is_still_a_post_or_unreadable(doc: Json) -> None:
    whole = {**doc, "id": "https://m.example/e/1", "type": "Event", "attributedTo": "https://m.example/users/jonas"}
    try:
        read = reading.note(whole)
    except reading.Unreadable:
        return
    assert read.type == "Event"
