"""Asking from an app, which knows no titles and no communities: both are read from the text.

A post for everybody that answers nothing and names a community (by `@name`, or `@name@server` for one elsewhere) goes
there; so does one for this node only that names a community of this node.

It is a question if its first line ends like a title. The first line is the first with anything beside handles in it;
handles are taken out of it. It ends like a title when it has 5 to 200 characters (`threads.MIN_TITLE`,
`composing.MAX_TITLE`) and is followed by an empty line, or ends in a question mark, or is the only line. The title is
that line; the text is what comes after it, begun with those persons whom the line named, so that they are told.
Hashtags that are the names of barriers (`#regler`) say what stands in the way.

Else it is a note, and so is a poll, and what is not for everybody's lists (`unlisted`). Notes are shown in the
community as notes from other servers are. Where only moderators ask, where nobody
asks any more, and where only questions are wanted, what others write merely mentions the community.
Whoever thinks otherwise turns the one into the other afterwards (`make_question`, `make_note`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    actors,
    admission,
    anonymity,
    audience,
    communities,
    composing,
    polls,
    posts,
    statuses,
    text,
    threads,
)
from models.actors import Actor
from models.composing import BARRIER_TAGS, BARRIERS, MAX_TITLE
from models.errors import Conflict, Forbidden, Invalid
from models.posts import Draft, Kind, Post, Visibility

PRIVATE = (Visibility.FOLLOWERS, Visibility.DIRECT)
ASKED = (Visibility.PUBLIC, Visibility.NODE)
"""Who may read a question of a community."""


@dataclass(frozen=True)
class Titled:
    """A text taken apart. `named`: the handles in and above the title, which stand in neither."""

    title: str
    text: str
    named: tuple[str, ...] = ()


def publish(db: Session, author: Actor, draft: Draft, *, reply_to: int | None = None) -> Post:
    """Write what an app sends: an answer or a comment where it answers something, else see above.

    `reply_to` is the id of a status. Raises NotFound where its author may not see that, Invalid, Forbidden.
    """
    if reply_to is None:
        return post(db, author, draft)
    return threads.reply(db, author, statuses.find(db, author, reply_to).post, draft)


def post(db: Session, author: Actor, draft: Draft) -> Post:
    """Write a post that answers nothing: a question, a note in a community, or a note. Raises Invalid, Forbidden."""
    group = community_in(db, draft.text) if draft.visibility not in PRIVATE else None
    if group is None or not _may_post(db, author, group, draft):
        return composing.note(db, author, draft)
    titled = split(draft.text) if draft.visibility in ASKED and not (draft.poll or draft.title) else None
    if titled is not None:
        persons = " ".join(one for one in titled.named if actors.find(db, one) is not group)
        body = "\n\n".join(part for part in (persons, titled.text) if part)
        barriers = draft.barriers or barriers_in(draft.text)
        return threads.ask(db, author, group, replace(draft, title=titled.title, text=body, barriers=barriers))
    if communities.known(db, group).questions_only:
        return composing.note(db, author, draft)
    return composing.write(db, author, draft, Kind.NOTE, community=group)


def say(db: Session, author: Actor, group: Actor, draft: Draft) -> Post:
    """Write a note or a poll in a community that its author chose. Raises NotFound, Invalid, Forbidden."""
    if draft.visibility not in ASKED:
        raise Invalid("In a community a post is for everybody, or for this server only.", code="visibility_unfit")
    admission.check_place(db, group, draft.visibility)
    if (error := admission.no_question(db, author, group)) is not None:
        raise error
    return composing.write(db, author, draft, Kind.NOTE, community=group)


def community_in(db: Session, source: str) -> Actor | None:
    """The first community a text names, here or elsewhere, as far as we know it."""
    for match in list(text.HANDLE.finditer(source))[:50]:
        actor = actors.find(db, f"{match[1]}@{match[2]}" if match[2] else match[1])
        if actor is not None and actor.is_community and actor.active:
            return actor
    return None


def barriers_in(source: str) -> tuple[str, ...]:
    """The barriers that a text names by their hashtags."""
    tags = {text.tag_key(tag) for tag in text.HASHTAG.findall(source)}
    return tuple(barrier for barrier in BARRIERS if text.tag_key(BARRIER_TAGS.get(barrier, barrier)) in tags)


def barriers_after(before: Iterable[str], old: str, new: str) -> tuple[str, ...]:
    """The barriers of a question whose text was changed where only hashtags can be written: those that the new text
    names, and those that never stood in the text."""
    named, dropped = barriers_in(new), set(barriers_in(old))
    kept = {barrier for barrier in before if barrier not in dropped} | set(named)
    return tuple(barrier for barrier in BARRIERS if barrier in kept)


def _may_post(db: Session, author: Actor, group: Actor, draft: Draft) -> bool:
    if draft.visibility == Visibility.NODE and not group.local:
        return False
    if draft.poll is not None and not admission.may(db, author, group, Kind.QUESTION):
        return False
    return admission.no_question(db, author, group) is None


def split(source: str) -> Titled | None:
    """A text as title and text, if its first line ends like a title (see above)."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = next((number for number, line in enumerate(lines) if _bare(line)), None)
    if number is None:
        return None
    title, rest = _bare(lines[number]), lines[number + 1 :]
    alone = not any(line.strip() for line in rest)
    if not threads.MIN_TITLE <= len(title) <= MAX_TITLE:
        return None
    if not (alone or title.endswith("?") or not rest[0].strip()):
        return None
    named = tuple(match[0] for line in lines[: number + 1] for match in text.HANDLE.finditer(line))
    return Titled(title, "\n".join(rest).strip("\n"), named)


