"""Follow, Block, Move, Flag, Join, votes and boosts, and taking them back: who may say what about whom, in any order."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from models import actors, blocks, cases, communities, composing, follows, outbox, pins, reactions
from models.base import clock
from models.outbox import Activity
from models.posts import Draft
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import PUBLIC, Neighbour, neighbour
from tests.federation.scenes import LENE, OMAR, SPOERG, Scene

pytestmark = pytest.mark.anyio


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def state(scene: Scene, follower: str, target: str) -> str | None:
    """How far a follow has come."""

    def look(db: Any) -> str | None:
        return follows.state(db, actors.by_uri(db, follower).id, actors.by_uri(db, target).id)  # type: ignore[union-attr]

    return scene.inbox.read(look)  # type: ignore[no-any-return]


def sent(scene: Scene, type: str) -> list[outbox.Activity]:
    """Activities of that type in the outbox."""
    return scene.inbox.read(lambda db: db.query(outbox.Activity).filter_by(type=type).all())  # type: ignore[no-any-return]


# Follow


@pytest.mark.parametrize("target", [LENE, SPOERG])
async def test_open_accounts_and_communities_accept_at_once_and_say_so(target: str, scene: Scene) -> None:
    follow = scene.jonas.does("Follow", target)
    assert await scene.hear(scene.jonas, follow) == f"done: {scene.jonas.uri} follows {target}: accepted."
    (accept,) = sent(scene, "Accept")
    assert accept.data["embed"] == {"id": follow["id"], "type": "Follow", "actor": scene.jonas.uri, "object": target}


async def test_a_locked_account_decides_itself(scene: Scene) -> None:
    scene.inbox.write(lambda db: setattr(actors.by_uri(db, OMAR), "locked", True))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Follow", OMAR))).endswith("pending.")
    assert sent(scene, "Accept") == []


async def test_a_community_that_follows_a_community_waits_for_a_moderator(scene: Scene) -> None:
    assert (await scene.hear(scene.group, scene.group.does("Follow", SPOERG))).endswith("pending.")


async def test_who_asks_again_hears_accept_again(scene: Scene) -> None:
    for at in range(3):
        assert (await scene.hear(scene.jonas, scene.jonas.does("Follow", LENE, at))).endswith("accepted.")
    assert len(sent(scene, "Accept")) == 3


async def test_who_is_blocked_does_not_follow(scene: Scene) -> None:
    scene.inbox.write(lambda db: blocks.block(db, actors.by_uri(db, LENE), actors.by_uri(db, scene.jonas.uri)))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Follow", LENE))).startswith("ignored: One of the two")
    assert state(scene, scene.jonas.uri, LENE) is None


# Accept and Reject


@pytest.fixture
async def asked(scene: Scene) -> dict[str, Any]:
    """Lene's Follow of Jonas, waiting for his answer."""

    def ask(db: Any) -> str:
        return follows.request(db, actors.by_uri(db, LENE), actors.by_uri(db, scene.jonas.uri)).uri

    return {"id": scene.inbox.write(ask), "type": "Follow", "actor": LENE, "object": scene.jonas.uri}


@pytest.mark.parametrize("form", ["whole", "id", "without id", "actor embedded"])
async def test_an_answer_names_or_describes_our_follow(form: str, scene: Scene, asked: dict[str, Any]) -> None:
    said = {
        "whole": asked,
        "id": asked["id"],
        "without id": {**asked, "id": "https://a.example/activities/0"},
        "actor embedded": {**asked, "actor": {"id": LENE, "type": "Person", "name": "Lene"}},
    }[form]
    assert (await scene.hear(scene.jonas, scene.jonas.does("Accept", said))).startswith("done")
    assert state(scene, LENE, scene.jonas.uri) == "accepted"
    assert (await scene.hear(scene.jonas, scene.jonas.does("Reject", said))).startswith("done")
    assert state(scene, LENE, scene.jonas.uri) is None


async def test_only_whom_we_asked_can_answer(scene: Scene, asked: dict[str, Any]) -> None:
    for at, body in enumerate((asked, asked["id"], {**asked, "object": scene.karla.uri})):
        for type in ("Accept", "Reject"):
            assert (await scene.hear(scene.karla, scene.karla.does(type, body, f"{type}{at}"))).startswith("ignored")
    assert state(scene, LENE, scene.jonas.uri) == "pending"


async def test_an_accept_of_what_we_never_asked_makes_no_follow(scene: Scene) -> None:
    forged = {"id": "https://a.example/activities/7", "type": "Follow", "actor": OMAR, "object": scene.jonas.uri}
    assert await scene.hear(scene.jonas, scene.jonas.does("Accept", forged)) == "ignored: We never asked."
    assert state(scene, OMAR, scene.jonas.uri) is None


