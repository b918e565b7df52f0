"""Reports of experience in Torv's own namespace: as themselves, with their parts, and not as statuses."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy.orm import Session

from models import access, actors, experience_cases, experience_people, experiences, gap, links, sharing
from models.actors import Actor
from models.errors import Invalid, NotFound
from models.experience_people import MAX_PEOPLE, As
from models.experience_text import markdown
from models.experiences import Report
from models.gap import Choice
from models.links import MOST
from models.posts import Kind, Post, Visibility
from models.sharing import Around
from server.api import show_accounts
from server.api.arguments import Id, Nothing, Paged, Whole
from server.api.calls import Call, endpoint
from server.api.communities import community_of
from server.api.contributions import Showing, tied, to_link
from server.api.entities import torv as entities
from server.api.paging import Page
from server.api.times import stamp
from server.elsewhere import resolve_mentions

Word = Annotated[str, Meta(max_length=60)]


class Wanted(Paged, kw_only=True):
    """Which reports. What is left out asks for nothing."""

    barrier: Word = ""
    phase: Word = ""
    outcome: Word = ""
    municipality: Word = ""
    kle: Word = ""
    """A KLE number, with all below it."""
    community_id: Id | None = None
    example: bool = False
    """Good examples only."""


class Counted(msgspec.Struct, kw_only=True):
    """What is counted. What is left out asks for nothing."""

    barrier: Word = ""
    phase: Word = ""
    outcome: Word = ""
    municipality: Word = ""
    kle: Word = ""
    community_id: Id | None = None


class Reporting(msgspec.Struct, kw_only=True):
    """A report. Texts are Markdown."""

    title: Annotated[str, Meta(min_length=1)]
    summary: str = ""
    parts: dict[str, str] = {}
    barriers: dict[str, str] = {}
    rule_url: str = ""
    phase: Word = "ide"
    outcome: Word = "endnu-ikke"
    municipality: Word = ""
    kle: Word = ""
    language: Annotated[str, Meta(max_length=10)] = ""
    disclosure: Annotated[str, Meta(max_length=500)] | None = None
    contact_ids: Annotated[list[Id], Meta(max_length=MAX_PEOPLE)] = []
    co_author_ids: Annotated[list[Id], Meta(max_length=MAX_PEOPLE)] = []
    """Who is asked to be named as co-author."""
    link_ids: Annotated[list[Id], Meta(max_length=MOST)] = []
    """Questions, other reports, meetings and dogmas it belongs with."""


class Publishing(Reporting, kw_only=True):
    """A new report."""

    community_id: Id | None = None
    visibility: Annotated[str, Meta(pattern="^(public|node)$")] = "public"
    adapted_from_id: Id | None = None
    """The report it was adapted from, whose authors are told."""
    remind_months: Whole = 0
    """When to ask what happened since: 3, 6, 12, or 0 for never."""


class Since(msgspec.Struct, kw_only=True):
    """What happened since. `text` is Markdown."""

    text: Annotated[str, Meta(min_length=1)]
    phase: Word
    outcome: Word
    remind_months: Whole = 0


def _choice(args: Wanted | Counted) -> Choice:
    example = args.example if isinstance(args, Wanted) else False
    if args.barrier and args.barrier not in experiences.BARRIERS:
        raise Invalid("There is no such barrier.", code="barrier_unknown")
    return Choice(args.barrier, args.phase, args.outcome, args.municipality, args.kle, args.community_id, example)


def _shown(
    db: Session, viewer: Actor | None, found: Iterable[Post], *, whole: bool = False
) -> list[entities.Experience]:
    listed = list(found)
    showing, rows = Showing(db, viewer, listed), experiences.many(db, listed)
    crews = experience_people.crew(db, [post.id for post in listed])
    people = list({one.id: one for crew in crews.values() for several in crew.values() for one in several}.values())
    accounts = dict(zip([one.id for one in people], show_accounts.accounts(db, people), strict=True))
    made = []
    for post in listed:
        row = rows.get(post.id) or experiences.get(db, post)
        made.append(
            entities.Experience(
                **showing.common(post),
                community_id=str(post.community_id) if post.community_id else None,
                summary=post.summary,
                parts={str(part): str(said) for part, said in (row.parts or {}).items()},
                barriers={one: str((row.obstacles or {}).get(one, "")) for one in experiences.named(row.barriers)},
                rule_url=row.rule_url,
                phase=row.phase,
                outcome=row.outcome,
                states=_states(db, post) if whole else [],
                municipality=row.municipality,
                kle=row.kle,
                follow_up=row.is_follow_up,
                example=row.example_at is not None,
                co_authors=[accounts[one.id] for one in crews[post.id][As.CO_AUTHOR]],
                contacts=[accounts[one.id] for one in crews[post.id][As.CONTACT]],
                links=tied(links.of(db, viewer, post)) if whole else [],
                linked_from=tied(links.to(db, viewer, post)) if whole else [],
            )
        )
    return made


def _states(db: Session, post: Post) -> list[entities.ExperienceState]:
    return [
        entities.ExperienceState(
            phase=one.phase,
            outcome=one.outcome,
            at=stamp(one.at),
            source_id=str(one.source_id) if one.source_id else None,
        )
        for one in experience_cases.states(db, post.id)
    ]


def _report(db: Session, viewer: Actor | None, id: int) -> Post:
    post = access.access_post(db, viewer, id)
    if post.kind != Kind.EXPERIENCE:
        raise NotFound("There is no such report.")
    return post


@endpoint("read:statuses", Wanted, list[entities.Experience], who="anybody")
async def index(call: Call, args: Wanted) -> Page[entities.Experience]:
    """Reports of experience, here and from other servers, newest first."""
    choice = _choice(args)

    def look(db: Session) -> Page[entities.Experience]:
        found = gap.cases(db, call.actor, choice, args.window())
        return Page.of(_shown(db, call.actor, found), [post.id for post in found])

    return await call.read(look)


@endpoint("read:statuses", Nothing, entities.Experience, who="anybody")
async def show(call: Call, args: Nothing) -> entities.Experience:
    """One report, with how it stood over time and what it is tied to."""
    return await call.read(lambda db: _shown(db, call.actor, [_report(db, call.actor, call.path())], whole=True)[0])


def _made(args: Reporting, language: str) -> Report:
    return Report(
        args.title,
        args.summary,
        args.parts,
        args.barriers,
        args.rule_url,
        args.phase,
        args.outcome,
        args.municipality,
        args.kle,
        args.language or language,
    )


def _people(db: Session, ids: list[int]) -> tuple[Actor, ...]:
    found = actors.many(db, ids)
    if any(id not in found or not found[id].active or found[id].is_community for id in ids):
        raise Invalid("There is no such person.", code="person_unknown")
    return tuple(found[id] for id in dict.fromkeys(ids))


def _around(db: Session, me: Actor, args: Reporting) -> dict[str, Any]:
    return {
        "contacts": _people(db, args.contact_ids),
        "co_authors": _people(db, args.co_author_ids),
        "linked": to_link(db, me, args.link_ids),
        "disclosure": args.disclosure,
    }


@endpoint("write:statuses", Publishing, entities.Experience)
async def publish(call: Call, args: Publishing) -> entities.Experience:
    """Publish a report, in a community or on one's own profile."""
    report = _made(args, call.language)
    await resolve_mentions(call, markdown(report))

    def write(db: Session, me: Actor) -> entities.Experience:
        around = Around(
            community=community_of(db, args.community_id) if args.community_id is not None else None,
            visibility=Visibility(args.visibility),
            adapted_from=_report(db, me, args.adapted_from_id) if args.adapted_from_id is not None else None,
            remind_months=args.remind_months,
            app={"name": call.app.name, "website": call.app.website} if call.app is not None else None,
            **_around(db, me, args),
        )
        return _shown(db, me, [sharing.publish(db, me, report, around)], whole=True)[0]

    return await call.write(write)


