"""Create, Update, Delete, and their order: what is kept, whose word counts, and that a deleted post stays deleted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models import actors, communities, moderation, posts
from models.base import clock, now
from models.jobs import Job
from models.outbox import Activity
from models.posts import Edition, Recipient
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import PUBLIC, neighbour
from tests.federation.scenes import LENE, OMAR, SPOERG, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def stamp(seconds: float = 0) -> str:
    return (now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# Which posts are kept


async def test_a_post_that_concerns_nobody_here_is_dropped(scene: Scene) -> None:
    post = scene.jonas.note(1)
    assert (await scene.hear(scene.jonas, scene.jonas.creates(post))).startswith(
        "ignored: Nobody here follows its author"
    )
    assert not scene.has(post["id"])


@pytest.mark.parametrize(
    "more",
    [
        {"cc": [LENE]},
        {"cc": [LENE], "tag": {"type": "Mention", "href": LENE, "name": "@lene@a.example"}},
        {"cc": [SPOERG]},
        {"audience": SPOERG},
        {"to": [LENE], "cc": []},
    ],
)
async def test_a_post_that_addresses_somebody_here_is_kept(more: dict[str, Any], scene: Scene) -> None:
    post = scene.jonas.note(1, **more)
    assert (await scene.hear(scene.jonas, scene.jonas.creates(post))).startswith("done: Recorded the note")


async def test_a_reply_to_what_we_have_is_kept_though_it_addresses_nobody(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    row = scene.post(post["id"])
    assert (row.kind, row.thread_id, row.community_id) == ("answer", scene.question.id, scene.question.community_id)
    assert row.unreviewed


async def test_what_somebody_followed_writes_is_kept_with_its_visibility(scene: Scene) -> None:
    scene.follows(LENE, scene.jonas.uri)
    for name, to, visibility in (
        ("a", {"to": [PUBLIC], "cc": [scene.jonas.followers]}, "public"),
        ("b", {"to": [scene.jonas.followers], "cc": [PUBLIC]}, "unlisted"),
        ("c", {"to": [scene.jonas.followers], "cc": []}, "followers"),
        ("d", {"to": [OMAR], "cc": []}, "direct"),
        ("e", {"to": None, "cc": {"x": PUBLIC}}, "direct"),
    ):
        post = scene.jonas.note(name, **to)
        await scene.hear(scene.jonas, {**scene.jonas.creates(post), "to": [PUBLIC]})
        assert scene.post(post["id"]).visibility == visibility


@pytest.mark.parametrize(
    ("more", "kind"), [({"name": "Hvem vil?"}, "question"), ({"type": "Article"}, "question"), ({}, "note")]
)
async def test_a_titled_post_to_a_community_of_ours_is_a_question(
    more: dict[str, Any], kind: str, scene: Scene
) -> None:
    post = scene.jonas.note(1, **{"audience": SPOERG, "to": [SPOERG, PUBLIC], **more})
    await scene.hear(scene.jonas, scene.jonas.creates(post))
    row, home = scene.post(post["id"]), scene.inbox.actor(SPOERG)
    assert (row.kind, row.community_id) == (kind, home.id)


async def test_an_event_is_an_event_and_a_poll_is_no_question(scene: Scene) -> None:
    event = scene.jonas.note(1, type="Event", name="Fyraftensmøde", startTime="2026-12-10T15:00:00Z", audience=SPOERG)
    poll = scene.jonas.note(2, type="Question", name="Hvornår?", oneOf=[{"name": "Onsdag"}], audience=SPOERG)
    for post, kind in ((event, "event"), (poll, "note")):
        await scene.hear(scene.jonas, scene.jonas.creates(post))
        assert scene.post(post["id"]).kind == kind


async def test_a_vote_in_what_is_no_poll_is_no_reply(scene: Scene) -> None:
    vote = scene.jonas.note(1, "<br>", name="Tirsdag", inReplyTo=scene.question.uri)
    ended = await scene.hear(scene.jonas, scene.jonas.creates(vote))
    assert ended == "ignored: It has the form of a vote, and what it answers is no poll of ours."


async def test_only_moderators_ask_where_only_moderators_ask(scene: Scene) -> None:
    def close(db: Any) -> None:
        communities.settings(db, actors.by_uri(db, SPOERG)).moderators_only = True

    scene.inbox.write(close)
    post = scene.jonas.note(1, name="Hvem vil?", audience=SPOERG)
    assert await scene.hear(scene.jonas, scene.jonas.creates(post)) == "ignored: Only moderators ask here."
    assert not scene.has(post["id"])


# Whose word counts


async def test_a_copy_of_somebody_elses_post_is_fetched_from_its_origin_and_not_his(scene: Scene) -> None:
    post = scene.fediverse.put(scene.karla.note("hers", inReplyTo=scene.question.uri))
    forged = {**post, "content": "<p>Forfalsket</p>"}
    assert (await scene.hear(scene.jonas, scene.jonas.creates(forged))).startswith(
        "ignored: The post belongs to somebody else"
    )
    assert not scene.has(post["id"])


@pytest.mark.parametrize(
    "author", ["https://m.example/users/other", "https://k.example/users/karla", [LENE, OMAR], None]
)
async def test_a_post_is_its_actors_own(author: Any, scene: Scene) -> None:
    post = scene.jonas.note(1, inReplyTo=scene.question.uri, attributedTo=author)
    assert (await scene.hear(scene.jonas, scene.jonas.creates(post))).startswith("ignored: ")
    assert not scene.has(post["id"])


async def test_an_object_with_an_id_of_ours_is_refused(scene: Scene) -> None:
    post = {**scene.jonas.note(1, inReplyTo=scene.question.uri), "id": "https://a.example/p/99"}
    before = len(scene.fediverse.asked)
    assert (await scene.hear(scene.jonas, scene.jonas.creates(post))).startswith(
        "ignored: It is said to be one of our own"
    )
    assert len(scene.fediverse.asked) == before


async def test_the_author_must_be_on_the_host_of_the_post(scene: Scene) -> None:
    stolen = scene.fediverse.put(
        {**scene.karla.note("x", inReplyTo=scene.question.uri), "attributedTo": scene.jonas.uri}
    )
    assert (await scene.hear(scene.jonas, scene.jonas.creates(stolen))).startswith("ignored: ")
    assert not scene.has(stolen["id"])


async def test_ten_thousand_names_cost_no_fetch(scene: Scene) -> None:
    many = [f"https://x{at}.dk/" for at in range(10_000)]
    tags = [{"type": "Mention", "href": one} for one in many]
    post = scene.jonas.note(1, inReplyTo=scene.question.uri, cc=[LENE, *many], tag=tags)
    before = len(scene.fediverse.asked)
    assert (await scene.hear(scene.jonas, scene.jonas.does("Create", post))).startswith("done")
    assert len(scene.fediverse.asked) == before
    row = scene.post(post["id"])
    assert scene.inbox.read(lambda db: db.query(Recipient).filter_by(post_id=row.id).count()) <= 1


# Update


async def test_a_newer_edition_is_taken_and_the_old_one_kept(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    newer = {**post, "content": "<p>Rettet.</p>", "updated": stamp(5)}
    assert (await scene.hear(scene.jonas, scene.jonas.does("Update", newer))).startswith("done: A new edition")
    row = scene.post(post["id"])
    assert row.content == "<p>Rettet.</p>"
    editions = scene.inbox.read(lambda db: [one.content for one in db.query(Edition).filter_by(post_id=row.id)])
    assert editions == ["<p>Ja.</p>"]


async def test_an_older_edition_is_nothing(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    await scene.hear(scene.jonas, scene.jonas.does("Update", {**post, "content": "<p>To</p>", "updated": stamp(20)}, 1))
    old = {**post, "content": "<p>Et</p>", "updated": stamp(10)}
    assert (
        await scene.hear(scene.jonas, scene.jonas.does("Update", old, 2))
        == "ignored: It is not newer than what we have."
    )
    assert scene.post(post["id"]).content == "<p>To</p>"


async def test_an_update_id_that_repeats_is_no_repeat(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    for at in (10, 20, 30):
        again = {**post, "content": f"<p>{at}</p>", "updated": stamp(at)}
        assert (await scene.hear(scene.jonas, scene.jonas.does("Update", again, "same"))).startswith("done")
    assert scene.post(post["id"]).content == "<p>30</p>"


async def test_an_update_without_a_newer_date_has_the_origin_asked_once_a_minute(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    scene.fediverse.put({**post, "content": "<p>Ved roden</p>"})
    said = {**post, "content": "<p>Ifølge brevet</p>"}
    assert "in a minute" in await scene.hear(scene.jonas, scene.jonas.does("Update", said, 1))
    (job,) = scene.inbox.read(lambda db: db.query(Job).filter_by(kind="refresh_post").all())
    assert timedelta(seconds=50) < job.run_at - now() <= timedelta(seconds=60)
    clock.offset += 61
    assert "as its origin has it" in await scene.hear(scene.jonas, scene.jonas.does("Update", said, 2))
    assert scene.post(post["id"]).content == "<p>Ved roden</p>"


@pytest.mark.parametrize("name", ["karla", "other"])
async def test_nobody_else_changes_a_post_not_even_on_the_same_server(name: str, scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    eve = neighbour(scene.fediverse, "eve", "m.example") if name == "other" else scene.karla
    for claimed in (post["attributedTo"], eve.uri):
        changed = {**post, "content": "<p>Ond</p>", "updated": stamp(60), "attributedTo": claimed}
        assert (await scene.hear(eve, eve.does("Update", changed, claimed[-3:]))).startswith("ignored")
    assert scene.post(post["id"]).content == "<p>Ja.</p>"


async def test_who_may_read_a_post_never_changes_by_an_update(scene: Scene) -> None:
    post = scene.jonas.note(1, to=[LENE], cc=[])
    await scene.hear(scene.jonas, scene.jonas.creates(post))
    await scene.hear(scene.jonas, scene.jonas.does("Update", {**post, "to": [PUBLIC], "updated": stamp(60)}))
    assert scene.post(post["id"]).visibility == "direct"


async def test_an_update_of_a_young_unknown_post_is_its_create(scene: Scene) -> None:
    young = scene.jonas.note("young", inReplyTo=scene.question.uri, updated=stamp(5))
    old = scene.jonas.note("old", inReplyTo=scene.question.uri, published=stamp(-2 * 86400), updated=stamp(5))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Update", young, 1))).startswith("done: Recorded")
    assert await scene.hear(scene.jonas, scene.jonas.does("Update", old, 2)) == "ignored: We do not have this post."


async def test_t128_a_create_that_comes_after_its_update_brings_the_old_words_not_back(scene: Scene) -> None:
    first = scene.jonas.note("early", "<p>Ja</p>", inReplyTo=scene.question.uri)
    edited = {**first, "content": "<p>Nej</p>", "updated": stamp(5)}
    assert (await scene.hear(scene.jonas, scene.jonas.does("Update", edited))).startswith("done: Recorded")
    scene.fediverse.put(edited)
    await scene.hear(scene.jonas, scene.jonas.creates(first))
    assert scene.post(first["id"]).content == "<p>Nej</p>"
    assert scene.fresh_question().answer_count == 1


async def test_t72_whom_a_post_names_in_secret_the_community_does_not_pass_on(scene: Scene) -> None:
    secret = "https://k.example/users/karla"
    post = scene.jonas.note("answer", inReplyTo=scene.question.uri, bcc=[secret], tag=[{"type": "Note", "bto": secret}])
    await scene.hear(scene.jonas, {**scene.jonas.creates(post), "bto": [secret]})
    wraps = scene.inbox.read(lambda db: list(db.scalars(select(Activity).where(Activity.type == "Announce"))))
    passed_on = [
        wrap.data["embed"] for wrap in wraps if wrap.data.get("embed", {}).get("object", {}).get("id") == post["id"]
    ]
    assert [one["object"]["content"] for one in passed_on] == [post["content"]]
    assert secret not in str(passed_on)


async def test_an_actor_that_changed_is_read_anew_whatever_the_activity_says(scene: Scene) -> None:
    scene.jonas.doc["name"] = "Jonas Ny"
    assert (
        await scene.hear(scene.jonas, scene.jonas.does("Update", {**scene.jonas.doc, "name": "Ond"}, 1))
    ).startswith("done")
    assert scene.inbox.actor(scene.jonas.uri).name == "Jonas Ny"
    bare = {
        key: value for key, value in scene.jonas.does("Update", scene.jonas.uri).items() if key != "id"
    }  # WordPress
    assert (await scene.hear(scene.jonas, bare)).startswith("done: Read")


# Delete


@pytest.mark.parametrize("form", ["id", "tombstone", "whole"])
async def test_an_author_takes_his_post_back(form: str, scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    what = {"id": post["id"], "tombstone": {"type": "Tombstone", "id": post["id"]}, "whole": post}[form]
    assert (await scene.hear(scene.jonas, scene.jonas.does("Delete", what))).startswith("done: Deleted")
    row = scene.post(post["id"])
    assert (row.content, row.deleted_at is not None) == ("", True)


async def test_a_deleted_post_never_comes_back(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    await scene.hear(scene.jonas, scene.jonas.does("Delete", post["id"]))
    again = {**scene.jonas.creates(post), "id": scene.jonas.id("act/again")}
    assert (await scene.hear(scene.jonas, again)).startswith("ignored")
    newer = scene.jonas.does("Update", {**post, "updated": stamp(60)})
    assert await scene.hear(scene.jonas, newer) == "ignored: This post was deleted."
    undo = scene.jonas.does("Undo", scene.jonas.does("Delete", post["id"]))
    assert (await scene.hear(scene.jonas, undo)).startswith("ignored: A deleted post stays deleted")
    assert scene.post(post["id"]).content == ""


async def test_a_delete_that_comes_before_its_post_counts_if_its_author_sent_it(scene: Scene) -> None:
    eve = neighbour(scene.fediverse, "eve", "m.example")
    post = scene.jonas.note("late", inReplyTo=scene.question.uri)
    await scene.hear(eve, eve.does("Delete", post["id"]))
    assert (await scene.hear(scene.jonas, scene.jonas.creates(post))).startswith("done: Recorded")
    other = scene.jonas.note("later", inReplyTo=scene.question.uri)
    assert "if it comes" in await scene.hear(scene.jonas, scene.jonas.does("Delete", other["id"]))
    assert await scene.hear(scene.jonas, scene.jonas.creates(other)) == "ignored: This post was deleted."


async def test_nobody_else_deletes_a_post_and_the_unknown_is_never_asked_for(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    eve = neighbour(scene.fediverse, "eve", "m.example")
    for who in (eve, scene.karla):
        assert (await scene.hear(who, who.does("Delete", post["id"]))).startswith("ignored")
    before = len(scene.fediverse.asked)
    assert (await scene.hear(scene.karla, scene.karla.does("Delete", scene.jonas.id("unknown")))).startswith("ignored")
    assert len(scene.fediverse.asked) == before
    assert scene.post(post["id"]).deleted_at is None


async def test_an_actor_that_goes_takes_what_it_wrote_with_it(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    assert (await scene.hear(scene.jonas, scene.jonas.does("Delete", scene.jonas.uri))).startswith("done")
    assert scene.post(post["id"]).deleted_at is not None
    assert scene.inbox.actor(scene.jonas.uri).deleted_at is not None


async def test_a_moderator_elsewhere_removes_from_our_community_and_puts_back(scene: Scene) -> None:
    def appoint(db: Any) -> None:
        communities.add_moderator(db, None, actors.by_uri(db, SPOERG), actors.by_uri(db, scene.karla.uri))

    post = await scene.answer(scene.jonas)
    delete = scene.karla.does("Delete", post["id"], summary="Reklame")
    assert (await scene.hear(scene.karla, delete)).startswith("ignored")
    scene.inbox.write(appoint)
    assert (await scene.hear(scene.karla, {**delete, "id": scene.karla.id("act/2")})).startswith("done: Removed")
    assert scene.post(post["id"]).removed_at is not None
    assert scene.post(post["id"]).content == "<p>Ja.</p>"
    assert (await scene.hear(scene.karla, scene.karla.does("Undo", delete))).startswith("done")
    assert scene.post(post["id"]).removed_at is None


# Suspended authors


async def test_what_a_suspended_author_wrote_does_not_come_in_by_others(scene: Scene) -> None:
    scene.follows(LENE, scene.jonas.uri)
    post = scene.fediverse.put(scene.karla.note("x"))
    scene.inbox.write(lambda db: moderation.suspend(db, actors.by_uri(db, scene.karla.uri), by=None))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Announce", post["id"]))).startswith(
        "ignored: The author is suspended"
    )
    assert scene.inbox.read(lambda db: posts.by_uri(db, post["id"])) is None
