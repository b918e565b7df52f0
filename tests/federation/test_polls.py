"""Polls between servers: votes that come and go, figures that are told and taken over, and how a poll ends."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from federation import polling
from models import actors, ballots, blocks, composing, polls, posts
from models.base import clock, now
from models.communities import Community
from models.jobs import Job
from models.notifications import Notification
from models.outbox import Activity
from models.polls import Ballot, PollDraft
from models.posts import Draft, Kind, Post
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import BOOKKEEPING, PUBLIC, Json, Neighbour
from tests.federation.scenes import LENE, OMAR, Scene

pytestmark = pytest.mark.anyio
DAY = 86_400
WHEN = PollDraft(("Onsdag", "Torsdag"), DAY)
SEVERAL = PollDraft(("Onsdag", "Torsdag"), DAY, multiple=True)


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def lenes_poll(scene: Scene, draft: PollDraft = WHEN, **more: Any) -> Post:
    def ask(db: Session) -> Post:
        return composing.note(db, actors.get(db, scene.inbox.actor(LENE).id), Draft("Hvornår?", poll=draft, **more))

    found: Post = scene.inbox.write(ask)
    return found


def vote(who: Neighbour, poll: str, name: str, label: object = 1, **more: Any) -> Json:
    """A vote as Mastodon sends it: no text, no date, to the author alone, on no address of its own."""
    id = f"{who.uri}#votes/{label}"
    note = {"id": id, "type": "Note", "name": name, "attributedTo": who.uri, "to": LENE, "inReplyTo": poll, **more}
    return {**who.does("Create", note), "id": f"{id}/activity", "to": LENE}


def figures(scene: Scene, uri: str, viewer: str = "") -> polls.Shown:
    def look(db: Session) -> polls.Shown:
        post = posts.by_uri(db, uri)
        assert post is not None
        return polls.of(db, scene.inbox.actor(viewer).id if viewer else None, [post.id])[post.id]

    shown: polls.Shown = scene.inbox.read(look)
    return shown


def votes(scene: Scene, uri: str) -> list[int | None]:
    return [number for _, number in figures(scene, uri).options]


def theirs(scene: Scene, *numbers: int, voters: int = 0, **more: Any) -> Json:
    """Jonas' poll as it stands at his server now."""
    options = [
        {"type": "Note", "name": name, "replies": {"type": "Collection", "totalItems": number}}
        for name, number in zip(("Onsdag", "Torsdag"), numbers, strict=True)
    ]
    ends = (now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"type": "Question", "oneOf": options, "votersCount": voters, "endTime": ends, "cc": [LENE]}
    return scene.fediverse.put(scene.jonas.note("poll", "<p>Hvornår?</p>", **{**body, **more}))


async def met(scene: Scene, *numbers: int, voters: int = 0, **more: Any) -> Json:
    """Jonas' poll has come."""
    poll = theirs(scene, *(numbers or (4, 0)), voters=voters, **more)
    assert (await scene.hear(scene.jonas, scene.jonas.creates(poll))).startswith("done: Recorded the note")
    return poll


def choose(scene: Scene, uri: str, *choices: int, who: str = LENE) -> None:
    def fill_in(db: Session) -> None:
        post = posts.by_uri(db, uri)
        assert post is not None
        ballots.vote(db, actors.get(db, scene.inbox.actor(who).id), post, choices)

    scene.inbox.write(fill_in)


async def nothing_changes(scene: Scene, who: Neighbour, activity: Json) -> str:
    """Why it has no effect; and that the database is as before."""
    before = scene.inbox.dump(without=BOOKKEEPING)
    ended = await scene.hear(who, activity)
    assert scene.inbox.dump(without=BOOKKEEPING) == before
    return ended.removeprefix("ignored: ")


# Votes in our polls


async def test_a_vote_counts_and_is_no_reply(scene: Scene) -> None:
    poll = lenes_poll(scene)
    ended = await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, "Torsdag"))
    assert ended == f"done: Counted a vote in {poll.uri}."
    assert votes(scene, poll.uri) == [0, 1]
    assert scene.post(poll.uri).reply_count == 0
    assert not scene.has(f"{scene.jonas.uri}#votes/1")
    assert scene.inbox.read(lambda db: db.scalars(select(Notification)).all()) == []


