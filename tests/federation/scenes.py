"""A community of ours with a question in it, and one elsewhere with another: where most handlers' tests begin."""

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlalchemy.orm import Session

from models import actors, communities, composing, follows, posts, threads
from models.actors import ActorType
from models.database import Database
from models.follows import FollowState
from models.posts import Draft, Post
from tests.conftest import NODE, Templates
from tests.federation.neighbours import PUBLIC, Fediverse, Inbox, Json, Neighbour, neighbour

LENE = "https://a.example/u/lene"
OMAR = "https://a.example/u/omar"
SPOERG = "https://a.example/c/spoerg"


@dataclass
class Scene:
    """Lene moderates `spoerg` and has asked there. Jonas is somebody elsewhere; `group` is a community on `g.example`,
    which Lene follows, moderated by Mona, and Karla has asked in it."""

    inbox: Inbox
    jonas: Neighbour
    karla: Neighbour
    mona: Neighbour
    group: Neighbour
    question: Post
    theirs: Json

    @property
    def fediverse(self) -> Fediverse:
        return self.inbox.fediverse

    def wraps(self, inner: Any, name: object = "") -> Json:
        """The community's Announce around an activity."""
        label = name or (inner["id"].rpartition("/")[2] if isinstance(inner, dict) else "batch")
        return self.group.does("Announce", inner, f"announce-{label}", to=[PUBLIC], cc=[self.group.followers])

    async def hear(self, who: Neighbour, activity: Json) -> str:
        """What became of an activity that `who` sent."""
        return await self.inbox.note(who.sends(activity))

    async def hear_wrapped(self, inner: Any, name: object = "") -> str:
        """What became of something that the community wrapped."""
        return await self.hear(self.group, self.wraps(inner, name))

    def post(self, uri: str) -> Post:
        """The row of a post that is known by now."""
        found = self.inbox.read(lambda db: posts.by_uri(db, uri))
        assert found is not None, uri
        return found  # type: ignore[no-any-return]

    def has(self, uri: str) -> bool:
        """Whether there is such a post."""
        return self.inbox.read(lambda db: posts.by_uri(db, uri)) is not None

    def fresh_question(self) -> Post:
        """The question as it stands now."""
        return self.post(self.question.uri)

    def follows(self, follower: str, target: str) -> None:
        """An accepted follow, without further ado."""

        def change(db: Session) -> None:
            one, other = actors.by_uri(db, follower), actors.by_uri(db, target)
            assert one is not None
            assert other is not None
            follows.request(db, one, other).state = FollowState.ACCEPTED

        self.inbox.write(change)

    async def answer(self, who: Neighbour, label: object = "answer", /, **more: Any) -> Json:
        """Somebody's answer to Lene's question, sent and recorded."""
        post = self.fediverse.put(who.note(label, "<p>Ja.</p>", inReplyTo=self.question.uri, **more))
        assert (await self.hear(who, who.creates(post))).startswith("done: Recorded the answer")
        return post


@dataclass
class _Cast:
    """Everybody elsewhere and what stands on their servers; made once, and copied for each test."""

    documents: dict[str, Any]
    jonas: Neighbour
    karla: Neighbour
    mona: Neighbour
    group: Neighbour
    theirs: Json


def _cast() -> _Cast:
    fediverse = Fediverse()
    mona, karla = neighbour(fediverse, "mona", "g.example"), neighbour(fediverse, "karla", "k.example")
    jonas = neighbour(fediverse)
    moderators = "https://g.example/users/dogmer/moderators"
    group = neighbour(fediverse, "dogmer", "g.example", "Group", attributedTo=moderators)
    fediverse.put({"id": moderators, "type": "OrderedCollection", "orderedItems": [mona.uri]})
    to = {"to": [group.uri, PUBLIC], "audience": group.uri, "name": "Må man det?"}
    theirs = fediverse.put(karla.note("question", "<p>Må man det?</p>", **to))
    return _Cast(fediverse.documents, jonas, karla, mona, group, theirs)


CAST: list[_Cast] = []
QUESTION = 4711


def _scene(database: Database) -> Scene:
    if not CAST:
        CAST.append(_cast())
    cast = copy.deepcopy(CAST[0])
    inbox = Inbox(database, Fediverse(cast.documents))
    question = inbox.read(lambda db: db.get(Post, QUESTION))
    return Scene(inbox, cast.jonas, cast.karla, cast.mona, cast.group, question, cast.theirs)


def _fill(database: Database) -> None:
    database.write(_begin)
    asyncio.run(_meet(_scene(database)))


def _begin(db: Session) -> None:
    actors.create_local(db, NODE.domain, ActorType.APPLICATION)
    lene = actors.create_local(db, "lene", ActorType.PERSON)
    actors.create_local(db, "omar", ActorType.PERSON)
    home = communities.create(db, "spoerg", "Spørg", creator=lene)
    with patch.object(composing, "new_id", lambda at=None: QUESTION):
        threads.ask(db, lene, home, Draft("Hvem har prøvet?", "Hvem har prøvet det?"))


async def _meet(made: Scene) -> None:
    for one in (made.jonas, made.karla, made.mona, made.group):
        await made.inbox.knows(one)
    made.follows(LENE, made.group.uri)
    assert (await made.hear_wrapped(made.karla.creates(made.theirs))).startswith("done: Recorded the question")


def opened(templates: Templates) -> Iterator[Scene]:
    """A fresh copy of the scene; for a fixture."""
    url, drop = templates.fresh("scene", NODE, _fill)
    database = Database(url, NODE)
    yield _scene(database)
    database.close()
    drop()
