"""Every activity, in every way it may be forged: refused, and nothing in the database is another than before.

A handler that is added to `HANDLERS` needs its row here, or the first test fails.
"""

import ast
import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy.orm import Session

from federation import receiving
from federation.handlers import HANDLERS
from federation.receiving import IncomingRequest
from models import (
    accounts,
    actors,
    attending,
    communities,
    composing,
    follows,
    pins,
    planning,
    posts,
    reactions,
    threads,
)
from models.base import now
from models.database import Database
from models.follows import FollowState
from models.meetings import Way
from models.polls import PollDraft
from models.posts import Draft, Post
from tests.conftest import NODE, Templates
from tests.federation.neighbours import BOOKKEEPING, Fediverse, Inbox, Json, Neighbour, neighbour
from tests.models.test_meetings import PLAN

pytestmark = pytest.mark.anyio
QUIET = frozenset({"memory", "peers"})


@dataclass
class Scene:
    """Lene has asked a question; Jonas, whom she follows, has answered it and written a note; Karla is a stranger's friend."""

    inbox: Inbox
    jonas: Neighbour
    karla: Neighbour
    lene: str
    question: Post
    answer: Json
    note: Json
    karlas: Json

    def of_karla(self, type: str) -> Json:
        """Something that Karla did, as Jonas might claim it."""
        return self.karla.does(type, self.question.uri, "earlier")


FEDIVERSE = Fediverse()


JONAS, KARLA = neighbour(FEDIVERSE), neighbour(FEDIVERSE, "karla", "k.example")
neighbour(FEDIVERSE, "jonas2", "n.example", alsoKnownAs=[JONAS.uri])
QUESTION, POLL, MEETING = 4711, 4712, 4713


def fill(database: Database) -> None:
    """What was before: everything that `Scene` says."""
    asyncio.run(_fill(Inbox(database, FEDIVERSE)))


async def _fill(inbox: Inbox) -> None:
    inbox.write(_node)
    for one in (JONAS, KARLA):
        await inbox.knows(one)

    def begin(db: Session) -> None:
        lene, jonas = actors.by_handle(db, "lene"), actors.by_uri(db, JONAS.uri)
        assert lene is not None
        assert jonas is not None
        group = communities.create(db, "spoerg", "Spørg", creator=lene, ways=communities.Ways(allows_down=True))
        with patch.object(composing, "new_id", lambda at=None: QUESTION):
            threads.ask(db, lene, group, Draft("Hvem har prøvet?", "Hvem har prøvet det?"))
        follows.request(db, lene, jonas).state = FollowState.ACCEPTED

    inbox.write(begin)
    made = scene_in(inbox)
    for who, post in ((JONAS, made.answer), (JONAS, made.note), (KARLA, made.karlas)):
        FEDIVERSE.put(post)
        ended = await inbox.note(who.sends(who.creates(post)))
        assert ended.startswith("done"), ended


def _node(db: Session) -> None:
    actors.create_local(db, NODE.domain, actors.ActorType.APPLICATION)
    accounts.create(db, username="lene", email="lene@example.dk", password="torvet-er-aabent")


def scene_in(inbox: Inbox) -> "Scene":
    question = inbox.read(lambda db: posts.get(db, QUESTION))
    answer = JONAS.note("answer", inReplyTo=question.uri)
    return Scene(
        inbox, JONAS, KARLA, f"{NODE.origin}/u/lene", question, answer, JONAS.note("plain"),
        KARLA.note("hers", inReplyTo=question.uri),
    )  # fmt: skip


@pytest.fixture
def scene(templates: Templates) -> Iterator[Scene]:
    url, drop = templates.fresh("every_activity", NODE, fill)
    database = Database(url, NODE)
    yield scene_in(Inbox(database, FEDIVERSE))
    database.close()
    drop()


@dataclass(frozen=True)
class Row:
    """One type of activity: `right` has an effect; `foreign` is about something that is not the sender's to touch."""

    right: Callable[[Scene], Json]
    foreign: Callable[[Scene], Json]
    before: Callable[[Scene], object] = lambda scene: None
    effect: bool = True


def _waiting_follow(scene: Scene) -> None:
    """Lene's Follow of Jonas waits for his answer again."""

    def change(db: Session) -> None:
        lene, jonas = actors.by_uri(db, scene.lene), actors.by_uri(db, scene.jonas.uri)
        follows.find(db, lene.id, jonas.id).state = FollowState.PENDING

    scene.inbox.write(change)


def _follow(scene: Scene, target: str) -> Json:
    return {"id": "https://a.example/activities/1", "type": "Follow", "actor": scene.lene, "object": target}


def _liked(scene: Scene) -> None:
    def change(db: Session) -> None:
        for one in (scene.jonas, scene.karla):
            uri = one.id("act/earlier")
            reactions.vote(db, actors.by_uri(db, one.uri), posts.get(db, scene.question.id), uri=uri)

    scene.inbox.write(change)


def _asked_by_jonas(scene: Scene) -> None:
    """The question is Jonas' own, so that the choice is his."""

    def change(db: Session) -> None:
        posts.get(db, scene.question.id).author_id = actors.by_uri(db, scene.jonas.uri).id

    scene.inbox.write(change)