async def test_where_several_may_be_chosen_each_choice_comes_by_itself_and_is_one_voters(scene: Scene) -> None:
    poll = lenes_poll(scene, SEVERAL)
    for label, name in enumerate(("Onsdag", "Torsdag")):
        await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, name, label))
    assert votes(scene, poll.uri) == [1, 1]
    assert figures(scene, poll.uri).voters_count == 1


async def test_in_a_followers_only_poll_followers_vote(scene: Scene) -> None:
    scene.follows(scene.jonas.uri, LENE)
    poll = lenes_poll(scene, visibility="followers")
    assert (await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))).startswith("done: ")
    assert await nothing_changes(scene, scene.karla, vote(scene.karla, poll.uri, "Onsdag")) == (
        "There is no such poll here."
    )


async def test_a_reply_with_a_name_and_a_text_is_a_reply_also_to_a_poll(scene: Scene) -> None:
    poll = lenes_poll(scene)
    reply = scene.jonas.note("r", "<p>Torsdag passer bedst.</p>", name="Torsdag", inReplyTo=poll.uri)
    assert (await scene.hear(scene.jonas, scene.jonas.creates(reply))).startswith("done: Recorded the comment")
    assert votes(scene, poll.uri) == [0, 0]


@pytest.mark.parametrize("draft", [WHEN, SEVERAL])
async def test_the_same_vote_again_does_not_count(draft: PollDraft, scene: Scene) -> None:
    poll = lenes_poll(scene, draft)
    await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))
    again = vote(scene.jonas, poll.uri, "Onsdag", 2)
    assert await nothing_changes(scene, scene.jonas, again) == "This actor has voted already."


async def test_another_choice_does_not_count_where_only_one_is_allowed(scene: Scene) -> None:
    poll = lenes_poll(scene)
    await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))
    again = vote(scene.jonas, poll.uri, "Torsdag", 2)
    assert await nothing_changes(scene, scene.jonas, again) == "This actor has voted already."


async def test_what_is_no_option_is_no_vote(scene: Scene) -> None:
    poll = lenes_poll(scene)
    ended = await nothing_changes(scene, scene.jonas, vote(scene.jonas, poll.uri, "Fredag"))
    assert ended == "The chosen vote option does not exist."


async def test_a_vote_after_the_end_does_not_count(scene: Scene) -> None:
    poll = lenes_poll(scene)
    clock.offset += DAY
    ended = await nothing_changes(scene, scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))
    assert ended == "The poll has already ended."


async def test_where_only_some_may_answer_only_those_vote_from_elsewhere_too(scene: Scene) -> None:
    def ask(db: Session) -> Post:
        lene, home = actors.by_uri(db, LENE), actors.by_uri(db, scenes.SPOERG)
        assert lene is not None
        assert home is not None
        db.get_one(Community, home.id).answerers = ["public-body"]
        return composing.write(db, lene, Draft("Hvornår?", poll=WHEN), Kind.NOTE, community=home)

    poll: Post = scene.inbox.write(ask)
    said = await nothing_changes(scene, scene.jonas, vote(scene.jonas, poll.uri, "Torsdag"))
    assert said.startswith("In this community only some may vote")


async def test_a_poll_of_somebody_who_may_not_ask_there_waits_for_a_moderator(scene: Scene) -> None:
    def only_public_bodies(db: Session) -> None:
        home = actors.by_uri(db, scenes.SPOERG)
        assert home is not None
        db.get_one(Community, home.id).askers = ["public-body"]

    scene.inbox.write(only_public_bodies)
    poll = await met(scene, to=[PUBLIC, scenes.SPOERG], audience=scenes.SPOERG)
    assert scene.post(poll["id"]).held_for == "class"


async def test_somebody_who_is_blocked_does_not_vote(scene: Scene) -> None:
    poll = lenes_poll(scene)
    lene, jonas = scene.inbox.actor(LENE).id, scene.inbox.actor(scene.jonas.uri).id
    scene.inbox.write(lambda db: blocks.block(db, actors.get(db, lene), actors.get(db, jonas)))
    ended = await nothing_changes(scene, scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))
    assert ended == "There is no such poll here."


