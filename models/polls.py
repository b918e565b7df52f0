"""Polls: a post with options to choose among, until a set time.

A poll is an ordinary post whose ActivityStreams type is `Question`; what is peculiar to it stands in tables of its own.
The tallies are figures that are kept, never counted anew: of a poll elsewhere its origin knows more ballots than we.
Who may vote, and what follows from a vote, is in `ballots`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, Text, delete, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import jobs, text
from models.base import IDS, Base, Id, UtcTime, now
from models.errors import Invalid
from models.posts import Post

OBJECT_TYPE = "Question"
"""What ActivityStreams calls a poll. It has nothing to do with the questions of communities."""

MIN_OPTIONS = 2
MAX_OPTIONS = 10
MAX_OPTION_CHARS = 100
MIN_SECONDS = 300
MAX_SECONDS = 2_629_746
"""A month."""

END_ELSEWHERE = timedelta(minutes=5)
"""So long after the end of a poll elsewhere its last tallies have come, or are fetched."""


class Poll(Base):
    """What a post with options has beside its text."""

    __tablename__ = "polls"

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("posts.id"), primary_key=True, autoincrement=False)
    multiple: Mapped[bool] = mapped_column(default=False)
    hide_totals: Mapped[bool] = mapped_column(default=False)
    """The tallies are shown when it is over, not before."""
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    """Always set for a poll of ours; one elsewhere may have no end."""
    voters_count: Mapped[int | None]
    """How many voted; None where the origin does not say."""
    ended: Mapped[bool] = mapped_column(default=False)
    """Its end was told to those it concerns."""

    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now()


class PollOption(Base):
    """One thing that can be chosen, and how often it was. `position` counts from 0."""

    __tablename__ = "poll_options"

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("polls.post_id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(Text)
    votes: Mapped[int] = mapped_column(default=0)


class Ballot(Base):
    """One choice of one actor. `uri` is the id of the vote as it went over the wire; empty for one that did not."""

    __tablename__ = "ballots"
    __table_args__ = (Index("ix_ballots_actor_id", "actor_id"),)

    post_id: Mapped[int] = mapped_column(Id, ForeignKey("polls.post_id"), primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(Id, ForeignKey("actors.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uri: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcTime, default=now)


@dataclass(frozen=True)
class PollDraft:
    """A poll as somebody on this node wants it, open for `seconds` from now, in an edit with 0 as long as it was to be.
    Without options: no poll (any more)."""

    options: tuple[str, ...] = ()
    seconds: int = 0
    multiple: bool = False
    hide_totals: bool = False


@dataclass(frozen=True)
class RemotePoll:
    """A poll as its origin shows it: the options with their votes, each title once."""

    options: tuple[tuple[str, int], ...]
    multiple: bool = False
    expires_at: datetime | None = None
    voters_count: int | None = None

    @property
    def titles(self) -> list[str]:
        """What can be chosen, in order."""
        return [title for title, _ in self.options]


@dataclass(frozen=True)
class Shown:
    """A poll as one viewer sees it. The votes of options are None while they are hidden; `voted` and `own` are None
    for somebody who is not signed in. An author counts as having voted: he cannot vote himself."""

    post_id: int
    multiple: bool
    expires_at: datetime | None
    expired: bool
    votes_count: int
    voters_count: int | None
    options: tuple[tuple[str, int | None], ...]
    voted: bool | None
    own: tuple[int, ...] | None


def get(db: Session, post_id: int) -> Poll | None:
    """The poll of a post, if it has one."""
    return db.get(Poll, post_id)


def hold(db: Session, post_id: int) -> Poll | None:
    """The poll, kept to this transaction with its figures as they are now: two who vote at once both count."""
    db.flush()
    query = select(Poll).where(Poll.post_id == post_id).with_for_update()
    return db.scalar(query.execution_options(populate_existing=True))


def options(db: Session, post_id: int) -> list[PollOption]:
    """What can be chosen, in order, with the votes as they are in the database now."""
    query = select(PollOption).where(PollOption.post_id == post_id).order_by(PollOption.position)
    return list(db.scalars(query.execution_options(populate_existing=True)))


def attach(db: Session, post: Post, draft: PollDraft) -> Poll | None:
    """Make a post of ours a poll, or change the poll it is; without options it is none any more.

    Other options, or another number of them that may be chosen, make every earlier vote void. Raises Invalid.
    """
    if not draft.options:
        drop(db, post)
        if post.object_type == OBJECT_TYPE:
            post.object_type = "Note"
            db.flush()
        return None
    poll = hold(db, post.id)
    titles = _checked(post, draft, poll)
    if poll is None:
        poll = Poll(post_id=post.id, voters_count=0)
        db.add(poll)
    elif poll.multiple != draft.multiple or [option.title for option in options(db, post.id)] != titles:
        if not draft.seconds and poll.expired():
            raise Invalid("The poll has ended. Say for how long people can vote now.", code="poll_time")
        _void(db, poll)
    poll.multiple, poll.hide_totals = draft.multiple, draft.hide_totals
    if draft.seconds or poll.expires_at is None:
        poll.ended, poll.expires_at = False, now().replace(microsecond=0) + timedelta(seconds=draft.seconds)
    post.object_type = OBJECT_TYPE
    db.flush()
    if not options(db, post.id):
        _insert(db, poll, [(title, 0) for title in titles])
    promise_end(db, poll, poll.expires_at)
    return poll


def _checked(post: Post, draft: PollDraft, known: Poll | None) -> list[str]:
    titles = [text.one_line(option, 4 * MAX_OPTION_CHARS) for option in draft.options]
    if not MIN_OPTIONS <= len(titles) <= MAX_OPTIONS:
        raise Invalid(f"A poll has {MIN_OPTIONS} to {MAX_OPTIONS} options.", code="poll_options")
    if not all(titles):
        raise Invalid("An option of the poll is empty.", code="poll_option_empty")
    if any(len(title) > MAX_OPTION_CHARS for title in titles):
        raise Invalid(f"An option has at most {MAX_OPTION_CHARS} characters.", code="poll_option_long")
    if len(set(titles)) != len(titles):
        raise Invalid("Two options of the poll are the same.", code="poll_option_twice")
    stays = known is not None and draft.seconds == 0
    if not (stays or MIN_SECONDS <= draft.seconds <= MAX_SECONDS):
        raise Invalid("A poll is open for at least 5 minutes and at most a month.", code="poll_time")
    if post.attachments:
        raise Invalid("A post cannot have both a poll and files.", code="poll_with_files")
    return titles


def _insert(db: Session, poll: Poll, titles: Sequence[tuple[str, int]]) -> None:
    for position, (title, votes) in enumerate(titles):
        db.add(PollOption(post_id=poll.post_id, position=position, title=title, votes=votes))
    db.flush()


def _void(db: Session, poll: Poll) -> None:
    db.execute(delete(Ballot).where(Ballot.post_id == poll.post_id))
    db.execute(delete(PollOption).where(PollOption.post_id == poll.post_id))
    poll.voters_count = 0
    db.flush()


def take(db: Session, post: Post, remote: RemotePoll | None) -> None:
    """Take over a poll as its origin has it now; None: there is none. Ballots for options that changed are void."""
    if remote is None:
        drop(db, post)
        return
    poll = hold(db, post.id)
    if poll is None:
        poll = Poll(post_id=post.id, multiple=remote.multiple)
        db.add(poll)
        db.flush()
    before = [option.title for option in options(db, post.id)]
    if before and (before != remote.titles or poll.multiple != remote.multiple):
        _void(db, poll)
        before = []
    poll.multiple = remote.multiple
    if not before:
        _insert(db, poll, remote.options)
    tally(db, post, remote)


def tally(db: Session, post: Post, remote: RemotePoll) -> bool:
    """Take over the votes of a poll elsewhere, and when it ends; False if it has other options than we know."""
    poll = hold(db, post.id)
    rows = options(db, post.id)
    if poll is None or poll.multiple != remote.multiple or [row.title for row in rows] != remote.titles:
        return False
    for row, (_, votes) in zip(rows, remote.options, strict=True):
        row.votes = votes
    poll.voters_count, before = remote.voters_count, poll.expires_at
    poll.expires_at = remote.expires_at
    db.flush()
    if poll.expires_at not in (None, before) and db.scalar(select(exists().where(Ballot.post_id == post.id))):
        promise_end(db, poll, poll.expires_at + END_ELSEWHERE)
    return True


def promise_end(db: Session, poll: Poll, at: datetime) -> None:
    """Promise to tell of the end at that time. A promise for another time than the poll's end does nothing then."""
    payload = {"post": poll.post_id}
    jobs.enqueue(db, "end_poll", payload, dedupe=f"poll:{poll.post_id}:{int(at.timestamp())}", run_at=at)


