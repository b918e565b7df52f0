"""A community of ours with a question in it, and one elsewhere with another: where most handlers' tests begin."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from models import actors, communities, follows, posts, threads
from models.actors import ActorType
from models.follows import FollowState
from models.posts import Draft, Post
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


async def scene(inbox: Inbox) -> Scene:
    """Set it up."""
    fediverse = inbox.fediverse
    mona, karla = neighbour(fediverse, "mona", "g.example"), neighbour(fediverse, "karla", "k.example")
    jonas = neighbour(fediverse)
    moderators = "https://g.example/users/dogmer/moderators"
    group = neighbour(fediverse, "dogmer", "g.example", "Group", attributedTo=moderators)
    fediverse.put({"id": moderators, "type": "OrderedCollection", "orderedItems": [mona.uri]})
    for one in (jonas, karla, mona, group):
        await inbox.knows(one)

    def begin(db: Session) -> Post:
        lene = actors.create_local(db, "lene", ActorType.PERSON)
        actors.create_local(db, "omar", ActorType.PERSON)
        home = communities.create(db, "spoerg", "Spørg", creator=lene)
        return threads.ask(db, lene, home, Draft("Hvem har prøvet?", "Hvem har prøvet det?"))

    question = inbox.write(begin)
    to = {"to": [group.uri, PUBLIC], "audience": group.uri, "name": "Må man det?"}
    theirs = fediverse.put(karla.note("question", "<p>Må man det?</p>", **to))
    made = Scene(inbox, jonas, karla, mona, group, question, theirs)
    made.follows(LENE, group.uri)
    assert (await made.hear_wrapped(karla.creates(theirs))).startswith("done: Recorded the question")
    return made
