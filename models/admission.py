"""Who may ask and answer in a community of this node, and with what in it: the one place where its limits are kept.

They hold for everybody but its moderators. Somebody of this node hears at once what is wrong, and nothing is written.
What comes from another server is recorded but waits for a moderator (`holding`): its author's affiliation may not be
confirmed yet, and his server could do nothing with a refusal. Only questions that nobody may ask are dropped there.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import affiliations, bans, communities, follows, text
from models.actors import Actor, ActorType
from models.base import first_id, now
from models.communities import WITHOUT, Community
from models.database import node_of
from models.errors import DomainError, Forbidden, Invalid, NotFound
from models.follows import FollowState
from models.organizations import AffiliationClass, Organization
from models.posts import Draft, Kind, Post, Visibility

NEW_FOR = timedelta(days=14)
"""For how long a member counts as new; who is no member is new as well."""

WEEK = timedelta(days=7)
CALENDARS = "kalender-"
"""How the user name of the actor begins that writes down a community's calendars; nobody can take one with a hyphen."""

THREADS = (Kind.QUESTION, Kind.EXPERIENCE, Kind.EVENT, Kind.DOGMA)
"""What begins a thread in a community and is let in like a question."""

WEIGHED = (*THREADS, Kind.ANSWER)
"""What a supplier has to say his interest in."""

MAX_DISCLOSURE = 500
SUPPLIER = AffiliationClass.SUPPLIER
_WRITTEN = re.compile(r"https?://[^\s<>\"'()\[\]]+", re.IGNORECASE)
_LINKED = re.compile(r"<a\s[^>]*?href=\"(https?://[^\"]+)\"[^>]*>", re.IGNORECASE)


class Reason(StrEnum):
    """What keeps a contribution out, or waiting."""

    CLASS = "class"
    DISCLOSURE = "disclosure"
    LINKS = "links"
    OWN_LINKS = "own_links"
    WORDS = "words"
    KEPT_OUT = "kept_out"
    """A moderator has looked at it."""


@dataclass(frozen=True)
class Said:
    """A contribution as the limits look at it. `words` is plain text, `links` the addresses of pages."""

    words: str
    links: tuple[str, ...] = ()
    disclosure: str = ""


def written(draft: Draft, disclosure: str) -> Said:
    """What somebody of this node is about to say."""
    links = tuple(dict.fromkeys(_WRITTEN.findall(draft.text)))
    return Said(f"{draft.title}\n{draft.text}", links, disclosure)


def recorded(post: Post) -> Said:
    """What a post says. Links that only name somebody or a tag do not count."""
    found = [m[1] for m in _LINKED.finditer(post.content) if not re.search(r"class=\"[^\"]*(mention|hashtag)", m[0])]
    said = f"{post.title}\n{text.plain(post.content)}"
    return Said(said, tuple(dict.fromkeys(found)), str((post.extra or {}).get("disclosure", "")))


def classes(db: Session, author: Actor) -> frozenset[str]:
    """What somebody counts as. Whoever belongs to a supplier is that and nothing else: no commercial tie hides behind
    another."""
    organization = db.get(Organization, author.id)
    found = {organization.kind} if organization is not None else set(affiliations.classes_of(db, author))
    if SUPPLIER in found:
        return frozenset([str(SUPPLIER)])
    return frozenset(str(one) for one in found) or frozenset([WITHOUT])


def is_supplier(db: Session, author: Actor) -> bool:
    """Whether somebody counts as a supplier."""
    return SUPPLIER in classes(db, author)


def writes_calendars(author: Actor, group: Actor) -> bool:
    """Whether an actor is the one that writes down what stands in a community's calendars (`calendars`)."""
    return author.local and author.type == ActorType.SERVICE and author.username == CALENDARS + group.username


def _exempt(db: Session, author: Actor, group: Actor) -> bool:
    return communities.is_moderator(db, author.id, group.id) or writes_calendars(author, group)


