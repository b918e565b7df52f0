"""The two nodes that most tests of this folder are about, and who lives there.

a.torv.test   anna (moderates Torvet), carl; community torvet
b.torv.test   bodil (moderates Pladsen), erik, lise (locked: she chooses who follows her); community pladsen
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, actors, communities, follows
from models.actors import Actor
from models.listings import Listing
from models.posts import Post, by_uri
from tests.fediverse.gotosocial import names_in_etc_hosts
from tests.fediverse.ground import Ground
from tests.fediverse.nodes import PASSWORD, RealNode
from tests.fediverse.visitor import Visitor

TWIN = re.compile(r'name="actor" value="(\d+)"')
NAMES = ("a.torv.test", "b.torv.test")


class Towns:
    """Both nodes. `anna`, `bodil` and so on are their browsers."""

    def __init__(self, ground: Ground, *, names: tuple[str, str] = NAMES, **settings: str) -> None:
        """`settings` are those of both nodes, as in the environment: `SMTP_HOST="127.0.0.1"`."""
        for name in names:
            ground.settle(name)
        self.a, self.b = (RealNode(ground, name, **settings) for name in names)
        self.a.fill(lambda db: people(db, "torvet", "Torvet", "anna", "carl"))
        self.b.fill(lambda db: people(db, "pladsen", "Pladsen", "bodil", "erik", locked="lise"))
        self._visitors: dict[str, Visitor] = {}

    def start(self) -> None:
        """Start both nodes."""
        self.a.start()
        self.b.start()

    def close(self) -> None:
        """Stop both, whatever state they are in."""
        for visitor in self._visitors.values():
            visitor.close()
        try:
            self.a.close()
        finally:
            self.b.close()

    def visitor(self, name: str) -> Visitor:
        """A person's browser, signed in at the first use."""
        if name not in self._visitors:
            self._visitors[name] = (self.a if name in {"anna", "carl"} else self.b).visitor(name)
        return self._visitors[name]

    @cached_property
    def anna(self) -> Visitor:
        """Moderates Torvet on A."""
        return self.visitor("anna")

    @cached_property
    def carl(self) -> Visitor:
        """Lives on A."""
        return self.visitor("carl")

    @cached_property
    def bodil(self) -> Visitor:
        """Moderates Pladsen on B."""
        return self.visitor("bodil")

    @cached_property
    def erik(self) -> Visitor:
        """Lives on B."""
        return self.visitor("erik")

    @cached_property
    def torvet(self) -> int:
        """The community's number on A."""
        return self.a.read(lambda db: local(db, "torvet").id)

    def twin(self) -> None:
        """Each community's moderator asks the other's, who accepts and asks back, as the forms have it."""
        found = self.anna.send("/c/torvet/twins", twin=f"@pladsen@{self.b.host}")
        assert found.status_code == 200, found.text[-2000:]
        self.anna.do("/c/torvet/twins", actor=TWIN.findall(found.text)[0])
        asking = self.b.until("Torvet asks to be a twin", lambda db: _asking(db, "pladsen"))
        self.bodil.do("/c/pladsen/twins/answer", actor=asking, verdict="accept", back="1")
        back = self.a.until("Pladsen asks back", lambda db: _asking(db, "torvet"))
        self.anna.do("/c/torvet/twins/answer", actor=back, verdict="accept")
        for node, here, there in ((self.a, "torvet", "pladsen"), (self.b, "pladsen", "torvet")):
            node.until("the twins follow one another", lambda db, h=here, t=there: _both_follow(db, h, t))  # type: ignore[misc]

    def question_on_b(self, number: int) -> Post:
        """A question of A, once Pladsen on B lists it."""
        return self.b.until(
            "Pladsen lists the question", lambda db: listed(db, "pladsen", f"{self.a.origin}/p/{number}")
        )


def people(db: Session, community: str, title: str, moderator: str, *others: str, locked: str = "") -> None:
    """Accounts, and a community with its moderator."""
    for name in filter(None, (moderator, *others, locked)):
        accounts.create(
            db, username=name, email=f"{name}@torv.test", password=PASSWORD, name=name.title(), role="member"
        )
    if locked:
        actors.update_profile(db, local(db, locked), locked=True)
    communities.create(db, community, title, creator=local(db, moderator), summary=f"{title} i byen.")


def local(db: Session, name: str) -> Actor:
    """Somebody of this node."""
    found = actors.by_handle(db, name)
    assert found is not None
    return found


def remote(db: Session, name: str, domain: str) -> Actor | None:
    """Somebody of another node, if known."""
    return actors.by_handle(db, name, domain)


def listed(db: Session, community: str, uri: str) -> Post | None:
    """The post with this id, if that community of this node lists it."""
    query = select(Post).join(Listing, Listing.post_id == Post.id).where(Post.uri == uri)
    return db.scalar(query.where(Listing.community_id == local(db, community).id))


def known(db: Session, uri: str) -> Post | None:
    """The post with this id, unless it is deleted."""
    post = by_uri(db, uri)
    return post if post is not None and post.deleted_at is None else None


def _asking(db: Session, community: str) -> int | None:
    waiting = follows.pending_for(db, local(db, community).id)
    return waiting[0][1].id if waiting else None


def _both_follow(db: Session, here: str, there: str) -> bool:
    other = db.scalar(select(Actor).where(Actor.username == there, Actor.local.is_(False)))
    if other is None:
        return False
    mine = local(db, here)
    return follows.state(db, mine.id, other.id) == follows.state(db, other.id, mine.id) == "accepted"


@contextmanager
def beside(ground: Ground, neighbour: str) -> Iterator[tuple[Towns, str]]:
    """Both towns, not started, and the host name of a server of another kind that reads names in /etc/hosts only."""
    run = secrets.token_hex(3)  # the names are the whole machine's: two runs side by side need two of each
    names, other = (f"a-{run}.torv.test", f"b-{run}.torv.test"), f"{neighbour}-{run}.torv.test"
    for name in (*names, other):
        ground.settle(name)
    with names_in_etc_hosts(ground):
        towns = Towns(ground, names=names)
        try:
            yield towns, other
        finally:
            towns.close()
