"""Deciding about dogmas: adopted or rejected by those who moderate, in one act with a reason, or by a vote of the members.

A vote is a poll in the dogma's thread, an ordinary AS2 `Question`, so that members on other servers vote as in any poll.
Who is no member is not counted, wherever he votes. Whoever opens the vote writes the poll, and so leads it and does not
vote himself. When its time is over the outcome decides: adopted if more are for it than against it and enough took part,
rejected if enough took part and not. Else it stays a proposal.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    actors,
    communities,
    composing,
    dogmas,
    follows,
    jobs,
    moderation,
    notifications,
    polls,
    proposing,
    text,
)
from models.accounts import Account
from models.actors import Actor, ActorType
from models.base import now
from models.dogmas import Dogma, DogmaEndorsement, Status, Through
from models.errors import Conflict, Forbidden, Invalid
from models.follows import Follow, FollowState
from models.notifications import NotificationKind
from models.polls import PollDraft
from models.posts import Draft, Kind, Post, Visibility

DAYS = (3, 7, 14, 28)
"""How long a vote can be open."""

MAX_MINIMUM = 10_000
MAX_REASON = 500
FOR, AGAINST = 0, 1
"""Positions of the options."""

OPTIONS = {"da": ("Ja, det skal være et dogme", "Nej"), "en": ("Yes, make it a dogma", "No")}
ASKS = {
    "da": "Afstemning: Skal »{title}« være et dogme for {whose}?\n\nMedlemmer kan stemme i {days} dage. Afstemningen gælder, "
    "hvis mindst {minimum} er med.",
    "en": "Vote: Shall “{title}” be a dogma of {whose}?\n\nMembers can vote for {days} days. The vote counts if at least "
    "{minimum} take part.",
}
MOST_ELSEWHERE = 200
"""Members on other servers whom the poll names, so that their servers show it to them."""

TELL_JOB = "tell_of_vote"
BATCH = 200


def adopt(db: Session, by: Actor, post: Post, reason: str) -> None:
    """Those who moderate adopt a proposal: it gets its number, and its author and endorsers are told. Raises Forbidden,
    Invalid, Conflict."""
    row = _to_decide(db, by, post)
    _adopt(db, by, post, row, _reason(reason), Through.MODERATORS)


def reject(db: Session, by: Actor, post: Post, reason: str) -> None:
    """They do not adopt it. Raises Forbidden, Invalid, Conflict."""
    row = _to_decide(db, by, post)
    _decide(db, by, post, row, Status.REJECTED, _reason(reason), Through.MODERATORS)


def _to_decide(db: Session, by: Actor, post: Post) -> Dogma:
    row = dogmas.held(db, post)
    if not dogmas.is_home(db, post):
        raise Forbidden("It is decided on its own server.", code="not_home")
    if not dogmas.moderates(db, by, post):
        raise Forbidden("Only the moderators decide about a dogma.", code="not_moderator")
    if row.status != Status.PROPOSED:
        raise Conflict("It is decided already.", code="dogma_decided")
    if proposing.is_voted_on(db, row):
        raise Conflict("It is being voted on, and the vote decides.", code="dogma_voted_on")
    if post.held_for:
        raise Conflict("It waits for a moderator. Let it in first.", code="dogma_held")
    return row


def _reason(reason: str) -> str:
    said = text.one_line(reason, 2 * MAX_REASON)
    if not said:
        raise Invalid("Say why.", code="reason_missing")
    if len(said) > MAX_REASON:
        raise Invalid(f"At most {MAX_REASON} characters.", code="reason_long")
    return said


def withdraw(db: Session, by: Actor, post: Post, reason: str) -> None:
    """An adopted dogma holds no longer: those who moderate say so. A proposal its author takes back too. It keeps its
    number, its text and its endorsers, and says that it is withdrawn. Raises Forbidden, Invalid, Conflict."""
    row = dogmas.held(db, post)
    if not dogmas.is_home(db, post):
        raise Forbidden("It is decided on its own server.", code="not_home")
    own_proposal = row.status == Status.PROPOSED and post.author_id == by.id
    if not own_proposal and not dogmas.moderates(db, by, post):
        raise Forbidden("Only the moderators decide about a dogma.", code="not_moderator")
    if row.status not in dogmas.OPEN:
        raise Conflict("It is decided already.", code="dogma_decided")
    if proposing.is_voted_on(db, row):
        raise Conflict("It is being voted on, and the vote decides.", code="dogma_voted_on")
    _decide(db, by, post, row, Status.WITHDRAWN, _reason(reason), Through.MODERATORS)


def _adopt(db: Session, by: Actor, post: Post, row: Dogma, reason: str, through: Through) -> None:
    owner = dogmas.scope(db, post)
    row.scope_id, row.number = owner.id, dogmas.next_number(db, owner)
    _decide(db, by, post, row, Status.ADOPTED, reason, through)


def _decide(db: Session, by: Actor, post: Post, row: Dogma, status: Status, reason: str, through: Through) -> None:
    row.status, row.reason, row.decided_through = status.value, reason, through.value
    row.decided_at, row.decided_by_id = now().replace(microsecond=0), by.id
    post.title = dogmas.name(row, post.language)
    post.url = f"{post.uri}/{text.slug(post.title)}" if text.slug(post.title) else post.uri
    db.flush()
    moderation.audit(db, by.id, f"dogma.{status}", post.uri, reason=reason, through=str(through))
    composing.touch(db, actors.get(db, post.author_id), post)
    told = select(DogmaEndorsement.actor_id).join(Account, Account.id == DogmaEndorsement.actor_id)
    endorsed = list(db.scalars(told.where(DogmaEndorsement.post_id == post.id)))
    for account_id in dict.fromkeys([post.author_id, *endorsed]):
        subject = f"{post.id} {status}"
        notifications.notify(db, account_id, NotificationKind.DOGMA_DECIDED, by, post, subject=subject)


# By a vote


def open_vote(db: Session, by: Actor, post: Post, days: int, minimum: int) -> Post:
    """Let the members vote: a poll in the dogma's thread, which shows nothing before it is over. Members here are told by a
    notice; those elsewhere are named, as many as can be, so that their servers show it to them. Raises Forbidden, Invalid,
    Conflict."""
    row = _to_decide(db, by, post)
    if days not in DAYS:
        raise Invalid("Choose one of these.", code="days_unknown")
    if not 1 <= minimum <= MAX_MINIMUM:
        raise Invalid("At least one has to take part.", code="minimum_unfit")
    language = "en" if post.language == "en" else "da"
    home = communities.home_of(db, post)
    whose = home.display_name if home is not None else ("the network" if language == "en" else "netværket")
    words = ASKS[language].format(title=row.title.replace("*", ""), whose=whose, days=days, minimum=minimum)
    draft = Draft(
        words,
        visibility=Visibility.PUBLIC if post.visibility != Visibility.NODE else Visibility.NODE,
        language=language,
        to=tuple(_members_elsewhere(db, home)) if home is not None else (),
        poll=PollDraft(OPTIONS[language], days * 86400, hide_totals=True),
    )
    asked = composing.write(db, by, draft, Kind.COMMENT, parent=post)
    row.vote_id, row.vote_minimum = asked.id, minimum
    db.flush()
    moderation.audit(db, by.id, "dogma.vote", post.uri, days=days, minimum=minimum)
    jobs.enqueue(db, TELL_JOB, {"vote": asked.id, "after": 0}, dedupe=f"vote-told:{asked.id}:0")
    return asked


def _members_elsewhere(db: Session, group: Actor) -> Iterable[int]:
    query = (
        select(Actor.id)
        .join(Follow, Follow.follower_id == Actor.id)
        .where(
            Follow.target_id == group.id,
            Follow.state == FollowState.ACCEPTED,
            Actor.local.is_(False),
            Actor.type == ActorType.PERSON,
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
            Actor.standing != "blocked",
        )
        .order_by(Follow.id.desc())
        .limit(MOST_ELSEWHERE)
    )
    return db.scalars(query)


def tell(db: Session, vote_id: int, after: int) -> bool:
    """Tell some members of this node that they can vote, those with numbers behind `after`; False once all are told, or
    the vote is over."""
    found = dogmas.of_vote(db, vote_id)
    post, vote = (db.get(Post, found.post_id), db.get(Post, vote_id)) if found is not None else (None, None)
    if found is None or post is None or vote is None or not proposing.is_voted_on(db, found):
        return False
    query = select(Account.id).where(Account.id > after).order_by(Account.id).limit(BATCH)
    if post.community_id is not None:
        member = (Follow.target_id == post.community_id, Follow.state == FollowState.ACCEPTED)
        query = query.join(Follow, Follow.follower_id == Account.id).where(*member)
    accounts = list(db.scalars(query))
    by = actors.get(db, vote.author_id)
    for account_id in accounts:
        notifications.notify(db, account_id, NotificationKind.DOGMA_VOTE, by, post, subject=f"{post.id} {vote_id}")
    if len(accounts) < BATCH:
        return False
    last = accounts[-1]
    jobs.enqueue(db, TELL_JOB, {"vote": vote_id, "after": last}, dedupe=f"vote-told:{vote_id}:{last}")
    return True


def may_vote(db: Session, actor: Actor, post: Post) -> bool:
    """Who votes about a dogma: the members of its community, here and elsewhere; about the network's, who has an account
    on the node that decides."""
    home = communities.home_of(db, post)
    if home is None:
        return db.get(Account, actor.id) is not None and actor.active
    if communities.is_moderator(db, actor.id, home.id):
        return True
    return follows.state(db, actor.id, home.id) == FollowState.ACCEPTED


def require_vote(db: Session, voter: Actor, vote: Post) -> None:
    """Raise Forbidden if a poll decides about a dogma and this actor has no vote in it."""
    row = dogmas.of_vote(db, vote.id) if vote.local and vote.in_reply_to_id else None
    if row is not None and not may_vote(db, voter, vote):
        raise Forbidden("Only members vote about a dogma.", code="not_member")


def closed(db: Session, vote: Post) -> bool:
    """A poll is over: if it is about a dogma, its outcome decides. False if it is about none, or decides nothing."""
    found = dogmas.of_vote(db, vote.id)
    post = db.get(Post, found.post_id) if found is not None else None
    if found is None or post is None or post.deleted_at is not None:
        return False
    row = dogmas.held(db, post)
    votes = {option.position: option.votes for option in polls.options(db, vote.id)}
    pro, contra = votes.get(FOR, 0), votes.get(AGAINST, 0)
    if row.status != Status.PROPOSED or pro + contra < row.vote_minimum:
        return False
    by = actors.get(db, vote.author_id)
    reason = f"{pro} – {contra}"
    if pro > contra:
        _adopt(db, by, post, row, reason, Through.VOTE)
    else:
        _decide(db, by, post, row, Status.REJECTED, reason, Through.VOTE)
    return True