async def test_a_posts_followers_are_not_those_who_wait(scene: Scene, asked: dict[str, Any]) -> None:
    post = scene.jonas.note("secret", to=[scene.jonas.followers], cc=[])
    assert (await scene.hear(scene.jonas, scene.jonas.creates(post))).startswith("ignored: Nobody here follows")


# Undo, in and out of order


async def test_an_undo_is_the_actors_own(scene: Scene) -> None:
    follow = scene.jonas.does("Follow", LENE)
    await scene.hear(scene.jonas, follow)
    for at, object in enumerate((follow, follow["id"])):
        assert (await scene.hear(scene.karla, scene.karla.does("Undo", object, at))).startswith("ignored")
    claimed = scene.karla.does("Undo", {**follow, "actor": scene.karla.uri}, "claimed")
    assert (await scene.hear(scene.karla, claimed)).startswith("ignored")
    assert state(scene, scene.jonas.uri, LENE) == "accepted"


@pytest.mark.parametrize("form", ["whole", "id", "another id", "without actor"])
async def test_an_undo_names_or_describes_what_is_undone(form: str, scene: Scene) -> None:
    follow = scene.jonas.does("Follow", LENE)
    await scene.hear(scene.jonas, follow)
    said = {
        "whole": follow,
        "id": follow["id"],
        "another id": {**follow, "id": scene.jonas.id("other")},
        "without actor": {key: value for key, value in follow.items() if key != "actor"},
    }[form]
    assert (await scene.hear(scene.jonas, scene.jonas.does("Undo", said))).startswith("done")
    assert state(scene, scene.jonas.uri, LENE) is None


@pytest.mark.parametrize("type", ["Follow", "Like", "Announce", "Block"])
async def test_an_undo_that_comes_first_is_remembered(type: str, scene: Scene) -> None:
    act = scene.jonas.does(type, LENE if type in ("Follow", "Block") else scene.question.uri)
    assert "if it comes" in await scene.hear(scene.jonas, scene.jonas.does("Undo", act, 1))
    assert await scene.hear(scene.jonas, act) == "ignored: It was taken back before it came."
    again = {**act, "id": scene.jonas.id("act/again")}
    assert (await scene.hear(scene.jonas, again)).startswith("done")


async def test_the_undo_is_forgotten_after_six_hours(scene: Scene) -> None:
    like = scene.jonas.does("Like", scene.question.uri)
    await scene.hear(scene.jonas, scene.jonas.does("Undo", like, 1))
    clock.offset += 6 * 3600 + 1
    assert (await scene.hear(scene.jonas, like)).startswith("done")


async def test_a_like_whose_id_repeats_comes_and_goes_any_number_of_times(scene: Scene) -> None:
    like = scene.jonas.does("Like", scene.question.uri)  # NodeBB's have no time in them
    for at in range(3):
        clock.offset += 5
        assert (await scene.hear(scene.jonas, like)).startswith("done: A vote")
        clock.offset += 5
        assert (await scene.hear(scene.jonas, scene.jonas.does("Undo", like, at))).startswith("done: Took")
        assert (await scene.hear(scene.jonas, scene.jonas.does("Undo", like, f"{at}b"))).startswith(
            "ignored: There is nothing"
        )
    assert scene.fresh_question().up == 0


# Votes


async def test_one_vote_for_each_actor_and_post_whatever_it_is_called(scene: Scene) -> None:
    acts = (("Like", {}), ("Like", {"content": "🎉"}), ("EmojiReact", {"content": "👍"}), ("Like", {}))
    for at, (type, more) in enumerate(acts):
        await scene.hear(scene.jonas, scene.jonas.does(type, scene.question.uri, at, **more))
    assert scene.fresh_question().up == 1


@pytest.mark.parametrize(
    ("more", "emoji"),
    [
        ({"content": "👍"}, "👍"),
        ({"content": ":blobcat:", "tag": {"type": "Emoji", "name": ":blobcat:"}}, ":blobcat:"),
        ({"content": ":blobcat:"}, ""),
        ({"content": "Køb billige ure"}, ""),
        ({"content": "<script>alert(1)</script>"}, ""),
        ({"content": "👍" * 50_000}, ""),
        ({}, ""),
    ],
)
async def test_a_reaction_keeps_its_emoji_if_it_is_one(more: dict[str, Any], emoji: str, scene: Scene) -> None:
    await scene.hear(scene.jonas, scene.jonas.does("EmojiReact", scene.question.uri, **more))
    (vote,) = scene.inbox.read(lambda db: db.query(reactions.Vote).all())
    assert vote.emoji == emoji


