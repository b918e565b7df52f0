"""What the page of a dogma shows beside its text: how it stands, who stands behind it, who practises it, what it said
before."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from models import actors, communities, dogmas, endorsing, links, proposing, text
from models.actors import Actor
from models.dogmas import OPEN, Dogma, DogmaVersion, Status
from models.endorsing import Behind, Hat
from models.links import Tie
from models.posts import Kind, Post, Visibility
from server.web.rendering import post_path
from server.web.structured import embedded


@dataclass
class DogmaPage:
    """A dogma with all its page shows."""

    row: Dogma
    behind: Behind
    versions: list[DogmaVersion]
    """Newest first."""
    practising: list[Post] = field(default_factory=list)
    decided_by: Actor | None = None
    vote_id: int | None = None
    """The poll that decides about it, while it is open."""
    vote_ends: datetime | None = None
    hats: list[Hat] = field(default_factory=list)
    """As whom the visitor can endorse."""
    may_edit: bool = False
    may_decide: bool = False
    may_take_back: bool = False
    """It is the visitor's own proposal."""
    is_home: bool = False

    @property
    def posts(self) -> list[Post]:
        """The other posts whose authors the page names."""
        return self.practising

    @property
    def holds(self) -> bool:
        """It can be endorsed and changed."""
        return self.row.status in OPEN

    @property
    def elsewhere(self) -> int:
        """How many endorse it whom this node does not know of, as its own server counts."""
        return max(0, self.row.endorsed_elsewhere - self.behind.count.all)


def gather(db: Session, viewer: Actor | None, post: Post) -> DogmaPage:
    """All of it, as `viewer` may see it."""
    row = dogmas.get(db, post)
    found = DogmaPage(row, endorsing.behind(db, post), list(reversed(dogmas.versions(db, post))))
    reports = [one.post for one in links.to(db, viewer, post, Tie.PRACTISES) if one.kind == Kind.EXPERIENCE]
    found.practising = [one for one in reports if one is not None]
    found.decided_by = actors.get(db, row.decided_by_id) if row.decided_by_id else None
    found.is_home = dogmas.is_home(db, post)
    if row.vote_id is not None and row.status == Status.PROPOSED:
        found.vote_ends = proposing.vote_ends(db, row)
        found.vote_id = row.vote_id if found.vote_ends is not None else None
    if viewer is not None:
        found.hats = endorsing.hats(db, viewer, post)
        found.may_edit = found.holds and found.vote_id is None and dogmas.may_edit(db, viewer, post)
        found.may_decide = found.holds and found.vote_id is None and dogmas.moderates(db, viewer, post)
        own = row.status == Status.PROPOSED and post.author_id == viewer.id and post.local
        found.may_take_back = own and found.vote_id is None and not found.may_decide
    return found


def as_data(db: Session, post: Post, found: DogmaPage, author: Actor, origin: str) -> Markup | None:
    """The dogma as search engines read it: schema.org `CreativeWork` in JSON-LD. None for one that is not for everybody,
    that came from elsewhere, or whose author is not to be found."""
    if not post.local or post.visibility != Visibility.PUBLIC or post.removed_at is not None or not author.indexable:
        return None
    home = communities.home_of(db, post)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "name": post.title,
        "text": text.plain(post.content),
        "url": origin + post_path(post),
        "version": found.row.version,
        "datePublished": post.published.isoformat(),
        "creativeWorkStatus": found.row.status,
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": "https://schema.org/EndorseAction",
            "userInteractionCount": found.behind.count.all,
        },
    }
    if post.language:
        data["inLanguage"] = post.language
    if post.updated is not None:
        data["dateModified"] = post.updated.isoformat()
    if found.row.number is not None:
        data["position"] = found.row.number
    if home is not None:
        data["publisher"] = {"@type": "Organization", "name": home.display_name, "url": home.uri}
    if found.behind.bodies:
        data["sponsor"] = [
            {"@type": "Organization", "name": one.actor.display_name, "url": one.actor.uri}
            for one in found.behind.bodies
        ]
    return embedded(data)
