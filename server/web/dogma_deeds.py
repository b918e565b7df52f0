"""Deeds on a dogma: endorsing it and taking that back, deciding about it, and reading what it said before."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from starlette.responses import Response

from models import access, actors, adopting, communities, differences, dogmas, endorsing, proposing
from models.actors import Actor
from models.adopting import DAYS, MAX_MINIMUM, MAX_REASON
from models.differences import Piece
from models.dogmas import OPEN, Dogma, DogmaVersion, Status
from models.errors import DomainError, NotFound
from models.posts import Post
from models.text import plain
from server.forms import Form
from server.i18n import later
from server.web import drafting
from server.web.rendering import post_path
from server.web.visits import Visit, action, own_page, page

VERDICTS = {
    "adopt": later("Adopt it"),
    "vote": later("Let the members vote"),
    "reject": later("Reject it"),
    "withdraw": later("Withdraw it"),
}
SHOWN = 30
"""Versions compared on one page, the newest: comparing texts takes time."""

MINIMUM = 3
"""How many have to take part in a vote where nobody says anything else."""


@action
async def endorse(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/endorse`, `as` the number of an organisation one looks after (else oneself): stand behind a dogma,
    also its new version; with `undo` no longer."""
    undo, acting_for = form.flag("undo"), form.number("as")

    def write(db: Session, me: Actor) -> str:
        post = access.access_post(db, me, visit.path("id"))
        organization = endorsing.organization_of(db, me, acting_for)
        if undo:
            endorsing.withdraw(db, me, post, organization=organization)
        else:
            endorsing.endorse(db, me, post, organization=organization)
        return post_path(post)

    return visit.go(f"{await visit.write(write)}#behind", said="dogma-unendorsed" if undo else "dogma-endorsed")


# Deciding


@dataclass(frozen=True)
class Matter:
    """What is decided about."""

    post: Post
    row: Dogma
    community: Actor | None
    verdicts: tuple[str, ...]
    """What the visitor can decide."""
    endorsed: int


def _matter(db: Session, me: Actor, post_id: int) -> Matter:
    post = access.access_post(db, me, post_id)
    row = dogmas.get(db, post)
    if row.status not in OPEN or not dogmas.is_home(db, post) or proposing.is_voted_on(db, row):
        raise NotFound("There is no such page.")
    verdicts: tuple[str, ...] = ()
    if dogmas.moderates(db, me, post):
        verdicts = ("adopt", "vote", "reject") if row.status == Status.PROPOSED else ("withdraw",)
    if row.status == Status.PROPOSED and post.author_id == me.id:
        verdicts += ("withdraw",)
    if not verdicts:
        raise NotFound("There is no such page.")
    return Matter(post, row, communities.home_of(db, post), verdicts, endorsing.count(db, post))


@own_page
async def decide_form(visit: Visit) -> Response:
    """`GET /posts/{id}/decide`: adopt, let vote, reject or withdraw a dogma."""
    matter = await visit.read(lambda db: _matter(db, visit.me, visit.path("id")))
    verdict = matter.verdicts[0] if len(matter.verdicts) == 1 else ""
    return _decide_page(visit, matter, Form.filled(verdict=verdict, days="7", minimum=str(MINIMUM)))


def _decide_page(visit: Visit, matter: Matter, form: Form, status: int = 200) -> Response:
    return visit.page("dogma_decide.html", status=status, matter=matter, form=form, names=VERDICTS, days=DAYS)


@action
async def decide(visit: Visit, form: Form) -> Response:
    """`POST /posts/{id}/decide`, `verdict` and `reason`; for a vote `days` and `minimum`."""
    matter = await visit.read(lambda db: _matter(db, visit.me, visit.path("id")))
    verdict = form.raw("verdict")
    if verdict not in matter.verdicts:
        form.error("verdict", later("Choose one of these."))
    reason, days, minimum = "", 0, 0
    if verdict == "vote":
        days = int(form.choice("days", tuple(map(str, DAYS)), "7"))
        minimum = form.number("minimum") or 0
        if not 1 <= minimum <= MAX_MINIMUM:
            form.error("minimum", later("Write a number, at least one."))
    else:
        reason = form.line("reason", most=MAX_REASON)
    if form.errors:
        return _decide_page(visit, matter, form, 422)

    def write(db: Session, me: Actor) -> str:
        post = _matter(db, me, matter.post.id).post
        if verdict == "vote":
            return f"{post_path(post)}#p{adopting.open_vote(db, me, post, days, minimum).id}"
        {"adopt": adopting.adopt, "reject": adopting.reject, "withdraw": adopting.withdraw}[verdict](
            db, me, post, reason
        )
        return post_path(post)

    try:
        where = await visit.write(write)
    except DomainError as error:
        form.error("reason" if error.code.startswith("reason") else "verdict", drafting.said_of(error))
        return _decide_page(visit, matter, form, error.status)
    return visit.go(where, said=f"dogma-{verdict}")


# What it said before


@dataclass(frozen=True)
class Edition:
    """A version, and what had changed since the one before."""

    version: DogmaVersion
    title: Sequence[Piece]
    text: Sequence[Piece]
    by: Actor | None
    first: bool


@page
async def versions(visit: Visit) -> Response:
    """`GET /posts/{id}/versions`: what a dogma said, word by word, newest first."""

    def look(db: Session) -> tuple[Post, Dogma, list[Edition]]:
        post = access.access_post(db, visit.actor, visit.path("id"))
        row, found = dogmas.get(db, post), dogmas.versions(db, post)
        people = actors.many(db, [one.by_id for one in found if one.by_id])
        made = []
        for at in range(max(0, len(found) - SHOWN), len(found)):
            one, before = found[at], found[max(at - 1, 0)]
            made.append(
                Edition(
                    one,
                    differences.between(before.title, one.title),
                    differences.between(plain(before.content), plain(one.content)),
                    people.get(one.by_id or 0),
                    at == 0,
                )
            )
        return post, row, made[::-1]

    post, row, editions = await visit.read(look)
    return visit.page("dogma_versions.html", post=post, row=row, editions=editions)
