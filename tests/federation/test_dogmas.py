"""Dogmas between nodes: what another says of its own, who endorses what from where, and who votes."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from federation import polling, reading
from models import actors, adopting, audience, dogmas, endorsing, polls, posts, proposing, reactions
from models.actors import Actor
from models.base import clock
from models.dogmas import Dogma, DogmaEndorsement, Status
from models.notifications import Notification, NotificationKind
from models.posts import Kind, Post
from models.proposing import Principle
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import BOOKKEEPING, PUBLIC, Json, Neighbour, neighbour
from tests.federation.scenes import LENE, SPOERG, Scene
from tests.federation.test_experiences import known, maja, record

pytestmark = pytest.mark.anyio
DELER = Principle("Vi deler også det, der gik galt", "Også når svaret blev et nej.")


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def dogma(who: Neighbour, label: object = "dogma", /, **more: Any) -> Json:
    """A dogma of somebody elsewhere, as WIRE 5.8 has it."""
    return who.note(
        label,
        "<p><strong>Dogme 4: Vi deler også det, der gik galt</strong></p><p>Også et nej.</p>"
        "<p>♥ Tilslut dig ved at synes godt om dette opslag.</p>",
        **{
            "torv:kind": "dogma",
            "name": "Dogme 4: Vi deler også det, der gik galt",
            "torv:version": 2,
            "torv:endorsements": {"id": who.id("endorsements"), "type": "Collection", "totalItems": 118},
            "cc": [who.followers, LENE],
            **more,
        },
    )


def row(scene: Scene, post: Post) -> Dogma:
    return scene.inbox.read(lambda db: db.get_one(Dogma, post.id))


def ours(scene: Scene, *, adopted: bool = True, principle: Principle = DELER) -> Post:
    """A dogma of `spoerg`, by Lene."""

    def make(db: Session) -> int:
        lene = known(db, LENE)
        post = proposing.propose(db, lene, principle, known(db, SPOERG))
        if adopted:
            adopting.adopt(db, lene, post, "Ja.")
        return post.id

    id = scene.inbox.write(make)
    return scene.inbox.read(lambda db: posts.get(db, id))


def behind(scene: Scene, post: Post) -> list[tuple[str, str, int]]:
    """Who stands behind it, as what, for which version."""

    def look(db: Session) -> list[tuple[str, str, int]]:
        query = (
            select(Actor.uri, DogmaEndorsement.said_as, DogmaEndorsement.version)
            .join(Actor, Actor.id == DogmaEndorsement.actor_id)
            .where(DogmaEndorsement.post_id == post.id)
        )
        return sorted(tuple(one) for one in db.execute(query))

    return scene.inbox.read(look)


def votes(scene: Scene, post: Post) -> int:
    return scene.inbox.read(lambda db: posts.get(db, post.id).up)


# What comes


async def test_a_dogma_of_another_node_is_one_here_with_its_number_and_version(scene: Scene) -> None:
    post = await record(scene, scene.jonas, dogma(scene.jonas))
    assert (post.kind, post.title, post.content) == (
        Kind.DOGMA, "Dogme 4: Vi deler også det, der gik galt", "<p>Også et nej.</p>",
    )  # fmt: skip
    found = row(scene, post)
    assert (found.number, found.status, found.version, found.title) == (
        4, Status.ADOPTED, 2, "Vi deler også det, der gik galt",
    )  # fmt: skip
    assert (found.scope_id, found.endorsed_elsewhere) == (None, 118)
    assert "dogma" not in post.extra


async def test_a_proposal_says_so_and_an_unnumbered_one_is_a_proposal(scene: Scene) -> None:
    said = dogma(scene.jonas, "a", name="Forslag til dogme: Vi lytter", **{"torv:status": "proposed"})
    assert row(scene, await record(scene, scene.jonas, said)).status == Status.PROPOSED
    bare = dogma(scene.jonas, "b", name="Vi lytter")
    assert row(scene, await record(scene, scene.jonas, bare)).status == Status.PROPOSED


async def test_nobody_adopts_his_own_words_for_the_community_of_another_server(scene: Scene) -> None:
    """Jonas is on m.example; `spoerg` is ours, and `group` is on g.example."""
    for label, home in (("ours", SPOERG), ("theirs", scene.group.uri)):
        doc = dogma(scene.jonas, label, to=[home, PUBLIC], audience=home, **{"torv:number": 1})
        found = row(scene, await record(scene, scene.jonas, doc))
        assert (found.status, found.number) == (Status.PROPOSED, None)
    mine = scene.post(scene.jonas.note("ours")["id"])
    assert not scene.inbox.read(lambda db: dogmas.moderates(db, known(db, LENE), posts.get(db, mine.id)))


async def test_the_community_of_its_own_server_is_believed(scene: Scene) -> None:
    doc = dogma(scene.mona, to=[scene.group.uri, PUBLIC], audience=scene.group.uri)
    found = row(scene, await record(scene, scene.mona, doc))
    assert (found.status, found.number) == (Status.ADOPTED, 4)


async def test_a_new_version_is_kept_beside_the_old_and_endorsers_here_look_again(scene: Scene) -> None:
    eva = maja(scene)
    post = await record(scene, scene.jonas, dogma(scene.jonas))
    scene.inbox.write(lambda db: endorsing.endorse(db, actors.get(db, eva.id), posts.get(db, post.id)))
    newer = dogma(
        scene.jonas,
        content="<p>Altid.</p>",
        updated="2036-11-26T10:00:00Z",
        **{"torv:version": 3, "torv:changed": "Kortere."},
    )
    said = await scene.hear(scene.jonas, scene.jonas.does("Update", newer, "update"))
    assert said.startswith("done: A new edition"), said
    found = scene.inbox.read(lambda db: dogmas.versions(db, posts.get(db, post.id)))
    assert [(one.version, one.content, one.note) for one in found] == [
        (2, "<p>Også et nej.</p>", ""), (3, "<p>Altid.</p>", "Kortere."),
    ]  # fmt: skip
    assert row(scene, post).version == 3
    notices = scene.inbox.read(
        lambda db: db.scalars(
            select(Notification.account_id).where(Notification.kind == NotificationKind.DOGMA_VERSION)
        )
    )
    assert list(notices) == [eva.id]
    assert behind(scene, post) == [(eva.uri, "Person", 2)]


async def test_a_version_never_falls(scene: Scene) -> None:
    post = await record(scene, scene.jonas, dogma(scene.jonas))
    older = dogma(scene.jonas, content="<p>Andet.</p>", updated="2036-11-26T10:00:00Z", **{"torv:version": 1})
    await scene.hear(scene.jonas, scene.jonas.does("Update", older, "update"))
    assert row(scene, post).version == 2


async def test_how_many_endorse_it_elsewhere_is_fetched_when_it_is_looked_at_and_a_minute_old(scene: Scene) -> None:
    post = await record(scene, scene.jonas, dogma(scene.jonas))

    def counted_there(figure: int, **more: Any) -> None:
        total = {"id": scene.jonas.id("endorsements"), "type": "Collection", "totalItems": figure}
        scene.fediverse.documents[post.uri] = dogma(scene.jonas, **{"torv:endorsements": total, **more})

    counted_there(130)
    await polling.refresh_poll(scene.inbox.fed, post.id)
    assert row(scene, post).endorsed_elsewhere == 130
    counted_there(120)
    await polling.refresh_poll(scene.inbox.fed, post.id)
    assert row(scene, post).endorsed_elsewhere == 130
    clock.offset += polling.FRESH + 1
    await polling.refresh_poll(scene.inbox.fed, post.id)
    assert (row(scene, post).endorsed_elsewhere, row(scene, post).version) == (120, 2)
    clock.offset += polling.FRESH + 1
    scene.fediverse.documents[post.uri] = 503
    await polling.refresh_poll(scene.inbox.fed, post.id)
    assert row(scene, post).endorsed_elsewhere == 120
    clock.offset += polling.FRESH + 1
    counted_there(119, **{"torv:status": "withdrawn"})
    await polling.refresh_poll(scene.inbox.fed, post.id)
    clock.offset += polling.FRESH + 1
    with scene.fediverse.quiet() as asked:
        await polling.refresh_poll(scene.inbox.fed, post.id)
    assert asked == [], "nobody endorses it any more"


async def test_likes_tell_how_many_endorse_it_where_the_endorsements_do_not(scene: Scene) -> None:
    likes = {"id": scene.jonas.id("likes"), "type": "Collection", "totalItems": 7}
    named = dogma(scene.jonas, "a", likes=likes, **{"torv:endorsements": scene.jonas.id("endorsements")})
    assert row(scene, await record(scene, scene.jonas, named)).endorsed_elsewhere == 7
    both = dogma(scene.jonas, "b", likes=likes)
    assert row(scene, await record(scene, scene.jonas, both)).endorsed_elsewhere == 118


async def test_hostile_values_are_cut_or_dropped(scene: Scene) -> None:
    doc = dogma(
        scene.jonas,
        name="Dogme 99999999: <script>alert(1)</script>\u202e",
        **{
            "torv:version": -7,
            "torv:number": 10**30,
            "torv:status": "president",
            "torv:changed": {"a": 1},
            "torv:endorsements": {"totalItems": "mange"},
        },
    )
    found = row(scene, await record(scene, scene.jonas, doc))
    assert (found.version, found.number, found.status, found.endorsed_elsewhere) == (1, None, Status.PROPOSED, 0)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries(dict.fromkeys(("version", "status", "number", "changed", "endorsements"), ANY)))
@settings(max_examples=150)
async def test_whatever_a_dogma_says_of_itself_is_read_in_bounds(said: dict[str, Any]) -> None:
    doc = {
        "id": "https://m.example/n/1",
        "type": "Note",
        "attributedTo": "https://m.example/u/j",
        "content": "<p>x</p>",
        "torv:kind": "dogma",
        **{f"torv:{name}": value for name, value in said.items()},
    }
    found = reading.note(doc).extra[dogmas.IN_ROWS]
    assert 1 <= found["version"] <= dogmas.LAST_VERSION
    assert found.get("number", 1) in range(1_000_000)
    assert found.get("status", Status.ADOPTED) in set(Status)
    assert len(found.get("changed", "")) <= dogmas.MAX_CHANGED
    assert found.get("endorsements", 0) >= 0


# Endorsing


async def test_a_like_from_any_server_endorses_and_its_undo_withdraws(scene: Scene) -> None:
    post = ours(scene)
    like = scene.jonas.does("Like", post.uri, "like")
    assert (await scene.hear(scene.jonas, like)).startswith("done: A vote for")
    assert behind(scene, post) == [(scene.jonas.uri, "Person", 1)]
    assert votes(scene, post) == 1
    again = scene.jonas.does("Like", post.uri, "again")
    assert not (await scene.hear(scene.jonas, again)).startswith("done")
    assert votes(scene, post) == 1
    assert (await scene.hear(scene.jonas, scene.jonas.does("Undo", like, "undo"))).startswith("done")
    assert behind(scene, post) == []
    assert votes(scene, post) == 0


async def test_an_organisation_counts_as_one_if_its_like_says_so_and_nobody_else_does(scene: Scene) -> None:
    post = ours(scene)
    body = neighbour(scene.fediverse, "kommune", "k2.example", "Organization", **{"torv:municipalityCode": "0461"})
    plain = neighbour(scene.fediverse, "forening", "k3.example", "Organization")
    bot = neighbour(scene.fediverse, "bot", "k4.example", "Service")
    for one in (body, plain, bot):
        await scene.inbox.knows(one)
    claims = {"torv:as": "Organization"}
    for who, more in ((body, claims), (plain, {}), (bot, claims), (scene.jonas, claims)):
        said = await scene.hear(who, who.does("Like", post.uri, "like", to=[PUBLIC], cc=[SPOERG], **more))
        assert said.startswith("done"), said
    assert {uri: said_as for uri, said_as, _ in behind(scene, post)} == {
        body.uri: "Organization",
        plain.uri: "Person",
        bot.uri: "Person",
        scene.jonas.uri: "Person",
    }
    found = scene.inbox.read(lambda db: endorsing.behind(db, posts.get(db, post.id)))
    assert (found.count.organizations, found.count.people) == (1, 3)
    assert [(one.actor.uri, one.municipality) for one in found.bodies] == [(body.uri, "Odense")]


async def test_a_community_endorses_nothing(scene: Scene) -> None:
    post = ours(scene)
    await scene.hear(scene.group, scene.group.does("Like", post.uri, "like"))
    assert behind(scene, post) == []


async def test_a_second_like_renews_the_endorsement_for_a_later_version(scene: Scene) -> None:
    post = ours(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Like", post.uri, "one"))
    scene.inbox.write(
        lambda db: proposing.change(
            db, known(db, LENE), posts.get(db, post.id), Principle(DELER.title, "Altid."), "Kort."
        )
    )
    assert behind(scene, post) == [(scene.jonas.uri, "Person", 1)]
    too_far = scene.jonas.does("Like", post.uri, "two", **{"torv:version": 99})
    assert (await scene.hear(scene.jonas, too_far)).startswith("done")
    assert behind(scene, post) == [(scene.jonas.uri, "Person", 2)]
    assert votes(scene, post) == 1


async def test_what_its_community_wraps_counts_and_what_another_wraps_does_not(scene: Scene) -> None:
    doc = dogma(scene.mona, to=[scene.group.uri, PUBLIC], audience=scene.group.uri)
    post = await record(scene, scene.mona, doc)
    like = scene.karla.does("Like", post.uri, "like", **{"torv:as": "Person"})
    assert (await scene.hear_wrapped(like)).startswith("done")
    assert behind(scene, post) == [(scene.karla.uri, "Person", 2)]
    mine = ours(scene)
    await scene.hear_wrapped(scene.karla.does("Like", mine.uri, "other"))
    assert behind(scene, mine) == []


async def test_forged_likes_change_nothing(scene: Scene) -> None:
    post = ours(scene)
    await scene.inbox.knows(scene.karla)
    like = scene.karla.does("Like", post.uri, "like", **{"torv:as": "Organization"})
    before = scene.inbox.dump(without=BOOKKEEPING)
    for request in (
        scene.jonas.sends(like),  # signed by another than its actor
        scene.karla.sends(like, key=scene.jonas.private),
        scene.karla.sends(like, age=100_000),
    ):
        await scene.inbox.note(request)
    assert behind(scene, post) == []
    assert votes(scene, post) == 0
    assert scene.inbox.dump(without=BOOKKEEPING) == before
    once = scene.karla.sends(like)
    await scene.inbox.note(once)
    await scene.inbox.note(once)  # replayed
    assert len(behind(scene, post)) == votes(scene, post) == 1
    someone_elses = scene.jonas.does("Undo", like, "undo")
    await scene.hear(scene.jonas, someone_elses)
    assert len(behind(scene, post)) == 1


async def test_who_is_on_a_server_that_is_shut_out_is_no_longer_counted(scene: Scene) -> None:
    from models import moderation

    post = ours(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Like", post.uri, "like"))
    assert scene.inbox.read(lambda db: endorsing.count(db, posts.get(db, post.id))) == 1
    scene.inbox.write(lambda db: moderation.set_rule(db, "m.example", "block", "Spam"))
    assert scene.inbox.read(lambda db: endorsing.count(db, posts.get(db, post.id))) == 0


async def test_somebody_who_deletes_his_account_elsewhere_stands_behind_nothing(scene: Scene) -> None:
    post = ours(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Like", post.uri, "like"))
    scene.fediverse.documents[scene.jonas.uri] = 410
    await scene.hear(scene.jonas, scene.jonas.does("Delete", scene.jonas.uri, "gone"))
    assert behind(scene, post) == []


# Votes


def voting(scene: Scene) -> tuple[Post, Post]:
    post = ours(scene, adopted=False)
    vote = scene.inbox.write(lambda db: adopting.open_vote(db, known(db, LENE), posts.get(db, post.id), 7, 1).id)
    return post, scene.inbox.read(lambda db: posts.get(db, vote))


def ballot(who: Neighbour, vote: Post, name: str, label: str) -> Json:
    choice = who.note(label, "", name=name, inReplyTo=vote.uri, to=[LENE])
    del choice["content"]
    return who.creates(choice)


async def test_members_elsewhere_vote_and_nobody_else(scene: Scene) -> None:
    post, vote = voting(scene)
    yes = adopting.OPTIONS["da"][adopting.FOR]
    said = await scene.hear(scene.jonas, ballot(scene.jonas, vote, yes, "b1"))
    assert "Only members vote" in said
    assert scene.inbox.read(lambda db: [one.votes for one in polls.options(db, vote.id)]) == [0, 0]
    scene.follows(scene.jonas.uri, SPOERG)
    assert (await scene.hear(scene.jonas, ballot(scene.jonas, vote, yes, "b2"))).startswith("done: Counted a vote")
    await scene.hear(scene.jonas, ballot(scene.jonas, vote, adopting.OPTIONS["da"][adopting.AGAINST], "b3"))
    assert scene.inbox.read(lambda db: [one.votes for one in polls.options(db, vote.id)]) == [1, 0]
    scene.inbox.write(lambda db: adopting.closed(db, posts.get(db, vote.id)))
    assert row(scene, post).status == Status.ADOPTED


async def test_the_poll_names_members_elsewhere(scene: Scene) -> None:
    scene.follows(scene.jonas.uri, SPOERG)
    _, vote = voting(scene)
    named = scene.inbox.read(lambda db: [one.uri for one in audience.recipients(db, vote, mentioned_only=True)])
    assert named == [scene.jonas.uri]


async def test_a_deleted_dogma_of_another_node_leaves_nothing(scene: Scene) -> None:
    eva = maja(scene)
    post = await record(scene, scene.jonas, dogma(scene.jonas))
    scene.inbox.write(lambda db: reactions.vote(db, actors.get(db, eva.id), posts.get(db, post.id)))
    scene.fediverse.documents[post.uri] = 410
    await scene.hear(scene.jonas, scene.jonas.does("Delete", post.uri, "delete"))

    def left(db: Session) -> list[int]:
        tables = (Dogma, dogmas.DogmaVersion, DogmaEndorsement)
        return [db.scalar(select(func.count()).where(table.post_id == post.id)) or 0 for table in tables]

    assert scene.inbox.read(left) == [0, 0, 0]