async def test_nobody_votes_for_another(scene: Scene) -> None:
    poll = lenes_poll(scene)
    forged = {**vote(scene.karla, poll.uri, "Onsdag"), "actor": scene.jonas.uri, "id": scene.jonas.id("act/1")}
    await nothing_changes(scene, scene.jonas, forged)
    lenes = {**vote(scene.jonas, poll.uri, "Onsdag")}
    lenes["object"] = {**lenes["object"], "attributedTo": OMAR}
    await nothing_changes(scene, scene.jonas, lenes)
    assert scene.inbox.read(lambda db: db.scalars(select(Ballot)).all()) == []


async def test_a_vote_that_a_stranger_wrapped_does_not_count(scene: Scene) -> None:
    poll = lenes_poll(scene)
    ended = await nothing_changes(scene, scene.group, scene.wraps(vote(scene.jonas, poll.uri, "Onsdag"), "vote"))
    assert ended == "It was wrapped by a community that is not the thread's home."


async def test_piefeds_word_for_a_vote_counts_once_too(scene: Scene) -> None:
    poll = lenes_poll(scene)
    said = scene.jonas.does("PollVote", poll.uri, choice_text="Torsdag")
    assert await scene.hear(scene.jonas, said) == f"done: Counted a vote in {poll.uri}."
    assert votes(scene, poll.uri) == [0, 1]
    again = scene.jonas.does("PollVote", poll.uri, 2, choice_text="Onsdag")
    assert await nothing_changes(scene, scene.jonas, again) == "This actor has voted already."
    for label, text in enumerate((None, "", 7, "Fredag"), 3):
        said = scene.karla.does("PollVote", poll.uri, label, choice_text=text)
        assert await nothing_changes(scene, scene.karla, said) == "The chosen vote option does not exist."


async def test_a_vote_in_a_poll_elsewhere_is_its_origins_to_count(scene: Scene) -> None:
    poll = await met(scene)
    ended = await nothing_changes(scene, scene.karla, vote(scene.karla, poll["id"], "Onsdag"))
    assert ended == "A vote in a poll of another server, which counts it itself."


async def test_new_figures_go_out_once_for_all_votes_of_some_minutes(scene: Scene) -> None:
    poll = lenes_poll(scene)
    for who in (scene.jonas, scene.karla):
        await scene.hear(who, vote(who, poll.uri, "Onsdag"))
    (job,) = scene.inbox.read(lambda db: db.scalars(select(Job).where(Job.kind == "tell_poll")).all())
    assert timedelta(minutes=2) < job.run_at - now() <= ballots.TELL_AFTER
    await polling.tell_poll(scene.inbox.fed, job.payload)
    (update,) = scene.inbox.read(
        lambda db: db.scalars(select(Activity).where(Activity.type == "Update", Activity.post_id == poll.id)).all()
    )
    assert update.data["inboxes"] == ["https://k.example/inbox", "https://m.example/inbox"]


async def test_hidden_figures_are_not_told_before_the_end(scene: Scene) -> None:
    poll = lenes_poll(scene, PollDraft(WHEN.options, DAY, hide_totals=True))
    await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))
    assert scene.inbox.read(lambda db: db.scalars(select(Job).where(Job.kind == "tell_poll")).all()) == []


async def test_at_the_end_the_last_figures_go_out_and_the_author_is_told(scene: Scene) -> None:
    poll = lenes_poll(scene)
    scene.inbox.write(lambda db: accounts_for(db, LENE))
    await scene.hear(scene.jonas, vote(scene.jonas, poll.uri, "Onsdag"))
    clock.offset += DAY
    (job,) = scene.inbox.read(lambda db: db.scalars(select(Job).where(Job.kind == "end_poll")).all())
    await polling.end_poll(scene.inbox.fed, job.payload)
    told = scene.inbox.read(lambda db: db.scalars(select(Notification)).all())
    assert [(one.kind, one.post_id) for one in told] == [("poll", poll.id)]
    updates = scene.inbox.read(lambda db: db.scalars(select(Activity).where(Activity.type == "Update")).all())
    assert [one.object_uri for one in updates] == [poll.uri]