def may_turn(db: Session, actor: Actor, post: Post) -> bool:
    """Whether somebody may make a community's note a question or the other way round: its author, or a moderator."""
    if post.in_reply_to_uri or post.community_id is None or post.deleted_at is not None:
        return False
    return anonymity.wrote(db, actor, post) or communities.is_moderator(db, actor.id, post.community_id)


def make_question(db: Session, actor: Actor, post: Post) -> None:
    """Turn a note in a community into a question; what answered it are answers then.

    The title is the note's first line, cut where it is too long for one. Raises Forbidden, Conflict.
    """
    if not may_turn(db, actor, post):
        raise Forbidden("Only its author, or a moderator of its community, can do that.", code="not_moderator")
    if post.kind != Kind.NOTE or post.object_type == polls.OBJECT_TYPE:
        raise Conflict("This cannot be made a question.")
    post.kind = Kind.QUESTION
    if not post.title:
        titled = first_line(post.source if post.local else text.plain(post.content))
        post.title = text.one_line(text.HANDLE.sub("", titled.title), MAX_TITLE) or "…"
        if post.local:
            _say(db, post, titled.text)
    for reply in _replies(db, post, Kind.COMMENT):
        threads.set_kind(db, reply, Kind.ANSWER)
    _told(db, post)


def make_note(db: Session, actor: Actor, question: Post) -> None:
    """Turn a question into a note that begins with what was its title; its answers are comments then.

    Raises Forbidden, and Conflict while an answer is accepted.
    """
    if not may_turn(db, actor, question):
        raise Forbidden("Only its author, or a moderator of its community, can do that.", code="not_moderator")
    if question.kind != Kind.QUESTION:
        raise Conflict("This is not a question.")
    if question.accepted_id is not None:
        raise Conflict("A question with an accepted answer stays one. Take the acceptance back first.")
    for reply in _replies(db, question, Kind.ANSWER):
        threads.set_kind(db, reply, Kind.COMMENT)
    question.kind = Kind.NOTE
    if question.local:
        source, question.title = joined(question.title, question.source), ""
        _say(db, question, source)
    _told(db, question)


def _say(db: Session, post: Post, source: str) -> None:
    """New words for a post, with everything else as it is."""
    extra = post.extra or {}
    draft = Draft(
        source,
        post.title,
        language=post.language,
        summary=post.summary,
        sensitive=post.sensitive,
        barriers=tuple(extra.get("barriers", ())),
    )
    posts.keep_edition(db, post)
    mentioned, addressed = audience.recipients(db, post, mentioned_only=True), audience.recipients(db, post)
    named = composing.fill(db, post, draft)
    posts.set_tags(db, post, named.tags)
    posts.set_recipients(db, post, [*named.mentions, *mentioned], addressed)


def _replies(db: Session, post: Post, kind: Kind) -> Sequence[Post]:
    query = select(Post).where(Post.in_reply_to_id == post.id, Post.kind == kind, Post.deleted_at.is_(None))
    return db.scalars(query.order_by(Post.id)).all()


def _told(db: Session, post: Post) -> None:
    db.flush()
    if post.local:
        composing.touch(db, actors.get(db, post.author_id), post)


def joined(title: str, source: str) -> str:
    """A question as one text, as `first_line` takes it apart again."""
    return f"{title}\n\n{source}" if title else source


def first_line(source: str) -> Titled:
    """A question's text, come back from an editor that knows no titles: the first line is the title, whatever it is."""
    before, _, rest = source.replace("\r\n", "\n").strip().partition("\n")
    return Titled(text.one_line(before, MAX_TITLE + 1), rest.strip("\n"))


def _bare(line: str) -> str:
    return text.one_line(text.HANDLE.sub("", line), MAX_TITLE + 1)
