"""Threads: questions, their answers and comments, and the answer that is accepted. The heart of Torv."""

from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import access, actors, anonymity, communities, composing, events, listings, notifications, outbox
from models.access import visible
from models.actors import PUBLIC, Actor
from models.base import now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.posts import Draft, Kind, Post, Visibility

MIN_TITLE = 5


def ask(db: Session, author: Actor, community: Actor, draft: Draft) -> Post:
    """Ask a question in a community, here or elsewhere. Raises Invalid (title), and what `admission` says."""
    if len(draft.title.strip()) < MIN_TITLE:
        raise Invalid(f"A question needs a title of at least {MIN_TITLE} characters.", code="title_missing")
    if draft.visibility not in {Visibility.PUBLIC, Visibility.NODE}:
        raise Invalid("A question in a community is public, or for this server only.", code="visibility_unfit")
    if not community.is_community or not community.active:
        raise NotFound("There is no such community.")
    if draft.visibility == Visibility.NODE and not community.local:
        raise Invalid("A question elsewhere cannot stay on this server.", code="visibility_unfit")
    return composing.write(db, author, draft, Kind.QUESTION, community=community)


def answer(db: Session, author: Actor, question: Post, draft: Draft) -> Post:
    """Answer a question."""
    if question.kind != Kind.QUESTION:
        raise Invalid("Only questions have answers.", code="not_a_question")
    return composing.write(db, author, _untitled(draft), Kind.ANSWER, parent=question)


def comment(db: Session, author: Actor, parent: Post, draft: Draft) -> Post:
    """Comment on a post."""
    return composing.write(db, author, _untitled(draft), Kind.COMMENT, parent=parent)


def reply(db: Session, author: Actor, parent: Post, draft: Draft) -> Post:
    """Answer a question, comment on anything else."""
    return (answer if parent.kind == Kind.QUESTION else comment)(db, author, parent, draft)


def _untitled(draft: Draft) -> Draft:
    # A reply with a name could be read as a vote in a poll.
    return replace(draft, title="")


def question_of(db: Session, post: Post) -> Post | None:
    """The question whose thread a post stands in (itself, for a question)."""
    root = post if post.thread_id == post.id else db.get(Post, post.thread_id)
    return root if root is not None and root.kind == Kind.QUESTION else None


def may_accept(db: Session, actor: Actor, question: Post) -> bool:
    """The asker, or a moderator of the question's home community."""
    return anonymity.wrote(db, actor, question) or communities.is_moderator(db, actor.id, question.community_id)


def accept(
    db: Session,
    chooser: Actor,
    question: Post,
    answer: Post,
    *,
    uri: str | None = None,
    inner: dict[str, Any] | None = None,
) -> None:
    """Make `answer` the accepted one; a former choice is withdrawn first. Choosing the same again changes nothing.

    `uri` and `inner` are the ChooseAnswer's id and JSON when it came from elsewhere. Raises Forbidden (neither asker
    nor moderator), Invalid (an answer of another thread).
    """
    _may_choose(db, chooser, question)
    chooser = anonymity.acting(db, chooser, question)
    if question_of(db, answer) is not question and answer.thread_id != question.id:
        raise Invalid("That is an answer to another question.", code="other_thread")
    if answer.id == question.id or answer.deleted_at is not None:
        raise Invalid("Only a reply to the question can be accepted.", code="other_thread")
    if answer.held_for:
        raise Conflict("This answer waits for a moderator.")
    if question.accepted_id == answer.id:
        return
    if question.accepted_id is not None:
        withdraw(db, chooser, question, quiet=True, inner=None)
    question.accepted_id, question.accepted_by_id, question.accepted_at = answer.id, chooser.id, now()
    if answer.kind == Kind.COMMENT and answer.in_reply_to_id == question.id:
        set_kind(db, answer, Kind.ANSWER)
    answer.unreviewed = False
    db.flush()
    author = actors.get(db, answer.author_id)
    if chooser.local:
        community = communities.home_of(db, question)
        choice = (
            outbox.record(
                db,
                "ChooseAnswer",
                chooser,
                object_uri=answer.uri,
                post=question,
                to=[PUBLIC],
                cc=[*([community.uri] if community else []), author.uri],
                public=True,
                data={"audience": community.uri} if community else {},
            )
            if composing.open_visibility(question)
            else None
        )
        question.accept_uri = choice.uri if choice else ""
        if choice is not None:
            listings.pass_on(db, question, None, own=choice)
    else:
        question.accept_uri = uri or ""
        listings.pass_on(db, question, inner)
    _show_choice(db, chooser, question, answer)
    home = communities.home_of(db, question)
    shown = listings.open_to_all(db, question) and listings.open_to_all(db, answer) and not listings.apart(db, answer)
    if home is not None and home.local and shown and not outbox.plain_announces(db, home.id, answer):
        listings.announce(db, home, answer)  # once, however often the choice changes
    notifications.notify(db, author.id, "accepted", chooser, answer)


