"""Calls for a meeting: a question about which people would rather talk face to face, and who would come.

Its author, or a moderator of its community, makes a question a call. Whoever may read it says *I'd come*: here by a
button, from another Torv node by a `Join` of the question, from anywhere else by a short reply. Once somebody plans a
meeting about it who has a say in it, they are told, and sign up by a click or a reply.

Everybody sees how many would come and from which municipalities, nobody who. Of a question of another server only its
figure is known, and the members of this node who would come.
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import actors, anonymity, bans, blocks, communities, jobs, links, memory, municipalities, outbox, text
from models.access import may_see
from models.actors import Actor, ActorType
from models.base import Base, Id, UtcTime, now
from models.errors import Forbidden, NotFound
from models.links import Tie
from models.meetings import Way
from models.posts import Kind, Post

TELL = "tell_call"
BATCH = 50
"""How many are told of a meeting in one transaction."""

PLAIN = 8
"""Words that a reply has at most to mean nothing but that somebody would come."""

TAGS = frozenset(("#deltager", "#kommer", "#coming"))
COMES = re.compile(
    r"\b(jeg kommer(?! fra| til at| ind)|jeg vil (gerne )?komme|jeg ville (gerne )?komme|vi kommer(?! fra| til at| ind)"
    r"|i['’]d come|i would come|i['’]ll come|i will come|i['’]m coming|count me in)\b"
)
COMES_NOT = re.compile(r"\b(ikke|not|won['’]t|can['’]t|cannot)\b|#afbud")


class MeetingCall(Base):
    """That a question calls for a meeting."""

    __tablename__ = "meeting_calls"

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("posts.id"), primary_key=True, autoincrement=False)
    called_by_id: Mapped[int | None] = mapped_column(ForeignKey("actors.id"))
    """Null for a question of another server."""
    coming: Mapped[int] = mapped_column(default=0)
    """How many would come; of another server's question as it last said."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


