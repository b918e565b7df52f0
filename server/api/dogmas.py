"""Dogmas in Torv's own namespace: as themselves, with their number, versions and endorsers, and not as statuses."""

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import access, adopting, dogmas, endorsing, links, proposing
from models.actors import Actor
from models.adopting import MAX_MINIMUM
from models.dogmas import MAX_CHANGED, MAX_STATEMENT, Status
from models.endorsing import NOBODY
from models.links import MOST, Tie
from models.posts import Post
from models.proposing import Principle
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Paged
from server.api.calls import Call, endpoint
from server.api.communities import community_of
from server.api.contributions import Showing, tied, to_link
from server.api.entities import torv as entities
from server.api.paging import Page
from server.api.times import stamp
from server.elsewhere import resolve_mentions

Line = Annotated[str, Meta(min_length=1, max_length=MAX_STATEMENT)]
Text = Annotated[str, Meta(min_length=1)]


class Wanted(msgspec.Struct, kw_only=True):
    """Which dogmas. At most 300 are listed."""

    status: Literal["adopted", "proposed", "withdrawn", "rejected"] = "adopted"
    community_id: Id | None = None


class Saying(msgspec.Struct, kw_only=True):
    """What a dogma says. `text` is Markdown."""

    title: Line
    """In one line."""
    text: Text
    language: Annotated[str, Meta(max_length=10)] = ""
    link_ids: Annotated[list[Id], Meta(max_length=MOST)] | None = None
    """Questions, reports, meetings and other dogmas it belongs with; null in a new version leaves them. A version in
    which nothing else is new is none: its number stays."""


class Proposing(Saying, kw_only=True):
    """A proposal."""

    community_id: Id | None = None
    """A community of this node; null for the whole network."""


class Changing(Saying, kw_only=True):
    """A new version, all of it anew."""

    note: Annotated[str, Meta(max_length=MAX_CHANGED)] = ""
    """What has changed; needed once it is adopted."""


class Deciding(msgspec.Struct, kw_only=True):
    """What its moderators decide. `reason` is needed for all but a vote."""

    verdict: Literal["adopt", "vote", "reject", "withdraw"]
    reason: Annotated[str, Meta(max_length=500)] = ""
    days: Literal[3, 7, 14, 28] = 7
    """How long a vote is open."""
    minimum: Annotated[int, Meta(ge=1, le=MAX_MINIMUM)] = 3
    """How many have to take part for a vote to count."""


class ActingAs(msgspec.Struct, kw_only=True):
    """For whom."""

    organization_id: Id | None = None
    """An organisation of this node that the caller looks after; null for himself."""


def _shown(db: Session, viewer: Actor | None, found: Iterable[Post], *, whole: bool = False) -> list[entities.Dogma]:
    listed = list(found)
    ids = [post.id for post in listed]
    showing, rows = Showing(db, viewer, listed), dogmas.many(db, listed)
    counts, practised = endorsing.counts(db, ids), dogmas.practised(db, ids)
    mine = endorsing.mine(db, viewer, ids) if viewer is not None else {}
    made = []
    for post in listed:
        row, count = rows[post.id], counts.get(post.id, NOBODY)
        own = mine.get(post.id)
        made.append(
            entities.Dogma(
                **showing.common(post),
                community_id=str(post.community_id) if post.community_id else None,
                number=row.number,
                status=row.status,
                statement=row.title,
                version=row.version,
                decided_at=stamp(row.decided_at) if row.decided_at else None,
                decided_through=row.decided_through or None,
                reason=row.reason,
                vote_id=str(row.vote_id) if row.vote_id else None,
                people=count.people,
                organizations=count.organizations,
                endorsed_elsewhere=max(0, row.endorsed_elsewhere - count.all),
                practised=practised.get(post.id, 0),
                endorsed_version=own.version if own is not None else None,
                versions=_versions(db, post) if whole else [],
                links=tied(links.of(db, viewer, post)) if whole else [],
                linked_from=tied(links.to(db, viewer, post)) if whole else [],
                practised_in=tied(links.to(db, viewer, post, Tie.PRACTISES)) if whole else [],
                may_edit=dogmas.may_edit(db, viewer, post) if viewer is not None and whole else None,
                may_decide=dogmas.moderates(db, viewer, post) if viewer is not None and whole else None,
            )
        )
    return made


def _versions(db: Session, post: Post) -> list[entities.DogmaVersion]:
    return [
        entities.DogmaVersion(
            version=one.version, statement=one.title, content=one.content, note=one.note, at=stamp(one.at)
        )
        for one in dogmas.versions(db, post)
    ]


def _dogma(db: Session, viewer: Actor | None, id: int) -> Post:
    post = access.access_post(db, viewer, id)
    dogmas.get(db, post)
    return post


