"""Voting in polls: one ballot per actor, here and from elsewhere, and what follows when a poll is over.

Votes in polls of ours are counted here, and the new figures told after a while, several votes in one message. Votes of
our people in polls elsewhere go to the author of the poll alone, one Note with the name of the option for each choice,
as Mastodon and all who followed it read them.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models import (
    actors,
    admission,
    adopting,
    bans,
    communities,
    composing,
    jobs,
    listings,
    notifications,
    outbox,
    polls,
    posts,
)
from models.accounts import Account
from models.actors import Actor
from models.audience import addressing
from models.base import new_id, now
from models.database import node_of
from models.errors import Forbidden, Invalid, NotFound
from models.polls import Ballot, Poll, PollOption
from models.posts import Kind, Post, Visibility

TELL_AFTER = timedelta(minutes=3)
"""How long the votes of a poll are gathered before other servers hear the figures."""

MAX_VOTERS_TOLD = 5000


def vote(db: Session, voter: Actor, post: Post, choices: Sequence[int]) -> Poll:
    """Somebody of this node fills in his ballot: the positions of what he chooses, at least one, once and for all.

    The caller has made sure that he may see the post. Raises NotFound, Forbidden or Invalid.
    """
    poll = _open(db, voter, post)
    chosen = sorted(set(choices))
    known = {option.position: option for option in polls.options(db, post.id)}
    if not chosen:
        raise Invalid("Choose at least one option.", code="nothing_chosen")
    if not set(chosen) <= set(known):
        raise Invalid("The chosen vote option does not exist.", code="option_unknown")
    if len(chosen) > 1 and not poll.multiple:
        raise Invalid("Only one option can be chosen in this poll.", code="one_choice")
    if _positions(db, voter, post):
        raise Invalid("You have already voted on this poll.", code="voted_already")
    for position in chosen:
        uri = "" if post.local else f"{voter.uri}#votes/{new_id()}"
        _count(db, voter, known[position], uri)
        if not post.local:
            _send(db, voter, post, known[position].title, uri)
    _count_voter(poll)
    db.flush()
    if post.local:
        _tell_later(db, poll, post)
    elif poll.expires_at is not None:
        polls.promise_end(db, poll, poll.expires_at + polls.END_ELSEWHERE)
    return poll


def note_vote(db: Session, voter: Actor, post: Post, title: str, uri: str) -> None:
    """Somebody elsewhere chose an option of a poll of ours; where several may be chosen, each comes by itself.

    The caller has made sure that he may see the post. Raises NotFound, Forbidden or Invalid, and then nothing changed.
    """
    poll = _open(db, voter, post)
    option = next((one for one in polls.options(db, post.id) if one.title == title), None)
    if option is None:
        raise Invalid("The chosen vote option does not exist.", code="option_unknown")
    chosen = _positions(db, voter, post)
    if option.position in chosen or (chosen and not poll.multiple):
        raise Invalid("This actor has voted already.", code="voted_already")
    _count(db, voter, option, uri)
    if not chosen:
        _count_voter(poll)
    db.flush()
    _tell_later(db, poll, post)


def _open(db: Session, voter: Actor, post: Post) -> Poll:
    poll = polls.hold(db, post.id)
    if poll is None or post.deleted_at is not None:
        raise NotFound("There is no such poll.")
    if not voter.active:
        raise Forbidden("This account is suspended.")
    bans.require_welcome(db, voter, post.community_id)
    if post.held_for or post.removed_at is not None:
        raise Forbidden("A moderator decides about this poll first.", code="poll_waits")
    home = communities.home_of(db, post)
    if home is not None and not admission.may(db, voter, home, Kind.ANSWER):
        raise Forbidden(
            "In this community only some may vote, and where you belong is not among them.", code="class_votes"
        )
    adopting.require_vote(db, voter, post)
    if post.author_id == voter.id:
        raise Invalid("You cannot vote in your own polls.", code="own_poll")
    if poll.expired():
        raise Invalid("The poll has already ended.", code="poll_ended")
    return poll


def _positions(db: Session, voter: Actor, post: Post) -> list[int]:
    mine = select(Ballot.position).where(Ballot.post_id == post.id, Ballot.actor_id == voter.id)
    return list(db.scalars(mine))


def _count(db: Session, voter: Actor, option: PollOption, uri: str) -> None:
    db.add(Ballot(post_id=option.post_id, actor_id=voter.id, position=option.position, uri=uri))
    option.votes += 1


def _count_voter(poll: Poll) -> None:
    if poll.voters_count is not None:
        poll.voters_count += 1


def _send(db: Session, voter: Actor, post: Post, title: str, uri: str) -> None:
    """A vote on its way: to the author of the poll and to nobody else, so that it stays secret between the two."""
    author = actors.get(db, post.author_id)
    ballot = {
        "id": uri,
        "type": "Note",
        "name": title,
        "attributedTo": voter.uri,
        "to": [author.uri],
        "inReplyTo": post.uri,
    }
    outbox.record(db, "Create", voter, object_uri=uri, to=[author.uri], data={"embed": ballot})


def _tell_later(db: Session, poll: Poll, post: Post) -> None:
    if poll.hide_totals or not node_of(db).federates or post.visibility == Visibility.NODE:
        return
    jobs.enqueue(db, "tell_poll", {"post": post.id}, dedupe=f"poll-votes:{post.id}", run_at=now() + TELL_AFTER)


def tell(db: Session, post_id: int) -> None:
    """The figures of a poll of ours, to all who have it and to the servers of those who voted.

    The post keeps the date of its last edition, so that everybody takes it for new figures and not for a new text.
    """
    post = db.get(Post, post_id)
    if post is None or not post.local or post.deleted_at is not None or polls.get(db, post_id) is None:
        return
    if post.visibility == Visibility.NODE:
        return
    to, cc = addressing(db, post)
    community = communities.home_of(db, post)
    is_open = composing.open_visibility(post)
    data: dict[str, Any] = {"inboxes": _inboxes(db, post_id)}
    if community is not None and is_open:
        data["audience"] = community.uri
    author = actors.get(db, post.author_id)
    update = outbox.record(
        db, "Update", author, object_uri=post.uri, post=post, to=to, cc=cc, public=is_open, data=data
    )
    listings.pass_on(db, post, None, own=update)


def _inboxes(db: Session, post_id: int) -> list[str]:
    rows = db.execute(
        select(Actor.shared_inbox, Actor.inbox)
        .join(Ballot, Ballot.actor_id == Actor.id)
        .where(Ballot.post_id == post_id, Actor.local.is_(False), Actor.inbox != "", Actor.deleted_at.is_(None))
        .distinct()
        .limit(MAX_VOTERS_TOLD)
    )
    return sorted({shared or own for shared, own in rows})


def end(db: Session, post_id: int) -> bool:
    """A poll is over: other servers get the last figures, the author and our voters are told. False if it is not over,
    or was told of already."""
    poll, post = polls.hold(db, post_id), db.get(Post, post_id)
    if poll is None or post is None or post.deleted_at is not None or poll.ended or not poll.expired():
        return False
    poll.ended = True
    db.flush()
    if post.local:
        tell(db, post_id)
    author = actors.get(db, post.author_id)
    voters = (
        select(Ballot.actor_id).join(Account, Account.id == Ballot.actor_id).where(Ballot.post_id == post_id).distinct()
    )
    for account_id in [author.id, *db.scalars(voters.order_by(Ballot.actor_id))]:
        notifications.notify(db, account_id, notifications.NotificationKind.POLL, author, post)
    adopting.closed(db, post)
    return True


def withdraw_all(db: Session, voter: Actor) -> None:
    """Silently take back every ballot of an actor (his account is gone). What he chose elsewhere is its origin's."""
    mine = select(Ballot.post_id).where(Ballot.actor_id == voter.id).distinct().order_by(Ballot.post_id)
    for post_id in list(db.scalars(mine)):
        poll, post = polls.hold(db, post_id), posts.get(db, post_id)
        chosen = _positions(db, voter, post)
        if poll is not None and post.local:
            for option in polls.options(db, post_id):
                if option.position in chosen:
                    option.votes = max(0, option.votes - 1)
            poll.voters_count = max(0, (poll.voters_count or 0) - 1)
    db.execute(delete(Ballot).where(Ballot.actor_id == voter.id))
    db.flush()
