"""Bans from communities on the wire (FEP-1b12): what a Block with a target does here, and what of ours goes out."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from federation.writing import activities
from models import actors, bans, communities, exclusions, outbox, sanctions
from models.actors import Actor
from tests.conftest import Templates
from tests.dumping import dumped
from tests.federation.neighbours import PUBLIC, Json
from tests.federation.scenes import LENE, OMAR, SPOERG, Scene, opened

pytestmark = pytest.mark.anyio
NOTED = frozenset({"received", "memory", "peers"})


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from opened(templates)


def banned(scene: Scene, who: str, where: str) -> bool:
    def look(db: Session) -> bool:
        person, group = actors.by_uri(db, who), actors.by_uri(db, where)
        return person is not None and group is not None and bans.is_banned(db, person.id, group.id)

    return scene.inbox.read(look)


def block(scene: Scene, who: str, label: str = "ban", **more: object) -> Json:
    return scene.mona.does("Block", who, label, target=scene.group.uri, summary="Spam", **more)


async def test_a_community_elsewhere_shuts_one_of_ours_out_and_lets_him_in_again(scene: Scene) -> None:
    ban = block(scene, OMAR)
    assert (await scene.hear_wrapped(ban)).startswith("done: ")
    assert banned(scene, OMAR, scene.group.uri)
    undo = scene.mona.does("Undo", {key: ban[key] for key in ban if key != "@context"}, "undo-ban")
    assert (await scene.hear_wrapped(undo)).startswith("done: ")
    assert not banned(scene, OMAR, scene.group.uri)


async def test_who_has_an_account_here_is_told_what_the_moderator_said(scene: Scene) -> None:
    from models import accounts

    def sign_up(db: Session) -> int:
        return accounts.create(db, username="ida", email="ida@a.example", password="hemmeligt nok").id

    ida = scene.inbox.write(sign_up)
    await scene.hear_wrapped(block(scene, "https://a.example/u/ida"))
    (row,) = scene.inbox.read(lambda db: sanctions.of(db, ida))
    assert (row.kind, row.reason) == ("ban", "Spam")


async def test_a_ban_that_ends_by_itself_says_when(scene: Scene) -> None:
    await scene.hear_wrapped(block(scene, OMAR, endTime="2001-01-01T00:00:00Z"))
    assert not banned(scene, OMAR, scene.group.uri)


@pytest.mark.parametrize("name", ["endTime", "expires"])
async def test_a_ban_for_a_time_is_kept_with_its_end_and_a_second_block_changes_that(scene: Scene, name: str) -> None:
    def until(db: Session) -> datetime | None:
        person, group = actors.by_uri(db, OMAR), actors.by_uri(db, scene.group.uri)
        assert person is not None
        assert group is not None
        return db.get_one(bans.Ban, (group.id, person.id)).until

    await scene.hear_wrapped(block(scene, OMAR, **{name: "2101-01-01T00:00:00Z"}))
    assert scene.inbox.read(until) == datetime(2101, 1, 1, tzinfo=UTC)
    again = await scene.hear_wrapped(block(scene, OMAR, "shorter", **{name: "2100-01-01T00:00:00Z"}))
    assert again.startswith("done: ")
    assert scene.inbox.read(until) == datetime(2100, 1, 1, tzinfo=UTC)
    known = await scene.hear_wrapped(block(scene, OMAR, "same", **{name: "2100-01-01T00:00:00Z"}))
    assert known.startswith("ignored")
    await scene.hear_wrapped(block(scene, OMAR, "open"))
    assert scene.inbox.read(until) is None


async def test_a_ban_that_is_over_when_it_comes_is_told_to_nobody(scene: Scene) -> None:
    await scene.hear_wrapped(block(scene, "https://x.example/nobody"))
    before = dumped(scene.inbox.database, without=NOTED)
    assert (await scene.hear_wrapped(block(scene, OMAR, endTime="2001-01-01T00:00:00Z"))).startswith("ignored")
    assert dumped(scene.inbox.database, without=NOTED) == before


async def test_a_ban_that_was_taken_back_before_it_came_has_no_effect(scene: Scene) -> None:
    ban = block(scene, OMAR)
    undo = scene.mona.does("Undo", {key: ban[key] for key in ban if key != "@context"}, "undo-ban")
    await scene.hear_wrapped(undo)
    assert "taken back before" in await scene.hear_wrapped(ban)
    assert not banned(scene, OMAR, scene.group.uri)


async def test_it_counts_from_the_community_itself_and_its_moderators_only(scene: Scene) -> None:
    await scene.hear_wrapped(block(scene, "https://x.example/nobody"))  # from now on we know who moderates there
    before = dumped(scene.inbox.database, without=NOTED)
    refused = [
        (scene.mona, block(scene, OMAR, "direct")),
        (scene.group, scene.wraps(scene.jonas.does("Block", OMAR, "stranger", target=scene.group.uri))),
        (scene.group, scene.wraps(scene.mona.does("Block", OMAR, "ours", target=SPOERG))),
        (scene.jonas, scene.jonas.does("Block", OMAR, "ours too", target=SPOERG)),
        (scene.mona, scene.mona.does("Block", OMAR, "person", target=LENE)),
        (scene.group, scene.wraps(block(scene, scene.mona.uri, "a moderator"))),
    ]
    for who, activity in refused:
        assert (await scene.hear(who, activity)).startswith("ignored"), activity
    assert dumped(scene.inbox.database, without=NOTED) == before


async def test_a_moderator_elsewhere_bans_from_a_community_of_ours_which_passes_it_on(scene: Scene) -> None:
    def appoint(db: Session) -> None:
        group, mona = actors.by_uri(db, SPOERG), actors.by_uri(db, scene.mona.uri)
        assert group is not None
        assert mona is not None
        communities.add_moderator(db, None, group, mona)

    scene.inbox.write(appoint)
    ban = scene.mona.does("Block", scene.jonas.uri, "ban", target=SPOERG, summary="Spam")
    assert (await scene.hear(scene.mona, ban)).startswith("done: ")
    assert banned(scene, scene.jonas.uri, SPOERG)
    wraps = scene.inbox.read(lambda db: db.query(outbox.Activity).filter_by(type="Announce").all())
    assert wraps[-1].data["embed"]["id"] == ban["id"]
    post = scene.fediverse.put(scene.jonas.note("late", "<p>Køb</p>", inReplyTo=scene.question.uri))
    await scene.hear(scene.jonas, scene.jonas.creates(post))
    assert scene.post(post["id"]).held_for == "kept_out"
    assert "shut out" in await scene.hear(scene.jonas, scene.jonas.does("Like", scene.question.uri))
    assert scene.fresh_question().up == scene.question.up


async def test_what_goes_out_is_a_block_with_its_target_and_its_undo(scene: Scene) -> None:
    def find(db: Session, uri: str) -> Actor:
        found = actors.by_uri(db, uri)
        assert found is not None
        return found

    def act(db: Session) -> tuple[Json, Json, Json]:
        lene, group, jonas = find(db, LENE), find(db, SPOERG), find(db, scene.jonas.uri)
        exclusions.shut_out(db, lene, group, jonas, reason="Han generer folk", rule="Ingen reklame")
        exclusions.let_in(db, lene, group, jonas)
        rows = db.query(outbox.Activity).order_by(outbox.Activity.id).all()[-4:]
        block, wrap, undo, _ = (activities.activity_document(db, row) for row in rows)
        assert block
        assert wrap
        assert undo
        return block, wrap, undo

    block, wrap, undo = scene.inbox.write(act)
    assert {key: block[key] for key in block if key not in {"id", "@context"}} == {
        "type": "Block",
        "actor": LENE,
        "object": scene.jonas.uri,
        "target": SPOERG,
        "audience": SPOERG,
        "summary": "Ingen reklame",
        "to": [PUBLIC],
        "cc": [SPOERG, scene.jonas.uri],
    }
    assert (wrap["type"], wrap["actor"], wrap["object"]["id"]) == ("Announce", SPOERG, block["id"])
    assert (undo["type"], undo["object"]["id"], undo["object"]["target"]) == ("Undo", block["id"], SPOERG)
    assert "generer" not in str((block, wrap, undo))


async def test_a_ban_for_a_time_goes_out_with_its_end(scene: Scene) -> None:
    def act(db: Session) -> tuple[Json, Json, datetime]:
        lene, group, jonas = (actors.by_uri(db, uri) for uri in (LENE, SPOERG, scene.jonas.uri))
        assert lene
        assert group
        assert jonas
        exclusions.shut_out(db, lene, group, jonas, reason="Han generer folk", days=7)
        until = db.get_one(bans.Ban, (group.id, jonas.id)).until
        assert until is not None
        exclusions.let_in(db, lene, group, jonas)
        rows = db.query(outbox.Activity).order_by(outbox.Activity.id).all()[-4:]
        block, undo = (activities.activity_document(db, rows[number]) for number in (0, 2))
        assert block
        assert undo
        return block, undo, until

    block, undo, until = scene.inbox.write(act)
    assert block["endTime"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
    same = {key: block[key] for key in block if key not in {"@context", "summary"}}
    assert undo["object"] == same
