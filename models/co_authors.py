"""Co-authors of a report: asked by its author, named once they say yes, here or on another server.

Somebody who has an account here is asked by a notice. Somebody elsewhere is asked by a direct post, which every server
can show; he says yes by liking it, or by a reply that begins with *ja* or *yes*. A co-author of this node may change
the report; each may take his name off again.
"""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import actors, composing, notifications, text
from models.actors import Actor, ActorType
from models.base import now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.experience_people import MAX_PEOPLE, As, ExperiencePerson, person
from models.notifications import NotificationKind
from models.posts import Draft, Kind, Post, Visibility

ASKS = {
    "da": "{handle} Jeg har skrevet erfaringen »{title}« på {host}. Må du stå som medforfatter? Synes godt om dette "
    "opslag, eller svar *ja*.\n\n<{url}>",
    "en": "{handle} I have written the report “{title}” on {host}. May you be named as co-author? Like this post, or "
    "answer *yes*.\n\n<{url}>",
}


def invite(db: Session, by: Actor, post: Post, people: Iterable[Actor]) -> None:
    """Ask people to be named as co-authors of one's own report; who was asked before is not asked again.

    Raises Forbidden for the reports of others, Invalid for who cannot be one, Conflict for too many.
    """
    if post.kind != Kind.EXPERIENCE or not post.local or post.author_id != by.id:
        raise Forbidden("Only its author asks co-authors.", code="not_author")
    for actor in {one.id: one for one in people}.values():
        if actor.id == by.id or person(db, post, actor, As.CO_AUTHOR) is not None:
            continue
        if actor.type != ActorType.PERSON or not actor.active:
            raise Invalid("Only people can be co-authors.", code="co_authors_unfit")
        if _count(db, post) >= MAX_PEOPLE:
            raise Conflict(f"A report has at most {MAX_PEOPLE} co-authors.", code="co_authors_many")
        row = ExperiencePerson(post_id=post.id, actor_id=actor.id, role=As.CO_AUTHOR)
        db.add(row)
        db.flush()
        if actor.local:
            notifications.notify(db, actor.id, NotificationKind.CO_AUTHOR, by, post)
        elif post.visibility in {Visibility.PUBLIC, Visibility.UNLISTED}:
            row.ask_id = _write_to(db, by, post, actor).id
        else:
            raise Invalid("A report for this server only has no co-authors elsewhere.", code="co_authors_unfit")
        db.flush()


def _count(db: Session, post: Post) -> int:
    query = select(func.count()).select_from(ExperiencePerson)
    mine = query.where(ExperiencePerson.post_id == post.id, ExperiencePerson.role == As.CO_AUTHOR)
    return db.scalar(mine) or 0


def _write_to(db: Session, by: Actor, post: Post, actor: Actor) -> Post:
    words = ASKS["en" if post.language == "en" else "da"].format(
        handle=f"@{actor.handle}", title=text.one_line(post.title, 150).replace("*", ""), host=by.domain, url=post.url
    )
    draft = Draft(words, visibility=Visibility.DIRECT, language=post.language, to=(actor.id,), invites=post.uri)
    return composing.note(db, by, draft)


def asked(db: Session, actor: Actor, post: Post) -> bool:
    """Whether somebody has not answered yet."""
    row = person(db, post, actor, As.CO_AUTHOR)
    return row is not None and row.accepted_at is None


def answer(db: Session, actor: Actor, post: Post, *, yes: bool) -> None:
    """Say yes or no, or take one's name off later. Raises NotFound for who was not asked."""
    row = person(db, post, actor, As.CO_AUTHOR)
    if row is None or post.deleted_at is not None:
        raise NotFound("You were not asked to be co-author of this.")
    was_named = row.accepted_at is not None
    if yes == was_named and yes:
        return
    author = actors.get(db, post.author_id)
    if yes:
        row.accepted_at = now()
        notifications.notify(db, author.id, NotificationKind.CO_AUTHOR_ACCEPTED, actor, post)
    else:
        db.delete(row)
        notifications.forget(db, NotificationKind.CO_AUTHOR_ACCEPTED, actor, post=post)
    if yes or was_named:
        composing.touch(db, author, post)
    db.flush()


def answered(db: Session, actor: Actor, ask: Post, *, yes: bool) -> None:
    """Somebody elsewhere likes the post that asks him, likes it no longer, or answers yes or no. Nothing for others."""
    row = db.scalar(
        select(ExperiencePerson).where(ExperiencePerson.ask_id == ask.id, ExperiencePerson.actor_id == actor.id)
    )
    if row is not None and (report := db.get(Post, row.post_id)) is not None and report.deleted_at is None:
        answer(db, actor, report, yes=yes)


def take_off(db: Session, actor: Actor, post: Post) -> None:
    """Somebody does not want to be named as one to ask. Raises NotFound for who is not named."""
    row = person(db, post, actor, As.CONTACT)
    if row is None:
        raise NotFound("You are not named there.")
    db.delete(row)
    db.flush()
    if post.local:
        composing.touch(db, actors.get(db, post.author_id), post)


def withdraw(db: Session, by: Actor, post: Post, actor: Actor) -> None:
    """The author asks somebody no longer, or names him no longer. Raises Forbidden."""
    if post.author_id != by.id:
        raise Forbidden("Only its author asks co-authors.", code="not_author")
    if person(db, post, actor, As.CO_AUTHOR) is not None:
        answer(db, actor, post, yes=False)