def drop(db: Session, post: Post) -> None:
    """A post has no poll any more."""
    if hold(db, post.id) is None:
        return
    for table in (Ballot, PollOption, Poll):
        db.execute(delete(table).where(table.post_id == post.id))


def of(db: Session, viewer_id: int | None, post_ids: Sequence[int]) -> dict[int, Shown]:
    """The polls among these posts, as an actor sees them (None: somebody who is not signed in). Three queries at most;
    whether he may see the posts is the caller's affair."""
    if not post_ids:
        return {}
    found = {row[0].post_id: (row[0], row[1]) for row in db.execute(_OF, {"ids": list(post_ids)})}
    if not found:
        return {}
    listed: dict[int, list[PollOption]] = {id: [] for id in found}
    for option in db.scalars(select(PollOption).where(PollOption.post_id.in_(found)).order_by(PollOption.position)):
        listed[option.post_id].append(option)
    own: dict[int, list[int]] = {id: [] for id in found}
    if viewer_id is not None:
        mine = select(Ballot.post_id, Ballot.position).where(Ballot.actor_id == viewer_id, Ballot.post_id.in_(found))
        for post_id, position in db.execute(mine.order_by(Ballot.position)):
            own[post_id].append(position)
    return {
        id: _shown(poll, listed[id], viewer_id, own[id], is_author=author_id == viewer_id)
        for id, (poll, author_id) in found.items()
    }


_OF = select(Poll, Post.author_id).join(Post, Post.id == Poll.post_id).where(Poll.post_id.in_(IDS))


def _shown(
    poll: Poll, listed: Sequence[PollOption], viewer_id: int | None, own: list[int], *, is_author: bool
) -> Shown:
    expired = poll.expired()
    hidden = poll.hide_totals and not expired
    return Shown(
        post_id=poll.post_id,
        multiple=poll.multiple,
        expires_at=poll.expires_at,
        expired=expired,
        votes_count=sum(option.votes for option in listed),
        voters_count=poll.voters_count,
        options=tuple((option.title, None if hidden else option.votes) for option in listed),
        voted=None if viewer_id is None else bool(own) or is_author,
        own=None if viewer_id is None else tuple(own),
    )
