"""Writing dogmas: proposing one, and giving one a new version.

Proposals are made where they are decided: in a community of this node, or for the network on this node. In a community
elsewhere somebody proposes on that community's own server.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from models import accounts, communities, composing, dogmas, endorsing, links, notifications, posts, text
from models.actors import Actor
from models.dogmas import MAX_CHANGED, MAX_STATEMENT, OPEN, Dogma, Status
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.notifications import NotificationKind
from models.posts import Draft, Kind, Post

MIN_STATEMENT = 5
NEWS = {
    "da": "**Udgave {version}** af »{title}«: {note}\n\nHar du tilsluttet dig, så se på den igen. Din tilslutning gælder, "
    "indtil du tager den tilbage.",
    "en": "**Version {version}** of “{title}”: {note}\n\nIf you endorsed it, please look again. Your endorsement holds until "
    "you take it back.",
}
"""What is said in the thread of a dogma when it has a new version: the one post by which readers on other servers hear of
it. Nobody is named in it, so that it comes to nobody as a notice."""


@dataclass(frozen=True)
class Principle:
    """What a dogma says: a line, and the text below it in Markdown."""

    title: str
    text: str
    language: str = "da"


def propose(
    db: Session,
    author: Actor,
    principle: Principle,
    community: Actor | None = None,
    *,
    linked: Sequence[Post] = (),
    app: dict[str, str] | None = None,
) -> Post:
    """Propose a dogma to a community of this node, or (None) to the network. Those who decide are told. `linked`: the
    questions, reports, meetings and other dogmas it belongs with.

    Raises Invalid, NotFound, Forbidden, and what `admission` says.
    """
    _check(principle)
    if community is not None:
        if not community.is_community or not community.active:
            raise NotFound("There is no such community.")
        if not community.local:
            raise Forbidden("Propose it on the community's own server; that is where it is decided.", code="not_home")
        if communities.known(db, community).questions_only:
            raise Forbidden("In this community only questions are asked.", code="questions_only")
    title = text.one_line(principle.title, MAX_STATEMENT)
    row = Dogma(status=Status.PROPOSED.value, title=title, version=1, number=None, scope_id=None, vote_minimum=0)
    row.reason, row.decided_through, row.endorsed_elsewhere = "", "", 0

    def detail(db: Session, post: Post) -> None:
        row.post_id, row.scope_id = post.id, dogmas.scope(db, post).id
        db.add(row)
        dogmas.note_version(db, post, row, author)
        _tag(db, post)

    draft = replace(_draft(row, principle, detail, linked), app=app)
    post = composing.write(db, author, draft, Kind.DOGMA, community=community)
    staff = [actor for _, actor in accounts.staff(db)]
    for moderator in communities.moderators(db, community) if community is not None else staff:
        notifications.notify(db, moderator.id, NotificationKind.DOGMA_PROPOSED, author, post)
    return post


def _check(principle: Principle) -> None:
    if len(principle.title.strip()) < MIN_STATEMENT:
        raise Invalid(f"A dogma needs a line of at least {MIN_STATEMENT} characters.", code="title_missing")
    if len(text.one_line(principle.title, 10_000)) > MAX_STATEMENT:
        raise Invalid(f"At most {MAX_STATEMENT} characters.", code="title_long")
    if not principle.text.strip():
        raise Invalid("Say what it means.", code="text_missing")


def _tag(db: Session, post: Post) -> None:
    written = [tag.shown for tag in posts.tags_of(db, [post.id]).get(post.id, [])]
    posts.set_tags(db, post, [dogmas.TAG, *written])


def change(
    db: Session,
    editor: Actor,
    post: Post,
    principle: Principle,
    note: str,
    *,
    linked: Sequence[Post] | None = None,
) -> Post:
    """A new version: the earlier one stays readable, and those who endorsed are asked to look again. `note` says what has
    changed; a proposal can do without. `linked`: what it belongs with, from now on; None leaves that as it is. Where
    nothing else is new, there is no new version.

    Raises Forbidden, Invalid, and Conflict for one that holds no longer or is being voted on.
    """
    row = dogmas.held(db, post)
    if not dogmas.may_edit(db, editor, post):
        raise Forbidden("Only its author and the moderators change a dogma.", code="not_author")
    if row.status not in OPEN:
        raise Conflict("This dogma does not hold any more.", code="dogma_over")
    if is_voted_on(db, row):
        raise Conflict("It is being voted on, and what is voted on does not change.", code="dogma_voted_on")
    _check(principle)
    note = text.one_line(note, 2 * MAX_CHANGED)
    if len(note) > MAX_CHANGED:
        raise Invalid(f"At most {MAX_CHANGED} characters.", code="note_long")
    title = text.one_line(principle.title, MAX_STATEMENT)
    if (title, principle.text.strip(), principle.language) == (row.title, post.source.strip(), post.language):
        return _link(db, editor, post, row, linked)
    if row.status == Status.ADOPTED and not note:
        raise Invalid("Say what has changed, for those who have endorsed it.", code="note_missing")
    row.title = title

    def detail(db: Session, post: Post) -> None:
        row.version += 1
        dogmas.note_version(db, post, row, editor, note)
        _tag(db, post)

    composing.edit(db, editor, post, _draft(row, principle, detail, linked))
    if row.status == Status.ADOPTED:
        words = NEWS["en" if principle.language == "en" else "da"]
        said = words.format(version=row.version, title=title.replace("*", ""), note=note)
        composing.write(db, editor, Draft(said, language=principle.language), Kind.COMMENT, parent=post)
    if not post.held_for:
        endorsing.look_again(db, post, editor)
    return post


def _draft(
    row: Dogma, principle: Principle, detail: Callable[[Session, Post], None], linked: Sequence[Post] | None
) -> Draft:
    return Draft(
        principle.text,
        dogmas.name(row, principle.language),
        language=principle.language,
        detail=detail,
        linked=None if linked is None else tuple(linked),
    )


def _link(db: Session, editor: Actor, post: Post, row: Dogma, linked: Sequence[Post] | None) -> Post:
    """The words stay, and with them the version."""
    if linked is None or {one.uri for one in linked} == set(links.named(db, post)):
        raise Invalid("It says the same as before.", code="text_same")
    composing.edit(
        db, editor, post, _draft(row, Principle(row.title, post.source, post.language or "da"), _tag, linked)
    )
    return post


def is_voted_on(db: Session, row: Dogma) -> bool:
    """Whether a vote about it is open."""
    return row.status == Status.PROPOSED and vote_ends(db, row) is not None


def vote_ends(db: Session, row: Dogma) -> datetime | None:
    """When the vote about it that is open now ends; None without one."""
    from models import polls

    poll = polls.get(db, row.vote_id) if row.vote_id else None
    return poll.expires_at if poll is not None and not poll.ended else None