@endpoint("write:statuses", Reporting, entities.Experience)
async def edit(call: Call, args: Reporting) -> entities.Experience:
    """A new edition of one's own report, or of one the caller is co-author of: all of it anew."""
    report = _made(args, call.language)
    await resolve_mentions(call, markdown(report))

    def write(db: Session, me: Actor) -> entities.Experience:
        post = _report(db, me, call.path())
        around = Around(visibility=post.visibility, remind_months=None, **_around(db, me, args))
        return _shown(db, me, [sharing.edit(db, me, post, report, around)], whole=True)[0]

    return await call.write(write)


@endpoint("write:statuses", Since, entities.Experience)
async def follow_up(call: Call, args: Since) -> entities.Experience:
    """Tell what happened since: a report of its own, which changes how the case stands."""
    await resolve_mentions(call, args.text)

    def write(db: Session, me: Actor) -> entities.Experience:
        case = _report(db, me, call.path())
        made = sharing.follow_up(
            db, me, case, args.text, phase=args.phase, outcome=args.outcome, remind_months=args.remind_months
        )
        return _shown(db, me, [made], whole=True)[0]

    return await call.write(write)


@endpoint("read:statuses", Counted, list[entities.GapCount], who="anybody")
async def counts(call: Call, args: Counted) -> list[entities.GapCount]:
    """The gap: how many cases anybody may find, by barriers, phase, outcome and municipality at once."""
    choice = _choice(args)
    found = await call.read(lambda db: gap.counts(db, choice))
    return [
        entities.GapCount(
            barriers=list(one.barriers),
            phase=one.phase,
            outcome=one.outcome,
            municipality=one.municipality,
            cases=one.cases,
        )
        for one in found
    ]