class WouldCome(Base):
    """Somebody who would come. Of another server's question only members of this node have a row."""

    __tablename__ = "meeting_call_people"
    __table_args__ = (
        Index("ix_meeting_call_people_actor_id", "actor_id"),
        Index("ix_meeting_call_people_join_uri", "join_uri"),
    )

    post_id: Mapped[int] = mapped_column(ForeignKey("meeting_calls.post_id"), primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actors.id"), primary_key=True)
    ways: Mapped[int] = mapped_column(default=0)
    """`Way`s, added up."""
    join_uri: Mapped[str] = mapped_column(Text, default="")
    """The id of the `Join`, theirs or ours."""
    reply_id: Mapped[int | None] = mapped_column(Id)
    """The reply that says so; where it is deleted, it counts no longer."""
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


def find(db: Session, question: Post) -> MeetingCall | None:
    """The call that a question is, if it is one."""
    return db.get(MeetingCall, question.id) if question.kind == Kind.QUESTION else None


def may_call(db: Session, actor: Actor, question: Post) -> bool:
    """Who makes a question of this node a call, and takes that back: its author, and moderators of its community."""
    if question.kind != Kind.QUESTION or not question.local or question.deleted_at is not None:
        return False
    return anonymity.wrote(db, actor, question) or communities.is_moderator(db, actor.id, question.community_id)


def call(db: Session, by: Actor, question: Post) -> bool:
    """Make a question a call for a meeting; False if it is one. Raises Forbidden."""
    _check_caller(db, by, question)
    if find(db, question) is not None:
        return False
    db.add(MeetingCall(post_id=question.id, called_by_id=by.id, coming=0))
    db.flush()
    _say(db, question)
    return True


def call_off(db: Session, by: Actor, question: Post) -> bool:
    """It is a question like others again, and who would have come is forgotten; False if it was none. Raises Forbidden."""
    _check_caller(db, by, question)
    if find(db, question) is None:
        return False
    forget(db, question)
    _say(db, question)
    return True


def _check_caller(db: Session, by: Actor, question: Post) -> None:
    if not may_call(db, by, question):
        raise Forbidden("Only who asked, or a moderator, can call for a meeting about it.", code="not_asker")


def _say(db: Session, question: Post) -> None:
    from models import composing  # asks this module itself

    composing.touch(db, actors.get(db, question.author_id), question)


# Who would come


def mine(db: Session, actor: Actor, question: Post) -> WouldCome | None:
    """That somebody would come, if he said so."""
    return db.get(WouldCome, (question.id, actor.id))


def said(db: Session, actor: Actor) -> list[tuple[Post, WouldCome]]:
    """The questions that call for a meeting which somebody would come to, newest first."""
    query = (
        select(Post, WouldCome)
        .join(WouldCome, WouldCome.post_id == Post.id)
        .where(WouldCome.actor_id == actor.id, Post.deleted_at.is_(None))
        .order_by(WouldCome.created_at.desc(), Post.id.desc())
    )
    return [(row[0], row[1]) for row in db.execute(query)]


def places(db: Session, question: Post) -> list[tuple[str, int]]:
    """From which municipalities those come who say where they are at home, the most first; of a question of this node."""
    query = (
        select(Actor.municipality)
        .join(WouldCome, WouldCome.actor_id == Actor.id)
        .where(WouldCome.post_id == question.id, Actor.municipality != "")
    )
    named = Counter(name for code in db.scalars(query) if (name := municipalities.name(code or "")))
    return sorted(named.items(), key=lambda one: (-one[1], one[0])) if question.local else []


def come(
    db: Session, actor: Actor, question: Post, way: Way, *, join_uri: str = "", reply_id: int | None = None
) -> WouldCome:
    """Somebody would come; saying it again is saying it once. The caller has made sure that he may see the question.

    Raises NotFound for a question that calls for nothing, Forbidden for whom nobody wants there.
    """
    row = _hold(db, question)
    refusal = _refusal(db, actor, question)
    if refusal is not None:
        raise refusal
    own = mine(db, actor, question)
    if own is None:
        own = WouldCome(post_id=question.id, actor_id=actor.id, ways=0)
        db.add(own)
        if not question.local:
            own.join_uri = _send(db, "Join", actor, question).uri
            row.coming += 1
    own.ways |= way
    own.join_uri, own.reply_id = join_uri or own.join_uri, reply_id or own.reply_id
    _count(db, question, row)
    return own


def stay_away(db: Session, actor: Actor, question: Post, way: Way | None = None) -> bool:
    """Take it back, or only one way of having said it; False if there was nothing to take back."""
    row, own = _hold(db, question), mine(db, actor, question)
    if own is None or (way is not None and not own.ways & way):
        return False
    own.ways = 0 if way is None else own.ways & ~way
    if not own.ways:
        db.delete(own)
        if not question.local:
            _send(db, "Leave", actor, question)
            row.coming = max(0, row.coming - 1)
    _count(db, question, row)
    return True


def _hold(db: Session, question: Post) -> MeetingCall:
    """The call, kept to this transaction while somebody is counted."""
    db.flush()
    query = select(MeetingCall).where(MeetingCall.post_id == question.id).with_for_update()
    row = db.scalar(query.execution_options(populate_existing=True))
    if row is None or question.deleted_at is not None:
        raise NotFound("Nobody calls for a meeting there.")
    return row


def _refusal(db: Session, actor: Actor, question: Post) -> Forbidden | None:
    if not actor.active or actor.is_community or actor.type == ActorType.APPLICATION:
        return Forbidden("Only people come to meetings.", code="not_a_person")
    if blocks.blocked_between(db, actor.id, question.author_id):
        return Forbidden("You cannot do that here.", code="not_welcome")
    if bans.is_banned(db, actor.id, question.community_id):
        return bans.unwelcome()
    return None


def _count(db: Session, question: Post, row: MeetingCall) -> None:
    db.flush()
    if question.local:
        query = select(func.count()).select_from(WouldCome).where(WouldCome.post_id == question.id)
        row.coming = db.scalar(query) or 0
        db.flush()


def _send(db: Session, type: str, actor: Actor, question: Post) -> outbox.Activity:
    to = [actors.get(db, question.author_id).uri]
    return outbox.record(db, type, actor, object_uri=question.uri, to=to)


def by_join_uri(db: Session, uri: str) -> WouldCome | None:
    """Who said with the `Join` of this id that he would come."""
    return db.scalars(select(WouldCome).where(WouldCome.join_uri == uri)).first() if uri else None


def refused(db: Session, own: WouldCome) -> None:
    """The server of a question elsewhere does not count a member of this node."""
    row = _hold(db, db.get_one(Post, own.post_id))
    db.delete(own)
    row.coming = max(0, row.coming - 1)
    db.flush()


# From other servers


def says(words: str) -> bool | None:
    """What a reply says about coming: yes, no, or nothing; what goes on is a conversation.

    >>> says("@lene@a.example Jeg kommer!"), says("Jeg kommer ikke alligevel"), says("Jeg kommer fra Aarhus")
    (True, False, None)
    """
    said = [one for one in words.casefold().split() if not one.startswith("@")]
    tagged = bool(TAGS & {one.strip(".,!") for one in said})
    plain = " ".join(said)
    if len(said) > PLAIN or "?" in plain:
        return True if tagged else None
    if COMES_NOT.search(plain):
        return False if COMES.search(plain) or "#afbud" in plain else None
    return True if tagged or COMES.search(plain) else None


def replied(db: Session, author: Actor, reply: Post, parent: Post) -> None:
    """Somebody answers a question of this node that calls for a meeting: that he would come counts, and is no answer."""
    from models import threads  # writes posts itself

    if not parent.local or find(db, parent) is None:
        return
    coming = says(text.plain(reply.content))
    if coming and _refusal(db, author, parent) is None and may_see(db, author, parent):
        come(db, author, parent, Way.REPLY, reply_id=reply.id)
        if reply.kind == Kind.ANSWER and len(text.plain(reply.content).split()) <= PLAIN:
            threads.set_kind(db, reply, Kind.COMMENT)
    elif coming is False:
        stay_away(db, author, parent)


def reply_gone(db: Session, reply: Post) -> None:
    """A reply is deleted: if it said that its author would come, that counts no longer."""
    query = select(Post).join(WouldCome, WouldCome.post_id == Post.id).where(WouldCome.reply_id == reply.id)
    for question in db.scalars(query.where(Post.id == reply.in_reply_to_id)).all():
        stay_away(db, actors.get(db, reply.author_id), question, Way.REPLY)


def take(db: Session, question: Post) -> None:
    """What a question of another server says of itself (`Post.extra["wouldCome"]`), kept in its row."""
    said = (question.extra or {}).get("wouldCome")
    if question.local or question.kind != Kind.QUESTION:
        return
    row = find(db, question)
    if not isinstance(said, int):
        if row is not None:
            forget(db, question)
    elif row is None:
        db.add(MeetingCall(post_id=question.id, called_by_id=None, coming=said))
        db.flush()
    else:
        row.coming = said
        db.flush()


# A meeting is planned


def may_plan(db: Session, actor: Actor, question: Post) -> bool:
    """Whose meeting about it is the one that was called for: its author's, a moderator's of its community, the caller's,
    or that of somebody who would come."""
    row = find(db, question)
    if row is None:
        return False
    if anonymity.wrote(db, actor, question) or communities.is_moderator(db, actor.id, question.community_id):
        return True
    return row.called_by_id == actor.id or mine(db, actor, question) is not None


def planned(db: Session, meeting: Post) -> None:
    """A meeting is announced: those who would come to one about a question it names are told, soon."""
    if meeting.kind != Kind.EVENT:
        return
    author = actors.get(db, meeting.author_id)
    for one in links.of(db, None, meeting):
        if one.tie == Tie.RELATED and one.post is not None and one.post.local and may_plan(db, author, one.post):
            payload = {"meeting": meeting.id, "question": one.post.id, "after": 0}
            jobs.enqueue(db, TELL, payload, dedupe=telling(payload))


def telling(payload: Mapping[str, Any]) -> str:
    """The name under which it stands in the job queue that everybody is told of one meeting."""
    return f"{TELL}:{payload['meeting']}:{payload['question']}"


def tell_some(db: Session, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """Tell the next of those who would come; the payload to go on with, None where everybody knows."""
    from models import meeting_news, meetings  # write posts themselves

    meeting, question = db.get(Post, int(payload["meeting"])), db.get(Post, int(payload["question"]))
    row = meetings.find(db, meeting) if meeting is not None and meeting.deleted_at is None else None
    if meeting is None or question is None or row is None or row.cancelled or row.over:
        return None
    query = (
        select(Actor)
        .join(WouldCome, WouldCome.actor_id == Actor.id)
        .where(WouldCome.post_id == question.id, Actor.id > int(payload["after"]), Actor.deleted_at.is_(None))
        .order_by(Actor.id)
        .limit(BATCH)
    )
    found = list(db.scalars(query))
    for actor in found:
        fresh = memory.first_time(db, TELL, f"{meeting.id} {actor.id}", meeting_news.ONCE)
        if fresh and actor.id != meeting.author_id and may_see(db, actor, meeting):
            meeting_news.tell(db, meeting, row, actor, None, meeting_news.News.PLANNED, key="planned")
    return {**payload, "after": found[-1].id} if len(found) == BATCH else None


# What is gone


def drop(db: Session, actor: Actor) -> None:
    """Somebody is gone: nobody counts on him any more."""
    query = select(Post).join(WouldCome, WouldCome.post_id == Post.id).where(WouldCome.actor_id == actor.id)
    for question in db.scalars(query.order_by(Post.id)).all():
        row = _hold(db, question)
        db.execute(delete(WouldCome).where(WouldCome.post_id == question.id, WouldCome.actor_id == actor.id))
        _count(db, question, row)


def forget(db: Session, question: Post) -> None:
    """A question is deleted, or calls for a meeting no longer."""
    db.execute(delete(WouldCome).where(WouldCome.post_id == question.id))
    db.execute(delete(MeetingCall).where(MeetingCall.post_id == question.id))
    db.flush()