def no_question(db: Session, author: Actor, group: Actor) -> DomainError | None:
    """Why somebody cannot ask anything at all in a community here or elsewhere; None if he can, as far as we know."""
    if bans.is_banned(db, author.id, group.id):
        return bans.unwelcome()
    row = communities.known(db, group)
    if group.local and row.closed_at is not None:
        return Forbidden("This community is closed. Its threads can be read and answered.", code="community_closed")
    if communities.restricted(db, group) and not _exempt(db, author, group):
        return Forbidden("Only moderators ask here.", code="moderators_only")
    return None


def check_place(db: Session, group: Actor | None, visibility: str) -> None:
    """Raise NotFound, Invalid or Forbidden where nothing but a question can begin a thread, or not so that only this node
    sees it. None is one's own profile."""
    if group is None:
        return
    if not group.is_community or not group.active:
        raise NotFound("There is no such community.")
    if visibility == Visibility.NODE and not group.local:
        raise Invalid("A post elsewhere cannot stay on this server.", code="visibility_unfit")
    if communities.known(db, group).questions_only:
        raise Forbidden("In this community only questions are asked.", code="questions_only")


def may(db: Session, author: Actor, group: Actor, kind: Kind) -> bool:
    """Whether what somebody is lets him write posts of this kind there: for pages that show it beforehand."""
    if kind in THREADS and no_question(db, author, group) is not None:
        return False
    if bans.is_banned(db, author.id, group.id):
        return False
    return not group.local or _exempt(db, author, group) or not _wrong_class(db, author, group, kind)


def _wrong_class(db: Session, author: Actor, group: Actor, kind: Kind) -> bool:
    row = communities.known(db, group)
    among = {**dict.fromkeys(THREADS, row.askers), Kind.ANSWER: row.answerers}.get(kind)
    return bool(among) and not classes(db, author) & set(among or ())


def askable(db: Session, author: Actor, groups: Sequence[Actor]) -> list[Actor]:
    """Those of these communities in which somebody can ask, in a fixed number of queries however many there are."""
    rows = communities.rows_of(db, [group for group in groups if group.local])
    moderated = communities.moderated(db, author.id)
    mine, banned = classes(db, author), bans.communities_of(db, author.id)

    def can(group: Actor) -> bool:
        if group.id in banned:
            return False
        if not group.local:
            return group.id in moderated or not communities.restricted(db, group)
        row = rows[group.id]
        if row.closed_at is not None:
            return False
        return group.id in moderated or not (row.moderators_only or (row.askers and not mine & set(row.askers)))

    return [group for group in groups if can(group)]


def discloses(db: Session, author: Actor, group: Actor | None) -> bool:
    """Whether somebody has to say in this community what his commercial interest is."""
    if group is None or not group.local or _exempt(db, author, group):
        return False
    return communities.known(db, group).wants_disclosure and is_supplier(db, author)


def admit(
    db: Session, author: Actor, group: Actor | None, kind: Kind, said: Said, *, edited: Post | None = None
) -> str:
    """Let a contribution of somebody of this node in, or raise Forbidden or Invalid; returns why it has to wait for a
    moderator, or nothing. `edited` is the post that says something else from now on."""
    if group is None:
        return ""
    bans.require_welcome(db, author, group.id)
    if len(said.disclosure) > MAX_DISCLOSURE:
        raise Invalid(f"At most {MAX_DISCLOSURE} characters about your interest.", code="disclosure_long")
    if kind in THREADS and edited is None and (error := no_question(db, author, group)) is not None:
        raise error
    reason = weigh(db, author, group, kind, said, edited=edited)
    if reason == Reason.CLASS and edited is not None:
        return ""
    if reason not in {None, Reason.WORDS}:
        raise _error(reason, kind)
    return str(reason or "")