def accounts_for(db: Session, uri: str) -> None:
    """The people of the scene have no accounts; this one gets one."""
    from models.accounts import Account

    actor = actors.by_uri(db, uri)
    assert actor is not None
    db.add(
        Account(
            id=actor.id, email=f"{actor.username}@example.dk", mailbox=f"{actor.username}@example.dk", password_hash="-"
        )
    )
    db.flush()


# Polls elsewhere


async def test_a_poll_is_read_with_its_figures_and_its_end(scene: Scene) -> None:
    poll = await met(scene, 4, 2, voters=5)
    shown = figures(scene, poll["id"])
    assert shown.options == (("Onsdag", 4), ("Torsdag", 2))
    assert (shown.multiple, shown.voters_count, shown.expired) == (False, 5, False)
    assert shown.expires_at is not None


@pytest.mark.parametrize(
    ("more", "expired"),
    [
        ({"closed": "2026-01-01T12:00:00Z"}, True),
        ({"closed": True, "endTime": None}, True),
        ({"closed": False, "endTime": None}, False),
        ({"endTime": "never"}, False),
    ],
)
async def test_however_a_server_says_that_a_poll_is_closed(more: Json, expired: bool, scene: Scene) -> None:
    poll = await met(scene, **more)
    assert figures(scene, poll["id"]).expired is expired


async def test_a_vote_of_ours_goes_to_the_author_alone_as_a_name_without_text(scene: Scene) -> None:
    poll = await met(scene, 4, 0, voters=4)
    choose(scene, poll["id"], 1)
    assert votes(scene, poll["id"]) == [4, 1]
    (activity,) = scene.inbox.read(
        lambda db: db.scalars(select(Activity).where(Activity.object_uri.like("%#votes/%"))).all()
    )
    assert activity.type == "Create"
    assert (activity.to, activity.cc, activity.public) == ([scene.jonas.uri], [], False)
    note = activity.data["embed"]
    assert (note["name"], note["inReplyTo"], note["to"]) == ("Torsdag", poll["id"], [scene.jonas.uri])
    assert "content" not in note
    assert "published" not in note


async def test_where_several_may_be_chosen_each_goes_by_itself(scene: Scene) -> None:
    options = [{"type": "Note", "name": name} for name in ("Onsdag", "Torsdag")]
    poll = await met(scene, oneOf=None, anyOf=options)
    choose(scene, poll["id"], 0, 1)
    sent = scene.inbox.read(lambda db: db.scalars(select(Activity).where(Activity.object_uri.like("%#votes/%"))).all())
    assert sorted(one.data["embed"]["name"] for one in sent) == ["Onsdag", "Torsdag"]
    assert len({one.object_uri for one in sent}) == 2


async def test_new_figures_from_the_authors_hand_are_taken_without_asking(scene: Scene) -> None:
    poll = await met(scene)
    before = scene.post(poll["id"])
    with scene.fediverse.quiet() as asked:
        ended = await scene.hear(scene.jonas, scene.jonas.does("Update", theirs(scene, 5, 3, voters=8)))
    assert ended == f"done: New figures of {poll['id']}."
    assert asked == []
    assert votes(scene, poll["id"]) == [5, 3]
    after = scene.post(poll["id"])
    assert (after.updated, after.content) == (before.updated, before.content)


async def test_a_poll_that_came_before_polls_were_kept_is_one_with_its_next_figures(scene: Scene) -> None:
    poll = await met(scene)
    scene.inbox.write(lambda db: polls.drop(db, posts.get(db, scene.post(poll["id"]).id)))
    await scene.hear(scene.jonas, scene.jonas.does("Update", theirs(scene, 5, 3, voters=8)))
    assert votes(scene, poll["id"]) == [5, 3]


async def test_figures_for_other_options_are_nobodys_figures(scene: Scene) -> None:
    poll = await met(scene)
    other = json.loads(json.dumps(poll).replace("Onsdag", "Mandag"))
    ended = await nothing_changes(scene, scene.jonas, scene.jonas.does("Update", other))
    assert ended == "It has other options than the poll that we know."