def withdraw(
    db: Session, chooser: Actor, question: Post, *, inner: dict[str, Any] | None = None, quiet: bool = False
) -> bool:
    """Take the acceptance back; False if nothing was accepted. `quiet`: another choice follows at once."""
    _may_choose(db, chooser, question)
    chooser = anonymity.acting(db, chooser, question)
    if question.accepted_id is None:
        return False
    answer = db.get(Post, question.accepted_id)
    old_uri, old_chooser = question.accept_uri, question.accepted_by_id
    question.accepted_id = question.accepted_by_id = question.accepted_at = None
    question.accept_uri = ""
    db.flush()
    if answer is None:
        return True
    author = actors.get(db, answer.author_id)
    if chooser.local and composing.open_visibility(question):
        community = communities.home_of(db, question)
        cc = [*([community.uri] if community else []), author.uri]
        mine = old_chooser == chooser.id and bool(old_uri)
        embed: dict[str, Any] = {
            "id": old_uri if mine else f"{question.uri}#choice",
            "type": "ChooseAnswer",
            "actor": chooser.uri,
            "object": answer.uri,
            **({"audience": community.uri} if community else {}),
            "to": [PUBLIC],
            "cc": cc,
        }
        undo = outbox.record(
            db,
            "Undo",
            chooser,
            object_uri=embed["id"],
            post=question,
            to=[PUBLIC],
            cc=cc,
            public=True,
            data={"embed": embed, **({"audience": community.uri} if community else {})},
        )
        listings.pass_on(db, question, None, own=undo)
    elif not chooser.local:
        listings.pass_on(db, question, inner)
    _show_choice(db, chooser, question, answer, accepted=False, question_too=not quiet)
    notifications.forget(db, "accepted", chooser, post=answer)
    return True


def _show_choice(
    db: Session, chooser: Actor, question: Post, answer: Post, *, accepted: bool = True, question_too: bool = True
) -> None:
    """Only the asker's own choice edits the question; our own answer carries PieFed's flag."""
    if question_too and chooser.id == question.author_id and question.local:
        composing.touch(db, chooser, question)
    elif question_too:
        events.edited(db, question)  # its text names the answer, although it is no new edition
    if answer.local and answer.deleted_at is None and composing.open_visibility(answer):
        composing.touch(db, actors.get(db, answer.author_id), answer)


def _may_choose(db: Session, chooser: Actor, question: Post) -> None:
    if question.kind != Kind.QUESTION or question.deleted_at is not None:
        raise NotFound("There is no such question.")
    if not may_accept(db, chooser, question):
        raise Forbidden("Only the person who asked, or a moderator, can choose the answer.", code="not_asker")


def note_accepted(db: Session, question: Post, accepted_uri: str) -> None:
    """Take over what the asker's own server shows as accepted (a fetched question with `acceptedAnswer`, or without).

    A moderator's choice is not in the asker's object, so its absence there says nothing about it.
    """
    asker = actors.get(db, question.author_id)
    if not accepted_uri:
        if question.accepted_id is not None and question.accepted_by_id == asker.id and not asker.local:
            question.accepted_id = question.accepted_by_id = question.accepted_at = None
            question.accept_uri = ""
        return
    answer = db.scalar(
        select(Post).where(Post.uri == accepted_uri, Post.thread_id == question.id, Post.deleted_at.is_(None))
    )
    if answer is None or answer.id in {question.accepted_id, question.id}:
        return
    question.accepted_id, question.accepted_by_id, question.accepted_at = answer.id, asker.id, now()
    answer.unreviewed = False
    db.flush()
    notifications.notify(db, answer.author_id, "accepted", asker, answer)