def _newer(post: Json) -> Json:
    stamp = now().replace(year=now().year + 1).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**post, "content": "<p>Rettet</p>", "updated": stamp}


ROWS: dict[str, Row] = {
    "Create": Row(
        lambda s: s.jonas.creates(s.jonas.note("new")),
        lambda s: s.jonas.creates({**s.karla.note("forged"), "inReplyTo": s.question.uri}),
    ),
    "Update": Row(
        lambda s: s.jonas.does("Update", _newer(s.answer)),
        lambda s: s.jonas.does("Update", _newer(s.karlas)),
    ),
    "Delete": Row(
        lambda s: s.jonas.does("Delete", s.answer["id"]),
        lambda s: s.jonas.does("Delete", s.karlas["id"]),
    ),
    "Follow": Row(
        lambda s: s.jonas.does("Follow", s.lene),
        lambda s: s.jonas.does("Follow", s.karla.uri),
    ),
    "Accept": Row(
        lambda s: s.jonas.does("Accept", _follow(s, s.jonas.uri)),
        lambda s: s.jonas.does("Accept", _follow(s, s.karla.uri)),
        before=_waiting_follow,
    ),
    "Reject": Row(
        lambda s: s.jonas.does("Reject", _follow(s, s.jonas.uri)),
        lambda s: s.jonas.does("Reject", _follow(s, s.karla.uri)),
    ),
    "Like": Row(
        lambda s: s.jonas.does("Like", s.question.uri),
        lambda s: s.jonas.does("Like", s.karla.id("notes/unknown")),
    ),
    "Dislike": Row(
        lambda s: s.jonas.does("Dislike", s.question.uri),
        lambda s: s.jonas.does("Dislike", s.karla.id("notes/unknown")),
    ),
    "EmojiReact": Row(
        lambda s: s.jonas.does("EmojiReact", s.question.uri, content="👍"),
        lambda s: s.jonas.does("EmojiReact", s.karla.id("notes/unknown"), content="👍"),
    ),
    "Announce": Row(
        lambda s: s.jonas.does("Announce", s.question.uri),
        lambda s: s.jonas.does("Announce", s.karla.note("elsewhere-only")),
    ),
    "Undo": Row(
        lambda s: s.jonas.does("Undo", s.jonas.does("Like", s.question.uri, "earlier")),
        lambda s: s.jonas.does("Undo", s.of_karla("Like")),
        before=_liked,
    ),
    "ChooseAnswer": Row(
        lambda s: s.jonas.does("ChooseAnswer", s.karlas["id"]),
        lambda s: s.jonas.does("ChooseAnswer", s.note["id"]),
        before=_asked_by_jonas,
    ),
    "PollVote": Row(
        lambda s: s.jonas.does("PollVote", f"{NODE.origin}/p/{POLL}", choice_text="Onsdag"),
        lambda s: s.jonas.does("PollVote", s.question.uri, choice_text="Onsdag"),
        before=lambda s: _polled(s),
    ),
    "QuoteRequest": Row(
        lambda s: s.jonas.does("QuoteRequest", s.question.uri, instrument=s.jonas.note("quoting")),
        lambda s: s.jonas.does("QuoteRequest", s.question.uri, instrument=s.karlas["id"]),
    ),
    "Move": Row(
        lambda s: s.jonas.does("Move", s.jonas.uri, target="https://n.example/users/jonas2"),
        lambda s: s.jonas.does("Move", s.karla.uri, target="https://n.example/users/jonas2"),
    ),
    "Flag": Row(
        lambda s: s.jonas.does("Flag", [s.question.uri, s.lene], content="Reklame"),
        lambda s: s.jonas.does("Flag", [s.karla.uri, s.karla.id("notes/unknown")], content="Reklame"),
    ),
    "Block": Row(
        lambda s: s.jonas.does("Block", s.lene),
        lambda s: s.jonas.does("Block", s.karla.uri),
    ),
    "Add": Row(
        lambda s: s.jonas.does("Add", s.note["id"], target=f"{s.jonas.uri}/featured"),
        lambda s: s.jonas.does("Add", s.note["id"], target=f"{s.karla.uri}/featured"),
    ),
    "Remove": Row(
        lambda s: s.jonas.does("Remove", s.note["id"], target=f"{s.jonas.uri}/featured"),
        lambda s: s.jonas.does("Remove", s.note["id"], target=f"{s.karla.uri}/featured"),
        before=lambda s: _pinned(s),
    ),
    "Join": Row(
        lambda s: s.jonas.does("Join", f"{NODE.origin}/p/{MEETING}"),
        lambda s: s.jonas.does("Join", s.karlas["id"]),
        before=lambda s: _planned(s),
    ),
    "Leave": Row(
        lambda s: s.jonas.does("Leave", f"{NODE.origin}/p/{MEETING}"),
        lambda s: s.jonas.does("Leave", s.karla.id("act/join")),
        before=lambda s: _joined(s),
    ),
}


