"""What pages need beside the posts themselves: who wrote them, where they belong, and what the visitor did to them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import access, actors, admission, anonymity, communities, municipalities, polls, posts, reactions, tags
from models.access import visible
from models.actors import Actor
from models.admission import Reason
from models.communities import WITHOUT, Community
from models.composing import BARRIER_TAGS
from models.organizations import AffiliationClass
from models.polls import Shown as Poll
from models.posts import Kind, Post, PostTag
from models.text import plain, strip_leading_mentions
from server.i18n import later
from server.media.links import Links, links

BARRIER_NAMES = {
    "bureaukrati": later("Bureaucracy"),
    "politik": later("Politics"),
    "vaner": later("Habits"),
    "kultur": later("Culture"),
    "regler": later("Rules"),
    "love": later("Laws"),
}
"""What stands in the way, as people say it."""

AFFILIATION_NAMES = {
    AffiliationClass.PUBLIC_BODY: later("Public body"),
    AffiliationClass.SUPPLIER: later("Supplier"),
    AffiliationClass.ASSOCIATION: later("Association"),
    AffiliationClass.CITIZEN: later("Citizen"),
}
"""What stands at a name, and what an organisation is."""

CLASS_NAMES = {
    AffiliationClass.PUBLIC_BODY: later("People of public bodies"),
    AffiliationClass.SUPPLIER: later("Suppliers"),
    AffiliationClass.ASSOCIATION: later("People of associations"),
    AffiliationClass.CITIZEN: later("Citizens of a municipality"),
    WITHOUT: later("All others"),
}
"""Whom a community lets ask and answer."""

HELD_NAMES = {
    Reason.CLASS: later("Its author is not among those who may write here, as far as we know."),
    Reason.DISCLOSURE: later("A supplier does not say what the interest is."),
    Reason.LINKS: later("It has more links than you allow."),
    Reason.OWN_LINKS: later("A supplier links to an own site more often than you allow."),
    Reason.WORDS: later("It has a word of your list in it:"),
    Reason.KEPT_OUT: later("A moderator has kept it out."),
}
"""Why a post waits, to a moderator."""

TIE_GROUPS: Mapping[Kind | None, str] = {
    Kind.QUESTION: later("Questions"),
    Kind.EXPERIENCE: later("Reports of experience"),
    Kind.EVENT: later("Meetings"),
    Kind.DOGMA: later("Dogmas"),
    None: later("Posts"),
}
"""What belongs with a post, told apart by what it is, in this order; None is everything else."""

TAG_NAMES = {BARRIER_TAGS.get(barrier, barrier): name for barrier, name in BARRIER_NAMES.items()}

CLOSING_TAGS = re.compile(
    r'<p>(?:<a href="[^"<>]{1,2000}" class="mention hashtag"[^<>]{0,80}>#(?:<span>)?[^<]{1,200}(?:</span>)?</a>\s*){1,50}</p>\s*$'
)


KINDS = ("image", "video", "audio")


@dataclass(frozen=True)
class File:
    """A picture, film or sound as a page shows it. `origin`: where it is from, if that is another server."""

    kind: str
    url: str
    preview: str
    description: str
    width: int | None
    height: int | None
    origin: str


@dataclass
class Shown:
    """Posts with what belongs to them, fetched in a handful of queries however many there are."""

    posts: list[Post]
    people: dict[int, Actor] = field(default_factory=dict)
    """Authors and communities by id, and whoever else was asked for."""
    tags: dict[int, list[PostTag]] = field(default_factory=dict)
    mains: dict[str, str] = field(default_factory=dict)
    """The main names of those tags that have another."""
    votes: dict[int, int] = field(default_factory=dict)
    """The visitor's own votes by post."""
    edited: set[int] = field(default_factory=set)
    """Posts whose words were changed; a question also gets a new date when its answer is accepted."""
    boosts: set[int] = field(default_factory=set)
    """Posts the visitor passed on."""
    polls: dict[int, Poll] = field(default_factory=dict)
    """The polls among them, as the visitor sees them."""
    roots: dict[int, Post] = field(default_factory=dict)
    """The first posts of the threads that replies stand in, as far as the visitor may see them."""
    mine: set[int] = field(default_factory=set)
    """The visitor's own posts, those he wrote anonymously among them."""
    unnamed: set[int] = field(default_factory=set)
    """Those of his own that he wrote anonymously."""
    named: dict[int, Actor] = field(default_factory=dict)
    """Who wrote the anonymous ones, for who moderates the node."""
    apart: set[int] = field(default_factory=set)
    """Limited people whom the visitor does not follow: what they say in a thread is folded away."""

    here: Links | None = None
    """Where files of other servers are read."""

    def files(self, post: Post) -> list[File]:
        """What of a post's files the page shows itself. All are read at this node: browsers ask nobody else."""
        found = enumerate(post.attachments or [])
        return [] if self.here is None else [_file(post, self.here, at, one) for at, one in found if _kind(one)]

    def municipality(self, post: Post) -> str:
        """The municipality a post is about, in words; what other servers call one as they call it."""
        code = str((post.extra or {}).get("municipality", ""))
        return municipalities.name(code) or ("" if post.local else code[:60])

    def others(self, post: Post) -> list[dict[str, Any]]:
        """What is attached to a post besides: links, and files that cannot be shown."""
        return [one for one in post.attachments or [] if not _kind(one)]

    def loose_tags(self, post: Post) -> list[PostTag]:
        """The tags of a post that its text as shown does not name already."""
        written = plain(content(post)).casefold()
        return [tag for tag in self.tags.get(post.id, []) if f"#{tag.shown.casefold()}" not in written]