def _error(reason: Reason | None, kind: Kind) -> DomainError:
    if reason == Reason.CLASS and kind in THREADS:
        return Forbidden("In this community only some may ask, and where you belong is not among them.", code="class_asks")  # fmt: skip
    if reason == Reason.CLASS:
        return Forbidden("In this community only some may answer, and where you belong is not among them. You can comment.", code="class_answers")  # fmt: skip
    if reason == Reason.DISCLOSURE:
        return Invalid("Say what your commercial interest is. This community asks that of suppliers.", code="disclosure_missing")  # fmt: skip
    if reason == Reason.LINKS:
        return Invalid("There are more links in it than this community allows you.", code="text_links")
    return Invalid("You have linked to your own site as often as this community allows in a week.", code="text_own_links")  # fmt: skip


def weigh(
    db: Session, author: Actor, group: Actor | None, kind: Kind, said: Said, *, edited: Post | None = None
) -> Reason | None:
    """The first limit of a community of this node that a contribution breaks."""
    if group is None or not group.local or _exempt(db, author, group):
        return None
    if bans.is_banned(db, author.id, group.id):
        return Reason.KEPT_OUT
    row, supplier = communities.known(db, group), is_supplier(db, author)
    if _wrong_class(db, author, group, kind):
        return Reason.CLASS
    if row.wants_disclosure and supplier and kind in WEIGHED and not said.disclosure.strip():
        return Reason.DISCLOSURE
    links = _outward(db, said.links, group)
    if row.max_links is not None and len(links) > row.max_links and (supplier or is_new(db, author, group)):
        return Reason.LINKS
    if row.own_links_a_week is not None and supplier and kind in WEIGHED:
        own = own_sites(db, author)
        if to_own(links, own) and _own_links(db, author, group, own, edited) >= row.own_links_a_week:
            return Reason.OWN_LINKS
    return Reason.WORDS if word_in(row, said) else None


def word_in(row: Community, said: Said) -> str:
    """The first of a community's listed words that stands in a contribution; empty for none."""
    words = said.words.casefold()
    found = (w for w in row.held_words if re.search(rf"(?<!\w){re.escape(w)}(?!\w)", words))
    return next(found, "")


def is_new(db: Session, author: Actor, group: Actor) -> bool:
    """Whether somebody is no member, or has been one for a short time."""
    row = follows.find(db, author.id, group.id)
    return row is None or row.state != FollowState.ACCEPTED or row.created_at > now() - NEW_FOR


def _host(link: str) -> str:
    try:
        return (urlsplit(link).hostname or "").removeprefix("www.")
    except ValueError:  # a malformed address leads nowhere
        return ""


def _outward(db: Session, links: Iterable[str], group: Actor) -> list[str]:
    here = {_host(node_of(db).origin), _host(group.uri)}
    return [link for link in links if _host(link) not in here]


def own_sites(db: Session, author: Actor) -> frozenset[str]:
    """The hosts of the suppliers somebody belongs to, and of the pages that his profile names."""
    found: set[str] = {_host(m[1]) for one in author.fields or [] for m in _LINKED.finditer(one.get("value", ""))}
    for row, organization in affiliations.confirmed(db, author.id):
        if row.affiliation_class != SUPPLIER:
            continue
        found |= {_host(m[1]) for one in organization.fields or [] for m in _LINKED.finditer(one.get("value", ""))}
        known = db.get(Organization, organization.id)
        found |= set(known.email_domains) if known is not None else {organization.domain}
    return frozenset(found - {""})


def to_own(links: Iterable[str], own: frozenset[str]) -> bool:
    """Whether one of these leads to one of these hosts, or below it."""
    return any(host == one or host.endswith(f".{one}") for host in map(_host, links) for one in own)


def _own_links(db: Session, author: Actor, group: Actor, own: frozenset[str], edited: Post | None) -> int:
    query = select(Post).where(
        Post.author_id == author.id,
        Post.id >= first_id(now() - WEEK),
        Post.community_id == group.id,
        Post.kind.in_(WEIGHED),
        Post.deleted_at.is_(None),
    )
    found = [post for post in db.scalars(query.limit(500)) if edited is None or post.id != edited.id]
    return sum(to_own(recorded(post).links, own) for post in found)