async def test_a_new_edition_with_other_options_makes_our_votes_void(scene: Scene) -> None:
    poll = await met(scene)
    choose(scene, poll["id"], 0)
    later = (now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    other = json.loads(json.dumps({**poll, "updated": later}).replace("Torsdag", "Fredag"))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Update", other))).startswith("done: A new edition")
    shown = figures(scene, poll["id"], LENE)
    assert (shown.options, shown.own) == ((("Onsdag", 4), ("Fredag", 0)), ())


async def test_nobody_else_tells_the_figures(scene: Scene) -> None:
    await met(scene)
    claimed = scene.karla.does("Update", theirs(scene, 0, 99))
    ended = await nothing_changes(scene, scene.karla, claimed)
    assert ended == "The post belongs to somebody else."


async def test_figures_are_fetched_when_they_are_asked_for_and_older_than_a_minute(scene: Scene) -> None:
    poll = await met(scene)
    row = scene.post(poll["id"])
    theirs(scene, 7, 1)
    await polling.refresh_poll(scene.inbox.fed, row.id)
    assert votes(scene, poll["id"]) == [7, 1]
    theirs(scene, 8, 1)
    await polling.refresh_poll(scene.inbox.fed, row.id)
    assert votes(scene, poll["id"]) == [7, 1]
    clock.offset += polling.FRESH + 1
    await polling.refresh_poll(scene.inbox.fed, row.id)
    assert votes(scene, poll["id"]) == [8, 1]


async def test_a_server_that_does_not_answer_leaves_the_figures_as_they_were(scene: Scene) -> None:
    poll = await met(scene)
    scene.fediverse.documents[poll["id"]] = 503
    await polling.refresh_poll(scene.inbox.fed, scene.post(poll["id"]).id)
    assert votes(scene, poll["id"]) == [4, 0]


async def test_after_the_end_nobody_asks_any_more(scene: Scene) -> None:
    poll = await met(scene)
    row = scene.post(poll["id"])
    clock.offset += 2 * DAY
    theirs(scene, 9, 1, endTime=poll["endTime"])
    await polling.refresh_poll(scene.inbox.fed, row.id)
    clock.offset += DAY
    with scene.fediverse.quiet() as asked:
        await polling.refresh_poll(scene.inbox.fed, row.id)
    assert asked == []
    assert votes(scene, poll["id"]) == [9, 1]


async def test_our_voters_are_told_when_a_poll_elsewhere_is_over_after_a_last_look(scene: Scene) -> None:
    poll = await met(scene)
    scene.inbox.write(lambda db: accounts_for(db, LENE))
    choose(scene, poll["id"], 0)
    clock.offset += DAY + 300
    theirs(scene, 10, 2, endTime=poll["endTime"])
    (job,) = scene.inbox.read(lambda db: db.scalars(select(Job).where(Job.kind == "end_poll")).all())
    assert job.run_at <= now()
    await polling.end_poll(scene.inbox.fed, job.payload)
    told = scene.inbox.read(lambda db: db.scalars(select(Notification)).all())
    assert [(one.kind, one.from_id) for one in told] == [("poll", scene.inbox.actor(scene.jonas.uri).id)]
    assert votes(scene, poll["id"]) == [10, 2]


async def test_a_poll_in_a_community_of_ours_is_wrapped_but_not_announced_plainly(scene: Scene) -> None:
    def ask(db: Session) -> Post:
        lene, home = actors.by_uri(db, LENE), actors.by_uri(db, scenes.SPOERG)
        assert lene is not None
        return composing.write(db, lene, Draft("Hvornår?", poll=WHEN), Kind.NOTE, community=home)

    poll: Post = scene.inbox.write(ask)
    announces = scene.inbox.read(
        lambda db: db.scalars(select(Activity).where(Activity.type == "Announce", Activity.post_id == poll.id)).all()
    )
    assert [one.data.get("only") for one in announces] == ["wraps"]
    assert announces[0].to == [PUBLIC]