async def test_a_vote_that_changes_where_down_does_not_count_is_taken_back(scene: Scene) -> None:
    await scene.hear(scene.jonas, scene.jonas.does("Like", scene.question.uri))
    assert "down votes do not count" in await scene.hear(scene.jonas, scene.jonas.does("Dislike", scene.question.uri))
    assert (scene.fresh_question().up, scene.fresh_question().down) == (0, 0)
    again = scene.jonas.does("Dislike", scene.question.uri, 2)
    assert await scene.hear(scene.jonas, again) == "ignored: Down votes do not count here."


async def test_nobody_votes_for_or_boosts_what_he_cannot_see(scene: Scene) -> None:
    draft = Draft("Hemmeligt @omar", visibility="direct")
    secret = scene.inbox.write(lambda db: composing.note(db, actors.by_uri(db, LENE), draft))
    unknown = "https://a.example/p/1"
    for type in ("Like", "Announce", "EmojiReact"):
        real = await scene.hear(scene.jonas, scene.jonas.does(type, secret.uri, type))
        made_up = await scene.hear(scene.jonas, scene.jonas.does(type, unknown, type + "0"))
        assert real.startswith("ignored")
        assert made_up.startswith("ignored")
    assert scene.post(secret.uri).up == scene.post(secret.uri).boost_count == 0


# Announce


async def test_a_boost_of_ours_counts_from_anybody_and_of_others_from_the_followed(scene: Scene) -> None:
    other = scene.fediverse.put(scene.karla.note("other"))
    assert (await scene.hear(scene.jonas, scene.jonas.does("Announce", scene.question.uri))).startswith("done: A boost")
    assert (await scene.hear(scene.jonas, scene.jonas.does("Announce", other["id"], 1))).startswith(
        "ignored: Nobody here"
    )
    scene.follows(LENE, scene.jonas.uri)
    assert (await scene.hear(scene.jonas, scene.jonas.does("Announce", other["id"], 2))).startswith("done: A boost")
    undo = scene.jonas.does("Undo", scene.jonas.does("Announce", other["id"], 2))
    assert (await scene.hear(scene.jonas, undo)).startswith("done: Took the boost")


@pytest.mark.parametrize("who", ["person", "community"])
async def test_what_is_not_for_everybody_is_not_shown_by_a_boost(who: str, scene: Scene) -> None:
    scene.follows(LENE, scene.jonas.uri)
    by = scene.jonas if who == "person" else scene.group
    secret = scene.fediverse.put(scene.karla.note("secret", to=[scene.karla.followers], cc=[]))
    copied = {**secret, "to": [PUBLIC]}
    assert (await scene.hear(by, by.does("Announce", copied))).startswith("ignored: The post is not there")
    assert not scene.has(secret["id"])


# Block


async def test_a_block_hides_both_from_each_other_until_it_is_taken_back(scene: Scene) -> None:
    scene.follows(scene.jonas.uri, LENE)
    block = scene.jonas.does("Block", LENE)
    assert (await scene.hear(scene.jonas, block)).startswith("done")
    assert state(scene, scene.jonas.uri, LENE) is None
    assert (await scene.hear(scene.jonas, scene.jonas.does("Undo", block))).startswith("done")


async def test_nobody_blocks_for_another(scene: Scene) -> None:
    forged = scene.jonas.does("Block", LENE)
    assert (await scene.inbox.takes(scene.karla.sends(forged))).status == 403
    assert not scene.inbox.read(lambda db: db.query(blocks.Block).all())


# Move


async def _mover(scene: Scene, **more: Any) -> Neighbour:
    scene.follows(LENE, scene.jonas.uri)
    return neighbour(scene.fediverse, "jonas2", "n.example", **more)


async def test_followers_go_along_if_the_new_account_was_the_old_one(scene: Scene) -> None:
    new = await _mover(scene, alsoKnownAs=[scene.jonas.uri])
    assert (await scene.hear(scene.jonas, scene.jonas.does("Move", scene.jonas.uri, target=new.uri))).startswith("done")
    assert state(scene, LENE, scene.jonas.uri) is None
    assert state(scene, LENE, new.uri) == "pending"


@pytest.mark.parametrize("more", [{}, {"alsoKnownAs": ["https://x.example/y"]}])
async def test_nobody_moves_onto_somebody_elses_account(more: dict[str, Any], scene: Scene) -> None:
    new = await _mover(scene, **more)
    assert (await scene.hear(scene.jonas, scene.jonas.does("Move", scene.jonas.uri, target=new.uri))).startswith(
        "ignored"
    )
    assert state(scene, LENE, scene.jonas.uri) == "accepted"