def show(
    db: Session, viewer: Actor | None, found: Iterable[Post], *, also: Iterable[int | None] = (), doings: bool = False
) -> Shown:
    """Gather what pages show beside `found`. `doings`: the visitor's votes and boosts too."""
    listed = list(found)
    wanted = {post.author_id for post in listed} | {i for i in also if i}
    wanted |= {post.community_id for post in listed if post.community_id}
    ids = [post.id for post in listed]
    starts = {post.thread_id for post in listed if post.thread_id != post.id}
    shown = Shown(listed, actors.many(db, wanted), posts.tags_of(db, ids), edited=posts.edited(db, ids))
    shown.here = links(db)
    shown.apart = access.kept_apart(db, viewer, (shown.people[post.author_id] for post in listed))
    shown.mains = tags.mains(db, {tag.name for found_tags in shown.tags.values() for tag in found_tags})
    shown.polls = polls.of(
        db, viewer.id if viewer else None, [p.id for p in listed if p.object_type == polls.OBJECT_TYPE]
    )
    if viewer is not None:
        _own(db, viewer, shown)
    if starts:
        found_roots = db.scalars(select(Post).where(Post.id.in_(starts), visible(viewer)))
        shown.roots = {root.id: root for root in found_roots}
    if doings and viewer is not None:
        shown.votes = reactions.my_votes(db, viewer.id, ids)
        shown.boosts = set(reactions.my_boosts(db, viewer.id, ids))
    return shown


def _own(db: Session, viewer: Actor, shown: Shown) -> None:
    """Which posts are the visitor's, and, where there are anonymous ones, what he may know of them."""
    unnamed = [post.id for post in shown.posts if anonymity.is_service(shown.people[post.author_id])]
    if unnamed:
        shown.unnamed = anonymity.mine(db, viewer.id, unnamed)
        behind = anonymity.authors(db, viewer, unnamed)
        people = actors.many(db, behind.values())
        shown.named = {post_id: people[actor_id] for post_id, actor_id in behind.items()}
    shown.mine = {post.id for post in shown.posts if post.author_id == viewer.id} | shown.unnamed


def _kind(one: dict[str, Any]) -> str:
    """How an attached file is shown; empty where it is only linked to."""
    ours = "id" in one
    if one.get("type") == "Link" or not (ours or str(one.get("url", "")).startswith("https://")):
        return ""
    kind = str(one.get("kind") or one.get("media_type", "").partition("/")[0] or one["type"].lower())
    return kind if kind in {*KINDS, "gifv"} and "svg" not in one.get("media_type", "") else ""


def _file(post: Post, here: Links, number: int, one: dict[str, Any]) -> File:
    url = here.attachment(post, number, one["url"])
    kind = _kind(one)
    small = (kind != "video" and (one.get("meta") or {}).get("small")) or one
    preview = here.still(post, number, one) or (url if kind == "image" else "")
    size = (small.get("width"), small.get("height")) if small.get("width") and small.get("height") else (None, None)
    return File(kind, url, preview, one.get("name", ""), *size, "" if post.local else one["url"])


def content(post: Post) -> str:
    """A post's HTML as its page shows it: without what the page shows in its own way (tags, whom it answers)."""
    html = strip_leading_mentions(post.content) if post.in_reply_to_uri else post.content
    return CLOSING_TAGS.sub("", html)


def rules_of(db: Session, group: Actor) -> Community:
    """A community's settings; defaults, and no row, for one we know nothing more of."""
    return communities.known(db, group)


def to_ask_in(db: Session, viewer: Actor) -> list[Actor]:
    """The communities a visitor may choose among when asking: those here, then those elsewhere known here."""
    return admission.askable(db, viewer, [*communities.all_local(db), *communities.known_remote(db)])


def to_report_in(db: Session, viewer: Actor) -> list[Actor]:
    """The communities a visitor may choose among: where he can begin a thread, and not only by a question."""
    rows = communities.rows_of(db, found := to_ask_in(db, viewer))
    return [group for group in found if not rows[group.id].questions_only]