@endpoint("read:statuses", Wanted, list[entities.Dogma], who="anybody")
async def index(call: Call, args: Wanted) -> list[entities.Dogma]:
    """Dogmas that stand like this, here and from other servers, by number."""

    def look(db: Session) -> list[entities.Dogma]:
        found = dogmas.all_of(db, call.actor, Status(args.status), community_id=args.community_id)
        return _shown(db, call.actor, [post for post, _ in found])

    return await call.read(look)


@endpoint("read:statuses", Nothing, entities.Dogma, who="anybody")
async def show(call: Call, args: Nothing) -> entities.Dogma:
    """One dogma, with its versions and what practises it."""
    return await call.read(lambda db: _shown(db, call.actor, [_dogma(db, call.actor, call.path())], whole=True)[0])


@endpoint("read:statuses", Paged, list[entities.Endorser], who="anybody")
async def endorsers(call: Call, args: Paged) -> Page[entities.Endorser]:
    """Who stands behind a dogma and lets himself be named, the last first."""

    def look(db: Session) -> Page[entities.Endorser]:
        found = endorsing.endorsers(db, _dogma(db, call.actor, call.path()), args.window(40, 80))
        people = list({actor.id: actor for _, _, actor in found}.values())
        accounts = dict(zip([one.id for one in people], show_accounts.accounts(db, people), strict=True))
        shown = [
            entities.Endorser(
                account=accounts[actor.id], endorsed_as=row.said_as.lower(), version=row.version, at=stamp(row.at)
            )
            for _, row, actor in found
        ]
        return Page.of(shown, [cursor for cursor, _, _ in found])

    return await call.read(look)


def _said(args: Saying, language: str) -> Principle:
    return Principle(args.title, args.text, args.language or language)


@endpoint("write:statuses", Proposing, entities.Dogma)
async def propose(call: Call, args: Proposing) -> entities.Dogma:
    """Propose a dogma to a community of this node, or to the network."""
    await resolve_mentions(call, args.text)

    def write(db: Session, me: Actor) -> entities.Dogma:
        group = community_of(db, args.community_id) if args.community_id is not None else None
        app = {"name": call.app.name, "website": call.app.website} if call.app is not None else None
        said, linked = _said(args, call.language), to_link(db, me, args.link_ids or [])
        return _shown(db, me, [proposing.propose(db, me, said, group, linked=linked, app=app)], whole=True)[0]

    return await call.write(write)


@endpoint("write:statuses", Changing, entities.Dogma)
async def change(call: Call, args: Changing) -> entities.Dogma:
    """A new version: by its author or its moderators. Those who endorsed are asked to look again."""
    await resolve_mentions(call, args.text)

    def write(db: Session, me: Actor) -> entities.Dogma:
        post = _dogma(db, me, call.path())
        said = _said(args, post.language or call.language)
        linked = to_link(db, me, args.link_ids) if args.link_ids is not None else None
        return _shown(db, me, [proposing.change(db, me, post, said, args.note, linked=linked)], whole=True)[0]

    return await call.write(write)


@endpoint("write:statuses", Deciding, entities.Dogma)
async def decide(call: Call, args: Deciding) -> entities.Dogma:
    """Adopt, reject or withdraw it, or let the members vote."""

    def write(db: Session, me: Actor) -> entities.Dogma:
        post = _dogma(db, me, call.path())
        if args.verdict == "vote":
            adopting.open_vote(db, me, post, args.days, args.minimum)
        else:
            deed = {"adopt": adopting.adopt, "reject": adopting.reject, "withdraw": adopting.withdraw}[args.verdict]
            deed(db, me, post, args.reason)
        return _shown(db, me, [post], whole=True)[0]

    return await call.write(write)


@endpoint("write:favourites", ActingAs, entities.Dogma)
async def endorse(call: Call, args: ActingAs) -> entities.Dogma:
    """Stand behind a dogma, or behind its new version too. The same as making its status a favourite."""
    return await _endorse(call, args, undo=False)


@endpoint("write:favourites", ActingAs, entities.Dogma)
async def withdraw(call: Call, args: ActingAs) -> entities.Dogma:
    """Stand behind it no longer."""
    return await _endorse(call, args, undo=True)


async def _endorse(call: Call, args: ActingAs, *, undo: bool) -> entities.Dogma:
    def write(db: Session, me: Actor) -> entities.Dogma:
        post = _dogma(db, me, call.path())
        organization = endorsing.organization_of(db, me, args.organization_id)
        (endorsing.withdraw if undo else endorsing.endorse)(db, me, post, organization=organization)
        return _shown(db, me, [post], whole=True)[0]

    return await call.write(write)
