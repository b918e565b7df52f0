"""Reports between nodes: what another says of its own, who may speak of whose, and who is told."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, actors, experience_cases, experience_people, gap, links, reactions, sharing
from models.actors import Actor
from models.experience_people import As
from models.experiences import Experience, Part, Report
from models.gap import Count
from models.links import Tie
from models.notifications import Notification, NotificationKind
from models.posts import Kind, Post
from models.sharing import Around
from tests.conftest import Templates
from tests.federation import scenes
from tests.federation.neighbours import PUBLIC, Json, Neighbour
from tests.federation.scenes import LENE, SPOERG, Scene

pytestmark = pytest.mark.anyio

OURS = Report(
    "Sådan gjorde vi", "Kort.", {Part.WANTED: "Vi ville."}, {"regler": "Nej."}, phase="pilot", outcome="delvist"
)


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    yield from scenes.opened(templates)


def article(who: Neighbour, label: object = "report", /, **more: Any) -> Json:
    """A report of somebody elsewhere, as a Torv node writes it."""
    return who.note(
        label,
        "<p><strong>Løb med mening</strong></p><h3>Det ville vi</h3><p>Løbe.</p>",
        **{
            "type": "Article",
            "torv:kind": "experience",
            "name": "Løb med mening",
            "summary": "<p><strong>Barrierer:</strong> regler. Vi løb.</p>",
            "torv:barrier": ["regler", "vaner"],
            "torv:phase": "pilot",
            "torv:outcome": "delvist",
            "torv:municipality": "0101",
            "torv:kle": "27.35.04",
            "torv:section": [
                {"torv:part": "wanted", "torv:text": "Løbe **sammen**."},
                {"torv:part": "barrier", "torv:barrier": "regler", "torv:text": "Attesten."},
                {"torv:part": "rule", "torv:text": "§ 2", "torv:href": "https://lov.example/2"},
            ],
            "cc": [who.followers, SPOERG],
            **more,
        },
    )


async def record(scene: Scene, who: Neighbour, doc: Json) -> Post:
    scene.fediverse.put(doc)
    said = await scene.hear(who, who.creates(doc))
    assert said.startswith("done: Recorded"), said
    return scene.post(doc["id"])


def row(scene: Scene, post: Post) -> Experience:
    return scene.inbox.read(lambda db: db.get_one(Experience, post.id))


def known(db: Session, uri: str) -> Actor:
    found = actors.by_uri(db, uri)
    assert found is not None
    return found


def maja(scene: Scene) -> Actor:
    """Somebody of ours who has an account, and so is told of things."""

    def make(db: Session) -> int:
        account = accounts.create(db, username="maja", email="m@a.example", password="langt kodeord her", name="Maja")
        return account.id

    id = scene.inbox.write(make)
    return scene.inbox.read(lambda db: actors.get(db, id))


def ours(scene: Scene, author: Actor, **around: Any) -> Post:
    return scene.inbox.write(lambda db: sharing.publish(db, actors.get(db, author.id), OURS, Around(**around)))


def told(scene: Scene) -> set[str]:
    return set(scene.inbox.read(lambda db: db.scalars(select(Notification.kind)).all()))


async def test_a_report_of_another_node_keeps_its_parts_and_is_counted(scene: Scene) -> None:
    post = await record(scene, scene.jonas, article(scene.jonas))
    assert (post.kind, post.object_type, post.title) == (Kind.EXPERIENCE, "Article", "Løb med mening")
    assert post.content.startswith("<h3>Det ville vi</h3>")
    found = row(scene, post)
    assert found.parts == {"wanted": "Løbe **sammen**.", "rule": "§ 2"}
    assert found.obstacles == {"regler": "Attesten.", "vaner": ""}
    assert (found.rule_url, found.kle, found.municipality) == ("https://lov.example/2", "27.35.04", "0101")
    assert "sections" not in post.extra

    def findable(db: Session) -> None:
        known(db, scene.jonas.uri).indexable = True

    scene.inbox.write(findable)
    assert scene.inbox.read(gap.counts) == [Count(("vaner", "regler"), "pilot", "delvist", "0101", 1)]


async def test_hostile_values_are_cut_cleaned_or_dropped(scene: Scene) -> None:
    doc = article(
        scene.jonas,
        **{
            "content": "<p>Ja<script>alert(1)</script></p>",
            "torv:barrier": ["regler", {"a": 1}, "vejret", *["x" * 500] * 300],
            "torv:phase": "pi\u202elot\n" + "x" * 1000,
            "torv:outcome": {"id": "https://m.example/o"},
            "torv:municipality": "'; DROP TABLE posts",
            "torv:kle": "9" * 100,
            "torv:coAuthor": [LENE, "javascript:alert(1)", *[f"https://m.example/users/u{n}" for n in range(50)]],
            "torv:contact": "file:///etc/passwd",
            "torv:followUpOf": {"id": "http://127.0.0.1/"},
            "torv:section": [
                None,
                "text",
                {"torv:part": "tried", "torv:text": "x" * 20_000},
                {"torv:part": "rule", "torv:href": "javascript:alert(1)"},
                {"torv:part": "barrier", "torv:barrier": "../../x", "torv:text": "y"},
                {"torv:part": "wanted", "torv:text": "<script>alert(1)</script>"},
                *[{"torv:part": "cost", "torv:text": "z"}] * 100,
            ],
        },
    )
    post = await record(scene, scene.jonas, doc)
    assert "script" not in post.content
    found = row(scene, post)
    assert found.parts == {"wanted": "<script>alert(1)</script>", "cost": "z"}  # Markdown, made harmless where shown
    assert (found.rule_url, found.municipality, found.outcome) == ("", "", "")
    assert len(found.phase) <= 60
    assert "\u202e" not in found.phase
    assert len(found.kle) <= 20
    assert not found.is_follow_up
    assert list(found.obstacles) == ["regler"]
    assert scene.inbox.read(lambda db: experience_people.people(db, post, As.CO_AUTHOR)) == []


async def test_an_article_of_another_program_stays_an_ordinary_one(scene: Scene) -> None:
    doc = {key: value for key, value in article(scene.jonas).items() if not key.startswith("torv:")}
    post = await record(scene, scene.jonas, {**doc, "audience": SPOERG})
    assert post.kind == Kind.QUESTION
    alone = await record(scene, scene.jonas, {**doc, "id": scene.jonas.id("notes/2"), "cc": [LENE]})
    assert alone.kind == Kind.NOTE
    assert scene.inbox.read(lambda db: db.scalar(select(Experience))) is None


async def test_an_update_changes_how_it_stands_and_keeps_how_it_stood(scene: Scene) -> None:
    doc = article(scene.jonas)
    post = await record(scene, scene.jonas, doc)
    later = {**doc, "torv:phase": "drift", "torv:outcome": "lykkedes", "updated": "2099-01-01T00:00:00Z"}
    update = scene.jonas.does("Update", later, "update", to=[PUBLIC])
    assert (await scene.hear(scene.jonas, update)).startswith("done")
    states = scene.inbox.read(lambda db: [(s.phase, s.outcome) for s in experience_cases.states(db, post.id)])
    assert states == [("pilot", "delvist"), ("drift", "lykkedes")]


@pytest.mark.parametrize("first", ["case", "follow-up"])
async def test_what_happened_since_counts_in_whatever_order_it_comes(scene: Scene, first: str) -> None:
    case = article(scene.jonas)
    since = {"torv:followUpOf": case["id"], "torv:phase": "drift", "torv:outcome": "lykkedes", "cc": [LENE]}
    follow_up = article(scene.jonas, "since", **since)
    for doc in (case, follow_up) if first == "case" else (follow_up, case):
        await record(scene, scene.jonas, doc)
    found = row(scene, scene.post(case["id"]))
    assert (found.phase, found.outcome) == ("drift", "lykkedes")
    assert row(scene, scene.post(follow_up["id"])).is_follow_up


async def test_what_somebody_else_says_of_a_case_changes_nothing_there(scene: Scene) -> None:
    case = await record(scene, scene.jonas, article(scene.jonas))
    claimed = article(scene.karla, "claim", **{"torv:followUpOf": case.uri, "torv:outcome": "nej", "cc": [LENE]})
    await record(scene, scene.karla, claimed)
    assert row(scene, case).outcome == "delvist"
    assert scene.inbox.read(lambda db: experience_cases.follow_ups(db, None, case)) == []


async def test_who_is_done_after_elsewhere_hears_of_it_and_sees_where(scene: Scene) -> None:
    mine = ours(scene, author := maja(scene))
    theirs = await record(
        scene,
        scene.jonas,
        article(
            scene.jonas,
            **{
                "torv:adaptedFrom": mine.uri,
                "cc": [author.uri],
                "tag": [{"type": "Mention", "href": author.uri, "name": "@maja@a.example"}],
            },
        ),
    )
    assert told(scene) == {NotificationKind.REPLICATED}
    found = scene.inbox.read(lambda db: links.to(db, None, mine, Tie.ADAPTED_FROM))
    assert [one.uri for one in found] == [theirs.uri]


async def test_a_link_leads_to_a_post_that_comes_later(scene: Scene) -> None:
    case = await record(
        scene, scene.jonas, article(scene.jonas, **{"torv:practises": [scene.karla.id("notes/dogma")], "cc": [LENE]})
    )
    assert scene.inbox.read(lambda db: [one.post for one in links.of(db, None, case)]) == [None]
    dogma = scene.fediverse.put(scene.karla.note("dogma", **{"torv:kind": "dogma", "name": "Vi deler", "cc": [LENE]}))
    await record(scene, scene.karla, dogma)
    found = scene.inbox.read(lambda db: [one.post.title for one in links.of(db, None, case) if one.post])
    assert found == ["Vi deler"]


async def test_somebody_elsewhere_becomes_co_author_by_a_like_and_is_none_after_its_undo(scene: Scene) -> None:
    author = maja(scene)
    jonas = scene.inbox.read(lambda db: known(db, scene.jonas.uri))
    mine = ours(scene, author, co_authors=(jonas,))
    ask = scene.inbox.read(lambda db: db.scalars(select(Post).where(Post.visibility == "direct")).one())
    assert mine.uri == ask.extra["invites"]
    like = scene.jonas.does("Like", ask.uri, "like")
    assert (await scene.hear(scene.jonas, like)).startswith("done")
    named = lambda: scene.inbox.read(lambda db: [a.uri for a in experience_people.people(db, mine, As.CO_AUTHOR)])  # noqa: E731
    assert named() == [scene.jonas.uri]
    assert NotificationKind.CO_AUTHOR_ACCEPTED in told(scene)
    await scene.hear(scene.jonas, scene.jonas.does("Undo", like, "undo"))
    assert named() == []


@pytest.mark.parametrize(
    ("words", "named"), [("Ja, gerne!", True), ("yes", True), ("Nej tak.", False), ("Hvad?", False)]
)
async def test_somebody_elsewhere_answers_in_words(scene: Scene, words: str, named: bool) -> None:
    author = maja(scene)
    jonas = scene.inbox.read(lambda db: known(db, scene.jonas.uri))
    mine = ours(scene, author, co_authors=(jonas,))
    ask = scene.inbox.read(lambda db: db.scalars(select(Post).where(Post.visibility == "direct")).one())
    mention = f'<p><span class="h-card"><a href="{author.uri}" class="u-url mention">@<span>maja</span></a></span> {words}</p>'
    reply = scene.jonas.note("reply", mention, inReplyTo=ask.uri, to=[author.uri], cc=[])
    assert (await scene.hear(scene.jonas, scene.jonas.creates(reply))).startswith("done")
    people = scene.inbox.read(lambda db: experience_people.people(db, mine, As.CO_AUTHOR))
    assert bool(people) is named


async def test_a_stranger_who_likes_the_invitation_of_another_is_not_named(scene: Scene) -> None:
    author = maja(scene)
    jonas = scene.inbox.read(lambda db: known(db, scene.jonas.uri))
    mine = ours(scene, author, co_authors=(jonas,))
    ask = scene.inbox.read(lambda db: db.scalars(select(Post).where(Post.visibility == "direct")).one())
    await scene.hear(scene.karla, scene.karla.does("Like", ask.uri, "like"))
    assert scene.inbox.read(lambda db: experience_people.people(db, mine, As.CO_AUTHOR)) == []


async def test_one_of_ours_is_co_author_elsewhere_only_if_he_said_yes_here(scene: Scene) -> None:
    me = maja(scene)
    doc = article(scene.jonas, **{"torv:coAuthor": [me.uri], "cc": [me.uri]})
    post = await record(scene, scene.jonas, doc)
    named = lambda: scene.inbox.read(lambda db: [a.username for a in experience_people.people(db, post, As.CO_AUTHOR)])  # noqa: E731
    assert named() == []
    ask = scene.jonas.note("ask", "<p>Må du stå?</p>", to=[me.uri], cc=[], **{"torv:invites": doc["id"]})
    asked = await record(scene, scene.jonas, ask)
    scene.inbox.write(lambda db: reactions.vote(db, actors.get(db, me.id), db.get_one(Post, asked.id)))
    again = scene.jonas.does("Update", {**doc, "updated": "2099-01-01T00:00:00Z"}, "update", to=[PUBLIC])
    await scene.hear(scene.jonas, again)
    assert named() == ["maja"]