def keep(db: Session, actor: Actor, post: Post) -> None:
    """The asker or a moderator takes an outside answer in; a community that held it now passes it on."""
    question = question_of(db, post)
    if question is None or not may_accept(db, actor, question):
        raise Forbidden("Only the person who asked, or a moderator, can do that.", code="not_asker")
    if not post.unreviewed:
        return
    was_held = listings.held(db, post)
    post.unreviewed = False
    db.flush()
    if was_held:
        listings.pass_on(db, post, None)
        author = actors.get(db, post.author_id)
        notifications.notify(db, question.author_id, "answer", author, post)
        composing.tell_followers(db, post, author, question)


def turn(db: Session, actor: Actor, post: Post, kind: Kind) -> None:
    """Turn an answer into a comment, or a direct reply to a question into an answer."""
    question = question_of(db, post)
    if question is None or not (may_accept(db, actor, question) or anonymity.wrote(db, actor, post)):
        raise Forbidden("Only the person who asked, or a moderator, can do that.", code="not_asker")
    if kind not in {Kind.ANSWER, Kind.COMMENT} or post.in_reply_to_id != question.id:
        raise Invalid("Only direct replies to a question can be turned.", code="not_a_reply")
    if question.accepted_id == post.id:
        raise Conflict("The accepted answer cannot be turned into a comment.")
    if post.kind == kind:
        return
    set_kind(db, post, kind)
    if post.local:
        composing.touch(db, actors.get(db, post.author_id), post)


def set_kind(db: Session, post: Post, kind: Kind) -> None:
    """Change what a reply is and keep the question's count of answers right."""
    parent = db.get(Post, post.in_reply_to_id) if post.in_reply_to_id else None
    if parent is not None and parent.kind == Kind.QUESTION and post.kind != kind and not post.held_for:
        composing.count_answer(db, parent, post, 1 if kind == Kind.ANSWER else -1)
    post.kind = kind
    db.flush()


def forwarding(db: Session, post: Post, addressed: set[str]) -> tuple[Actor, Actor] | None:
    """(asker, community) if a reply that came here must be passed to its home community by the asker's server.

    So it is when the asker is ours, the community elsewhere, and the reply did not address it (ActivityPub 7.1.2).
    """
    question = question_of(db, post)
    home = communities.home_of(db, post)
    if question is None or home is None or home.local or not question.local or home.uri in addressed:
        return None
    return actors.get(db, question.author_id), home


@dataclass
class Thread:
    """A question as a page shows it: answers accepted first, then by votes and time, each with its comments."""

    root: Post
    answers: list[Post] = field(default_factory=list)
    comments: dict[int, list[Post]] = field(default_factory=dict)
    """Comments by the post they stand under: an answer, or the root. Deeper ones stand there too, oldest first."""
    more: int = 0
    """Replies that are not shown because there are too many."""


def read(db: Session, viewer: Actor | None, root: Post, *, limit: int = 500) -> Thread:
    """The thread below `root`, as far as `viewer` may see it. Held and removed replies only show to those concerned;
    those of limited people (`access.apart`) stand last."""
    rows = list(
        db.scalars(
            select(Post)
            .where(Post.thread_id == root.thread_id, Post.id != root.id, visible(viewer))
            .order_by(Post.id)
            .limit(limit + 1)
        )
    )
    more = max(0, len(rows) - limit)
    rows = rows[:limit]
    if not (viewer is not None and may_accept(db, viewer, root)):
        hidden = {p.id for p in rows if p.removed_at or listings.held(db, p)}
        rows = [p for p in rows if p.id not in hidden - _own(db, viewer, rows)]
    thread = Thread(root, more=more)
    owner: dict[int, int] = {}
    for post in rows:
        if post.kind == Kind.ANSWER and post.in_reply_to_id == root.id:
            thread.answers.append(post)
            owner[post.id] = post.id
    for post in rows:
        if post.id not in owner:
            under = owner.get(post.in_reply_to_id or 0, root.id)
            owner[post.id] = under
            thread.comments.setdefault(under, []).append(post)
    accepted = root.accepted_id
    last = access.kept_apart(db, viewer, actors.many(db, [p.author_id for p in rows]).values())
    thread.answers.sort(key=lambda p: (p.id != accepted, p.author_id in last, -(p.up - p.down), p.id))
    for comments in thread.comments.values():
        comments.sort(key=lambda p: p.author_id in last)
    return thread


def _own(db: Session, viewer: Actor | None, rows: list[Post]) -> set[int]:
    if viewer is None:
        return set()
    return {post.id for post in rows if post.author_id == viewer.id} | anonymity.mine(
        db, viewer.id, [p.id for p in rows]
    )