def _polled(scene: Scene) -> None:
    """Lene has asked when."""

    def change(db: Session) -> None:
        lene, poll = actors.by_uri(db, scene.lene), PollDraft(("Onsdag", "Torsdag"), 86_400)
        assert lene is not None
        with patch.object(composing, "new_id", lambda at=None: POLL):
            composing.note(db, lene, Draft("Hvornår?", poll=poll))

    scene.inbox.write(change)


def _planned(scene: Scene) -> None:
    """Lene holds a meeting."""

    def change(db: Session) -> None:
        lene = actors.by_uri(db, scene.lene)
        assert lene is not None
        with patch.object(composing, "new_id", lambda at=None: MEETING):
            planning.publish(db, lene, PLAN)

    scene.inbox.write(change)


def _joined(scene: Scene) -> None:
    """Both come."""
    _planned(scene)

    def change(db: Session) -> None:
        for one in (scene.jonas, scene.karla):
            who = actors.by_uri(db, one.uri)
            assert who is not None
            attending.sign_up(db, who, posts.get(db, MEETING), Way.JOIN, join_uri=one.id("act/join"))

    scene.inbox.write(change)


def _pinned(scene: Scene) -> None:
    def change(db: Session) -> None:
        pins.note_pin(db, actors.by_uri(db, scene.jonas.uri), posts.by_uri(db, scene.note["id"]), shown=True)

    scene.inbox.write(change)


def test_every_handler_has_its_row() -> None:
    assert set(ROWS) == set(HANDLERS)


def body_of(type: str, scene: Scene) -> Json:
    ROWS[type].before(scene)
    return ROWS[type].right(scene)


@pytest.mark.parametrize("type", sorted(ROWS))
async def test_rightly_signed_it_has_its_effect(type: str, scene: Scene) -> None:
    body = body_of(type, scene)
    before = scene.inbox.dump(without=BOOKKEEPING)
    ended = await scene.inbox.note(scene.jonas.sends(body))
    assert ended.startswith("done: " if ROWS[type].effect else "ignored: "), ended
    assert (scene.inbox.dump(without=BOOKKEEPING) != before) == ROWS[type].effect


def unsigned(scene: Scene, request: IncomingRequest) -> IncomingRequest:
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != "Signature"))


def wrong_digest(scene: Scene, request: IncomingRequest) -> IncomingRequest:
    return replace(request, body=request.body + b" ")


FORGERIES: dict[str, tuple[int, Callable[[Scene, Json], IncomingRequest]]] = {
    "unsigned": (401, lambda s, body: unsigned(s, s.jonas.sends(body))),
    "wrong key": (401, lambda s, body: s.jonas.sends(body, key=s.karla.private)),
    "wrong digest": (401, lambda s, body: wrong_digest(s, s.jonas.sends(body))),
    "stale": (401, lambda s, body: s.jonas.sends(body, age=13 * 3600)),
    "wrong actor": (403, lambda s, body: s.karla.sends(body)),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("type", sorted(ROWS))
async def test_forged_it_is_refused_and_nothing_changes(type: str, forgery: str, scene: Scene) -> None:
    status, forge = FORGERIES[forgery]
    request = forge(scene, body_of(type, scene))
    before = scene.inbox.dump(without=QUIET)
    reply = await scene.inbox.takes(request)
    assert reply.status == status
    assert scene.inbox.dump(without=QUIET) == before


@pytest.mark.parametrize("type", sorted(ROWS))
async def test_replayed_it_is_taken_and_nothing_changes(type: str, scene: Scene) -> None:
    request = scene.jonas.sends(body_of(type, scene))
    await scene.inbox.takes(request)
    before = scene.inbox.dump()
    reply = await receiving.accept(scene.inbox.fed, request)
    assert reply.status == 202
    assert scene.inbox.dump(without=QUIET) == {name: rows for name, rows in before.items() if name not in QUIET}


@pytest.mark.parametrize("type", sorted(ROWS))
async def test_t130_delivered_to_the_own_and_the_shared_inbox_it_has_one_effect(type: str, scene: Scene) -> None:
    body = body_of(type, scene)
    await scene.inbox.takes(scene.jonas.sends(body, target="/u/lene/inbox"))
    before = scene.inbox.dump(without=QUIET)
    assert (await scene.inbox.takes(scene.jonas.sends(body, target="/inbox"))).status == 202
    assert scene.inbox.dump(without=QUIET) == before


@pytest.mark.parametrize("type", sorted(ROWS))
async def test_about_something_foreign_it_has_no_effect(type: str, scene: Scene) -> None:
    ROWS[type].before(scene)
    request = scene.jonas.sends(ROWS[type].foreign(scene))
    before = scene.inbox.dump(without=BOOKKEEPING)
    ended = await scene.inbox.note(request)
    assert ended.startswith("ignored: "), ended
    assert scene.inbox.dump(without=BOOKKEEPING) == before


def test_only_receiving_makes_proofs() -> None:
    root = Path(__file__).parents[2]
    makers = [
        path.relative_to(root).as_posix()
        for package in ("models", "federation", "server")
        for path in (root / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Verified"
    ]
    assert makers
    assert all(maker.startswith("federation/receiving/") for maker in makers), makers
