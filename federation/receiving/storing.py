"""Storing what was proven: many activities in one transaction, and with those that need nothing else, their effect."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from federation import counting, urls
from federation.budget import Budget
from federation.handlers import plain
from federation.reading import ActivityIn, ObjectIn
from federation.receiving import unwrapping
from federation.receiving.requests import Refusal, Reply
from federation.receiving.signing import Signed, standing
from federation.synchronizing import Claim, note_claim
from models import actors, base, domains, inbox, memory, peers
from models.actors import Actor, RemoteActor
from models.database import is_passing, wake

log = logging.getLogger("torv.inbox")

TAKEN = Reply(202)


class KeyChanged(Exception):
    """The key in memory is not the owner's any more: who sent it has to be found out anew."""


Verdict = Reply | Refusal | KeyChanged


@dataclass(frozen=True, slots=True)
class Arrival:
    """An activity that somebody signed for, as it came."""

    id: int
    """The number of its row."""
    target: str
    """The inbox it came to."""
    body: bytes
    activity: ActivityIn
    signed: Signed
    claim: Claim | None
    forwarded: bool
    note: ObjectIn | None
    """What it creates, if that may be recorded at once."""

    @classmethod
    def of(
        cls, target: str, body: bytes, activity: ActivityIn, signed: Signed, claim: Claim | None, *, forwarded: bool
    ) -> "Arrival":
        """With a number of its own, its text made clean before any transaction begins."""
        id = base.new_id()
        note = None if forwarded else _note(activity, id)
        return cls(id, target, body, activity, signed, claim, forwarded, note)

    @property
    def row(self) -> Mapping[str, Any]:
        """What is stored of it."""
        activity, text = self.activity, self.body.decode("utf-8")
        if self.forwarded:
            named = {"id": activity.id, "type": activity.type, "actor": activity.actor, "object": activity.object_id}
            text = msgspec.json.encode(named).decode()
        return {
            "id": self.id,
            "sender_key": activity.id or activity.actor,
            "body": text,
            "body_sha256": hashlib.sha256(self.body).hexdigest(),
            "type": activity.type[:100],
            "key_owner": self.signed.owner,
            "proof": "forwarded" if self.forwarded else "signed",
            "host": self.host,
            **({} if self.note is None else {"state": "done", "note": plain.said_of(self.note.id)}),
        }

    @property
    def host(self) -> str:
        """The host of whose key signed it."""
        return urls.host_of(self.signed.owner) or ""


def _note(activity: ActivityIn, received_id: int) -> ObjectIn | None:
    parts = unwrapping.signed(activity, received_id, Budget(fetches=0))
    return plain.note_of(parts[0]) if len(parts) == 1 else None


def store(db: Session, arrivals: Sequence[Arrival]) -> list[Verdict]:
    """Keep all that may be kept; what each sender hears, in order."""
    verdicts: dict[int, Verdict] = {}
    owners = {owner.uri: owner for owner in actors.by_uris(db, (one.signed.owner for one in arrivals))}
    held = [(one, one.signed.held) for one in arrivals if one.signed.held is not None]
    for (one, _), stands in zip(held, standing(db, [(key, one.target) for one, key in held]), strict=True):
        if stands is not True:
            verdicts[one.id] = stands or KeyChanged()
    strangers = {one.signed.owner: one.signed.fetched for one in arrivals if one.signed.fetched is not None}
    owners |= _record(db, strangers, owners)
    welcome = []
    for one in arrivals:
        owner = owners.get(one.signed.owner)
        if one.id not in verdicts and (owner is None or not owner.active):
            verdicts[one.id] = Refusal(403, "The sender is suspended or deleted.", code="suspended")
        if one.id not in verdicts:
            welcome.append(one)
    _keep(db, welcome, owners)
    return [verdicts.get(one.id, TAKEN) for one in arrivals]


def _keep(db: Session, arrivals: Sequence[Arrival], owners: Mapping[str, Actor]) -> None:
    if not arrivals:
        return
    peers.seen_all(db, {one.host: one.signed.skew for one in arrivals})
    present = base.now()
    signatures = {one.signed.replay_key: max((one.signed.valid_until - present).total_seconds(), 1) for one in arrivals}
    unused = memory.first_times(db, "signature", signatures)
    first = {one.signed.replay_key: one for one in reversed(arrivals) if one.signed.replay_key in unused}
    fresh = inbox.store_all(db, [one.row for one in first.values()])
    kept = [one for one in first.values() if one.id in fresh]
    for one in first.values():
        if one.claim is not None:
            note_claim(db, owners[one.signed.owner], one.claim)
    notes = {one.note.id: one for one in kept if one.note is not None}
    had = _at_once(db, [(one.note, owners[one.signed.owner]) for one in notes.values() if one.note is not None])
    done = {notes[uri].id for uri in had}
    counting.count("inbox_processed", len(done))
    inbox.reopen(db, [one.id for one in kept if one.note is not None and one.id not in done])
    if len(done) < len(kept):
        wake(db, "received")


def _at_once(db: Session, notes: Sequence[tuple[ObjectIn, Actor]]) -> set[str]:
    """Give plain notes their effect; the ids of those that had it. Where that fails they are only stored: the worker
    tries each alone, and says why."""
    if not notes:
        return set()
    try:
        with db.begin_nested():
            return plain.record(db, notes)
    except SQLAlchemyError as error:
        if is_passing(error):
            raise
        log.warning("notes could not be recorded at once: %s", type(error).__name__)
    except Exception:
        log.exception("notes could not be recorded at once")
    return set()


def _record(db: Session, fetched: Mapping[str, RemoteActor], known: Mapping[str, Actor]) -> dict[str, Actor]:
    """Take over what was fetched with the keys, but of who is suspended here: then nothing about him changes."""
    wanted = {
        uri: remote
        for uri, remote in fetched.items()
        if (before := known.get(uri)) is None or before.suspended_at is None
    }
    if not wanted:
        return {}
    rules = domains.rules_for(db, {remote.domain for remote in wanted.values()})
    ruled = {domain: domains.standing_by(rule) for domain, rule in rules.items()}
    return dict(zip(wanted, actors.record_all(db, list(wanted.values()), ruled), strict=True))
