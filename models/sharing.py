"""Sharing experience: writing a report, changing it, telling what happened since, and doing the same in another place."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from models import (
    actors,
    admission,
    anonymity,
    co_authors,
    communities,
    composing,
    experience_cases,
    experience_people,
    experiences,
    jobs,
    kle,
    links,
    moderation,
    municipalities,
    notifications,
    text,
)
from models.access import access_post
from models.actors import Actor
from models.base import now
from models.errors import Forbidden, Invalid, NotFound
from models.experience_people import MAX_PEOPLE, As
from models.experience_text import markdown
from models.experiences import MAX_PART, Experience, Outcome, Part, Phase, Report
from models.links import Tie
from models.notifications import NotificationKind
from models.posts import Draft, Kind, Post, Visibility

MIN_TITLE = 5
MAX_ABSTRACT = 300
REMINDERS = (0, 3, 6, 12)
"""After how many months somebody can be asked what happened since; 0: never."""

MONTH = timedelta(days=30.4375)
JOB = "remind_follow_up"


@dataclass(frozen=True)
class Around:
    """What stands around a report: where, who, and what it is tied to. None in an edit leaves it as it is."""

    community: Actor | None = None
    visibility: str = Visibility.PUBLIC
    contacts: tuple[Actor, ...] | None = ()
    co_authors: tuple[Actor, ...] = ()
    """Asked anew; those who were asked before stay so."""
    linked: tuple[Post, ...] | None = ()
    """Questions, other reports, meetings and dogmas it belongs with."""
    adapted_from: Post | None = None
    remind_months: int | None = 0
    media: tuple[int, ...] | None = None
    disclosure: str | None = None
    app: dict[str, str] | None = None


HERE = Around()


def publish(db: Session, author: Actor, report: Report, around: Around = HERE) -> Post:
    """Publish a report, in a community or on one's own profile. Raises Invalid, Forbidden, NotFound, and what
    `admission` says."""
    report = _with_abstract(report)
    _check(db, report)
    if around.visibility not in {Visibility.PUBLIC, Visibility.NODE}:
        raise Invalid("A report is public, or for this node only.", code="visibility_unfit")
    admission.check_place(db, around.community, around.visibility)
    draft = _draft(db, author, report, around, contacts=around.contacts or (), origin=around.adapted_from)

    def detail(db: Session, post: Post) -> None:
        _fill(db, post, report, around, fresh=True)

    made = {**vars(draft), "detail": detail}
    post = composing.write(db, author, Draft(**made), Kind.EXPERIENCE, community=around.community)
    co_authors.invite(db, author, post, around.co_authors)
    return post


def edit(db: Session, editor: Actor, post: Post, report: Report, around: Around) -> Post:
    """A new edition of a report, by its author or a co-author. A phase or outcome that changes is noted with its date.

    Raises Forbidden, Invalid.
    """
    if post.kind != Kind.EXPERIENCE:
        raise NotFound("There is no such report.")
    report, later = _with_abstract(report), experiences.get(db, post).is_follow_up
    _check(db, report, follow_up=later)
    if around.remind_months is not None and around.remind_months not in REMINDERS:
        raise Invalid("Choose one of these.", code="remind_unknown")
    contacts = experience_people.people(db, post, As.CONTACT) if around.contacts is None else around.contacts
    origin = _origin(db, post)
    draft = _draft(db, editor, report, around, contacts=contacts, origin=origin, follow_up=later)

    def detail(db: Session, post: Post) -> None:
        _fill(db, post, report, around, fresh=False)

    edited = composing.edit(db, editor, post, Draft(**{**vars(draft), "detail": detail}))
    if around.co_authors:
        co_authors.invite(db, editor, edited, around.co_authors)
    return edited


def _with_abstract(report: Report) -> Report:
    """Readers on most other servers see nothing but title and abstract: where nobody wrote one, the text begins it."""
    if report.abstract.strip():
        return replace(report, abstract=text.one_line(report.abstract, 2 * MAX_ABSTRACT))
    said = report.parts.get(Part.WANTED) or report.parts.get(Part.HAPPENED) or ""
    words = " ".join(re.sub(r"[*_`#>]+", "", said[:2000]).split())
    short = words if len(words) <= MAX_ABSTRACT else words[: MAX_ABSTRACT - 2].rsplit(" ", 1)[0] + " …"
    return replace(report, abstract=short)


def _origin(db: Session, post: Post) -> Post | None:
    link = links.one(db, post, Tie.ADAPTED_FROM)
    return db.get(Post, link.to_id) if link is not None and link.to_id else None


def _check(db: Session, report: Report, *, follow_up: bool = False) -> None:
    if len(report.title.strip()) < MIN_TITLE:
        raise Invalid(f"A report needs a title of at least {MIN_TITLE} characters.", code="title_missing")
    if len(report.abstract) > MAX_ABSTRACT:
        raise Invalid(f"At most {MAX_ABSTRACT} characters.", code="abstract_long")
    for part, said in {**report.parts, **report.obstacles}.items():
        if len(said) > MAX_PART:
            raise Invalid(f"At most {MAX_PART} characters.", code=f"{part}_long")
    if set(report.parts) - set(Part):
        raise Invalid("Unknown part.", code="part_unknown")
    if not follow_up and not report.parts.get(Part.WANTED, "").strip():
        raise Invalid("Say what you wanted.", code="wanted_missing")
    if report.phase not in set(Phase):
        raise Invalid("Choose one of these.", code="phase_unknown")
    if report.outcome not in set(Outcome):
        raise Invalid("Choose one of these.", code="outcome_unknown")
    if unknown := set(report.obstacles) - set(composing.BARRIERS):
        raise Invalid(f"Unknown barrier: {sorted(unknown)[0][:40]}", code="barrier_unknown")
    if report.municipality and not municipalities.name(report.municipality):
        raise Invalid("There is no such municipality.", code="municipality_unknown")
    if report.rule_url and not text.is_address(report.rule_url):
        raise Invalid("Write the whole address, with https:// in front.", code="rule_url_unfit")
    kle.checked(db, report.kle)


def _draft(
    db: Session,
    author: Actor,
    report: Report,
    around: Around,
    *,
    contacts: Iterable[Actor],
    origin: Post | None,
    follow_up: bool = False,
) -> Draft:
    named = list(contacts)
    if len(named) > MAX_PEOPLE:
        raise Invalid(f"Name at most {MAX_PEOPLE} people.", code="contacts_many")
    if origin is not None:
        named += (
            experience_people.authors(db, origin)
            if origin.kind == Kind.EXPERIENCE
            else [actors.get(db, origin.author_id)]
        )
    told = {one.id: one for one in named if one.active and one.id != author.id and not anonymity.is_service(one)}
    return Draft(
        report.parts.get(Part.HAPPENED, "") if follow_up else markdown(report),
        report.title,
        visibility=around.visibility,
        language=report.language,
        summary=report.abstract,
        barriers=tuple(one for one in composing.BARRIERS if one in report.obstacles),
        municipality=report.municipality,
        to=tuple(told),
        media=around.media,
        disclosure=around.disclosure,
        app=around.app,
        linked=around.linked,
    )


def _fill(db: Session, post: Post, report: Report, around: Around, *, fresh: bool) -> None:
    """The rows of a report, as it is now."""
    row = db.get(Experience, post.id)
    if row is None:
        row = Experience(post_id=post.id, phase="", outcome="", shown=False, is_follow_up=False)
        db.add(row)
    row.parts = {part: said.strip() for part, said in report.parts.items() if said.strip()}
    row.obstacles = {one: report.obstacles[one].strip() for one in composing.BARRIERS if one in report.obstacles}
    row.barriers, row.rule_url = experiences.bits(row.obstacles), report.rule_url
    row.municipality, row.kle = report.municipality, report.kle.strip()
    extra = {key: value for key, value in (post.extra or {}).items() if key not in {"phase", "outcome", "kle"}}
    named = {"phase": report.phase, "outcome": report.outcome, "kle": row.kle}
    post.extra = {**extra, **{key: value for key, value in named.items() if value}}
    db.flush()
    if (row.phase, row.outcome) != (report.phase, report.outcome):
        experience_cases.note_state(db, row, report.phase, report.outcome, post.published if fresh else now())
    if around.contacts is not None:
        experience_people.set_contacts(db, post, around.contacts)
    if fresh and around.adapted_from is not None:
        links.put(db, post, Tie.ADAPTED_FROM, [around.adapted_from.uri])
    if around.remind_months is not None:
        remind(db, post, around.remind_months)


# What happened since


def follow_up(
    db: Session, author: Actor, case: Post, said: str, *, phase: str, outcome: str, remind_months: int = 0,
    language: str = "",
) -> Post:  # fmt: skip
    """Tell what happened since: a report of its own, which changes how the case stands. Raises Forbidden, Invalid."""
    row = experiences.get(db, case)
    if row.is_follow_up or not experience_cases.may_follow_up(db, author, case) or not case.local:
        raise Forbidden("Only who wrote a report tells what happened since.", code="not_author")
    if not said.strip():
        raise Invalid("There is nothing in it yet.", code="text_missing")
    language = language or case.language
    title = f"{'What happened since' if language == 'en' else 'Det skete der siden'}: {case.title}"
    report = Report(
        text.one_line(title, composing.MAX_TITLE),
        "",
        {Part.HAPPENED: said},
        dict.fromkeys(experiences.named(row.barriers), ""),
        "",
        phase,
        outcome,
        row.municipality,
        row.kle,
        language,
    )
    report = _with_abstract(report)
    _check(db, report, follow_up=True)
    around = Around(visibility=case.visibility, contacts=())
    draft = _draft(db, author, report, around, contacts=(), origin=None, follow_up=True)

    def detail(db: Session, post: Post) -> None:
        _fill(db, post, report, around, fresh=True)
        own = db.get_one(Experience, post.id)
        own.is_follow_up = True
        links.put(db, post, Tie.FOLLOW_UP_OF, [case.uri])
        experience_cases.note_follow_up(db, post)

    home = communities.home_of(db, case)
    # In its community the news belongs where the case is; who may not write there any more tells it on his own.
    there = home if home is not None and admission.may(db, author, home, Kind.EXPERIENCE) else None
    made = Draft(**{**vars(draft), "detail": detail})
    post = composing.write(db, author, made, Kind.EXPERIENCE, community=there)
    _show_state(db, case)
    remind(db, case, remind_months)
    return post


def _show_state(db: Session, case: Post) -> None:
    """The case says itself how it stands now."""
    row = experiences.get(db, case)
    case.extra = {**(case.extra or {}), "phase": row.phase, "outcome": row.outcome}
    db.flush()
    composing.touch(db, actors.get(db, case.author_id), case)


def remind(db: Session, post: Post, months: int) -> None:
    """Ask the author after so many months what happened since; 0: do not ask (any more). Raises Invalid."""
    if months not in REMINDERS:
        raise Invalid("Choose one of these.", code="remind_unknown")
    row = db.get(Experience, post.id)
    if row is None or not post.local:
        return
    row.remind_at = (now() + MONTH * months).replace(microsecond=0) if months else None
    db.flush()
    if row.remind_at is not None:
        key = f"remind:{post.id}:{int(row.remind_at.timestamp())}"
        jobs.enqueue(db, JOB, {"post": post.id}, dedupe=key, run_at=row.remind_at)


def ask_what_happened(db: Session, post_id: int) -> bool:
    """The time has come: tell the author and co-authors. False if it was put off, or there is nothing to ask about."""
    row, post = db.get(Experience, post_id), db.get(Post, post_id)
    if row is None or post is None or post.deleted_at is not None:
        return False
    if row.remind_at is None or row.remind_at > now():
        return False
    subject = f"{post.id} {int(row.remind_at.timestamp())}"
    row.remind_at = None
    db.flush()
    node = actors.node_actor(db)
    for actor in experience_people.authors(db, post):
        notifications.notify(db, actor.id, NotificationKind.FOLLOW_UP_DUE, node, post, subject=subject)
    return True


# The same in another place


def begin_from(db: Session, viewer: Actor, post_id: int) -> tuple[Post, Report]:
    """A report to start one's own from: what was wanted, what stood in the way and what was tried, but not what came of
    it. Raises NotFound for what `viewer` may not see, or is no report."""
    post = access_post(db, viewer, post_id)
    if post.kind != Kind.EXPERIENCE:
        raise NotFound("There is no such report.")
    row = experiences.get(db, post)
    kept = (Part.WANTED, Part.TRIED, Part.RULE)
    parts: dict[str, str] = {part: row.parts[part] for part in kept if row.parts.get(part)}
    if not row.parts:
        parts = {Part.WANTED: post.source or text.plain(post.content)}
    obstacles = {one: (row.obstacles or {}).get(one, "") for one in experiences.named(row.barriers)}
    report = Report(post.title, "", parts, obstacles, row.rule_url, kle=row.kle, language=post.language or "da")
    return post, report


# Good examples


def may_choose(db: Session, actor: Actor, post: Post) -> bool:
    """Who says what is a good example: moderators of its community, and those of the node."""
    if post.kind != Kind.EXPERIENCE or experiences.get(db, post).is_follow_up:
        return False
    return communities.is_moderator(db, actor.id, post.community_id) or anonymity.moderates_node(db, actor)


def choose_example(db: Session, by: Actor, post: Post, *, chosen: bool = True) -> bool:
    """Show a report among the good examples of this node, or no longer; False if it stood so. Raises Forbidden."""
    if not may_choose(db, by, post):
        raise Forbidden("Only moderators may do that.", code="not_moderator")
    row = db.get(Experience, post.id)
    if row is None or (row.example_at is not None) == chosen:
        return False
    row.example_at, row.example_by_id = (now(), by.id) if chosen else (None, None)
    db.flush()
    moderation.audit(db, by.id, "report.example" if chosen else "report.no_example", post.uri)
    for actor in experience_people.authors(db, post):
        if chosen:
            notifications.notify(db, actor.id, NotificationKind.EXAMPLE, by, post)
    if not chosen:
        notifications.forget(db, NotificationKind.EXAMPLE, by, post=post)
    return True
