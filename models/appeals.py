"""Appeals: whom a decision of the moderators is about asks once for it to be looked at again, and somebody else does."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import accounts, actor_keys, actors, anonymity, moderation, notifications, sanctions, text
from models.accounts import Account, Role
from models.actors import Actor
from models.base import now
from models.errors import Conflict, Forbidden, Invalid, NotFound
from models.notifications import NotificationKind
from models.posts import Post
from models.sanctions import MAX_REASON, Appeal, Sanction

MAX_APPEAL = 5000
APPEAL_SECONDS = 30 * 60
"""How long somebody who was shut out may take to write his appeal after he showed that he is who he says."""


def appeal(db: Session, row: Sanction, said: str, *, account_id: int) -> None:
    """Ask for it to be looked at again, once. Raises NotFound for others' decisions, Invalid, or Conflict."""
    if not sanctions.concerns(db, row, account_id):
        raise NotFound("There is no such page.")
    said = text.plain(text.escape(said)).strip()
    if not said or len(said) > MAX_APPEAL:
        raise Invalid(f"An appeal has 1 to {MAX_APPEAL} characters.", code="appeal_length")
    if row.appeal_state or row.ended_at is not None:
        raise Conflict("You can appeal once, while the decision stands.", code="appeal_twice")
    if row.community_id is not None and not actors.get(db, row.community_id).local:
        raise Conflict("The moderators of that community decided it, on their own server.", code="appeal_elsewhere")
    row.appeal, row.appealed_at, row.appeal_state = said, now(), Appeal.WAITING
    target = actors.get(db, row.target_id)
    moderation.audit(db, row.target_id, "sanction.appeal", target.uri, sanction=str(row.id))
    for account, _ in accounts.staff(db):
        if may_decide(db, row, account):
            notifications.notify(db, account.id, NotificationKind.APPEAL, actors.node_actor(db), subject=str(row.id))


def may_decide(db: Session, row: Sanction, account: Account) -> bool:
    """Whether this moderator may decide the appeal: another than who acted, where there is another."""
    if account.role == Role.MEMBER or account.suspended_at is not None or account.id == row.target_id:
        return False
    if row.by_id != account.id:
        return True
    return all(other.id in {row.by_id, row.target_id} for other, _ in accounts.staff(db))


def decide(db: Session, row: Sanction, *, by: Actor, overturn: bool, answer: str) -> None:
    """Uphold a decision, or overturn it, which ends it. The person is told. Raises Conflict, Forbidden or Invalid."""
    decider = db.get(Account, by.id)
    if decider is None or not may_decide(db, row, decider):
        raise Forbidden("A moderator other than the one who acted decides an appeal.", code="same_moderator")
    answer = text.plain(text.escape(answer)).strip()
    if not answer or len(answer) > MAX_REASON:
        raise Invalid(f"An answer has 1 to {MAX_REASON} characters.", code="answer_length")
    if row.appeal_state != Appeal.WAITING:
        raise Conflict("This appeal is decided already.", code="appeal_decided")
    row.appeal_state = Appeal.OVERTURNED if overturn else Appeal.UPHELD
    row.answer, row.decided_at, row.decided_by_id = answer, now(), by.id
    if overturn and row.ended_at is None:
        sanctions.end(db, row, by=by)
    target = actors.get(db, row.target_id)
    moderation.audit(db, by.id, f"appeal.{row.appeal_state}", target.uri, sanction=str(row.id), answer=answer)
    post = db.get(Post, row.post_id) if row.post_id is not None else None
    letter = "appeal_accepted" if overturn else "appeal_refused"
    account = db.get(Account, anonymity.told(db, target.id, post))
    sanctions.tell(
        db, row, account, sanctions.title_of(post), kind=NotificationKind.APPEAL_DECIDED, letter=letter, why=answer
    )


def waiting(db: Session, *, after: int | None = None, limit: int = 20) -> list[tuple[Sanction, Actor, Actor | None]]:
    """Appeals that wait, oldest decision first, with whom it is about and who decided."""
    query = select(Sanction).where(Sanction.appeal_state == Appeal.WAITING).order_by(Sanction.id).limit(limit)
    rows = db.scalars(query if after is None else query.where(Sanction.id > after)).all()
    people = actors.many(db, [i for row in rows for i in (row.target_id, row.by_id) if i])
    return [(row, people[row.target_id], people.get(row.by_id or 0)) for row in rows]


def token(db: Session, row: Sanction) -> str:
    """Lets who has just shown a password, and gets no session, send one appeal against this decision."""
    said = f"{row.id}.{int(now().timestamp()) + APPEAL_SECONDS}"
    return f"{said}.{_sign(db, said)}"


def by_token(db: Session, token: str) -> Sanction:
    """The decision that a token of ours is for; raises Forbidden for any other, and when its time is over."""
    parsed = re.fullmatch(r"(\d{1,19})\.(\d{1,12})\.([A-Za-z0-9_-]{43})", token, re.ASCII)
    if parsed is None or not hmac.compare_digest(_sign(db, f"{parsed[1]}.{parsed[2]}"), parsed[3]):
        raise Forbidden("Sign in once more, and you can write your appeal.", code="appeal_token")
    if int(parsed[2]) <= now().timestamp():
        raise Forbidden("Sign in once more, and you can write your appeal.", code="appeal_token")
    return sanctions.get(db, int(parsed[1]))


def _sign(db: Session, said: str) -> str:
    """A signature by a key of its own, made from the node's."""
    _, pem = actor_keys.private_key(db, actors.node_actor(db).id)
    key = hashlib.sha256(b"appeals of those who are shut out\n" + pem.encode()).digest()
    return urlsafe_b64encode(hmac.digest(key, said.encode(), "sha256")).decode().rstrip("=")