async def test_moves_are_a_week_apart_and_make_no_chains(scene: Scene) -> None:
    new = await _mover(scene, alsoKnownAs=[scene.jonas.uri], movedTo="https://x.example/z")
    assert (await scene.hear(scene.jonas, scene.jonas.does("Move", scene.jonas.uri, 1, target=new.uri))).startswith(
        "ignored"
    )
    new.doc.pop("movedTo")
    assert (await scene.hear(scene.jonas, scene.jonas.does("Move", scene.jonas.uri, 2, target=new.uri))).startswith(
        "done"
    )
    third = neighbour(scene.fediverse, "jonas3", "n.example", alsoKnownAs=[scene.jonas.uri])
    move = scene.jonas.does("Move", scene.jonas.uri, 3, target=third.uri)
    assert "less than 7 days" in await scene.hear(scene.jonas, move)


# Flag


@pytest.mark.parametrize("form", ["array", "one", "summary"])
async def test_a_report_reaches_the_moderators(form: str, scene: Scene) -> None:
    what: Any = scene.question.uri if form == "one" else [scene.question.uri, LENE]
    words = {"summary": "Reklame"} if form == "summary" else {"content": "Reklame"}
    assert (await scene.hear(scene.jonas, scene.jonas.does("Flag", what, **words))).startswith("done: A report about")
    (listed,) = scene.inbox.read(cases.waiting)
    report, who, target = listed.report, listed.reporter, listed.target
    assert (report.comment, who.uri, target.uri) == ("Reklame", scene.jonas.uri, LENE)


async def test_a_report_is_cut_and_a_flood_of_them_stops(scene: Scene) -> None:
    many = [scene.question.uri, *(f"https://x.example/{at}" for at in range(10_000))]
    assert (await scene.hear(scene.jonas, scene.jonas.does("Flag", many, content="x" * 90_000))).startswith("done")
    report = scene.inbox.read(cases.waiting)[0].report
    assert len(report.comment) <= 5000
    assert len(report.post_uris) <= 50
    ended = [await scene.hear(scene.jonas, scene.jonas.does("Flag", LENE, at)) for at in range(25)]
    assert ended[-1] == "ignored: Too many reports by one actor in an hour."


# Collections of one's own


async def test_only_the_owner_changes_what_he_shows_first(scene: Scene) -> None:
    post = await scene.answer(scene.jonas)
    forged = scene.karla.does("Add", post["id"], target=f"{scene.jonas.uri}/featured")
    assert (await scene.hear(scene.karla, forged)).startswith("ignored: The collection is not the sender's own")
    foreign = scene.jonas.does("Add", scene.theirs["id"], 1, target=f"{scene.jonas.uri}/featured")
    assert (await scene.hear(scene.jonas, foreign)).startswith("ignored: The post is neither")
    own = scene.jonas.does("Add", post["id"], target=f"{scene.jonas.uri}/featured")
    del own["id"]  # Takahē
    assert (await scene.hear(scene.jonas, own)).startswith("done")
    jonas = scene.inbox.actor(scene.jonas.uri)
    assert scene.inbox.read(lambda db: [one.uri for one in pins.pinned(db, jonas.id)]) == [post["id"]]


async def test_a_moderator_elsewhere_appoints_another_in_our_community(scene: Scene) -> None:
    add = scene.karla.does("Add", scene.jonas.uri, target=f"{SPOERG}/moderators")
    assert (await scene.hear(scene.karla, add)).startswith("ignored: The sender does not moderate")
    scene.inbox.write(
        lambda db: communities.add_moderator(db, None, actors.by_uri(db, SPOERG), actors.by_uri(db, scene.karla.uri))
    )
    assert (await scene.hear(scene.karla, {**add, "id": scene.karla.id("act/2")})).startswith("done")
    assert scene.inbox.read(
        lambda db: communities.is_moderator(db, actors.by_uri(db, scene.jonas.uri).id, actors.by_uri(db, SPOERG).id)
    )
    wraps = scene.inbox.read(lambda db: db.scalars(select(Activity).where(Activity.type == "Announce")).all())
    assert [(one.object_uri, one.data["embed"]["object"]) for one in wraps if "embed" in one.data] == [
        (scene.karla.id("act/2"), scene.jonas.uri)
    ]


# Join


async def test_who_signs_up_is_told_that_nobody_can(scene: Scene) -> None:
    join = scene.jonas.does("Join", scene.question.uri)
    assert (await scene.hear(scene.jonas, join)).startswith("done: Declined")
    (reject,) = sent(scene, "Reject")
    assert reject.to == [scene.jonas.uri]
    assert reject.data["embed"]["id"] == join["id"]
