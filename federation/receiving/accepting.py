"""The door: an activity is taken (202) once it is proven and stored, or refused with the status its sender can act on.

What peers do with our answers: nearly all of them take any 4xx but 401 and 429 for final. So what is passing on our
side is 503, and 4xx means that sending it again is no use.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from federation import counting, crossing, media_types, reading, urls
from federation.context import Federation
from federation.reading import ActivityIn
from federation.receiving.requests import Allowance, IncomingRequest, NoLimit, Refusal, Reply
from federation.receiving.signing import Signed, prove
from federation.synchronizing import Claim, claim_of, note_claim
from models import actors, base, follows, inbox, memory, peers, posts
from models.actors import Actor
from models.errors import Unavailable

FORWARDABLE = frozenset({"Create", "Update", "Delete"})
TAKEN = Reply(202)


async def accept(fed: Federation, request: IncomingRequest, allowance: Allowance | None = None) -> Reply:
    """Check an incoming request and store it; the answer is final once this returns. Never raises what a peer caused."""
    try:
        reply = await _accept(fed, request, NoLimit() if allowance is None else allowance)
    except Refusal as refusal:
        counting.count("inbox_refused")
        return refusal.reply
    except Unavailable as error:
        counting.count("inbox_unavailable")
        return Reply(503, error.text, error.retry_after)
    counting.count("inbox_accepted")
    return reply


async def _accept(fed: Federation, request: IncomingRequest, allowance: Allowance) -> Reply:
    check_form(fed, request)
    signed = await prove(fed, request, allowance)
    if signed is None:
        return TAKEN
    doc, activity = _read(request.body)
    own = activity.actor == signed.owner
    forwarded = (
        False if own else await crossing.reading(fed.database, lambda db: _is_forwarded(db, signed.owner, activity))
    )
    if not own and not forwarded:
        raise Refusal(403, "The signature is not by the activity's actor.", code="wrong-actor")
    # An id on another host than its actor's would let one server take the place of another's activity.
    nameless = not activity.id and activity.type not in reading.WITHOUT_ID
    if nameless or (activity.id and not reading.is_named_by(activity.id, activity.actor)):
        counting.count("inbox_dropped")
        return TAKEN
    claim = claim_of(request.header("collection-synchronization")) if own and activity.type == "Create" else None
    return await crossing.writing(
        fed.database, lambda db: _store(db, request.body, doc, activity, signed, claim, forwarded=forwarded)
    )


def check_form(fed: Federation, request: IncomingRequest) -> None:
    """Type, encoding and size; raises Refusal. The door checks them too, before it reads the body."""
    if not media_types.is_activity_type(request.header("content-type")):
        raise Refusal(415, "The body must be application/activity+json.", code="type")
    if request.header("content-encoding").lower() not in ("", "identity"):
        raise Refusal(415, "Compressed bodies are not taken.", code="encoding")
    if len(request.body) > fed.limits.max_body:
        raise Refusal(413, "The body is too large.", code="size")


def _read(body: bytes) -> tuple[dict[str, Any], ActivityIn]:
    try:
        doc = reading.decode(body)
        return doc, reading.activity(doc)
    except reading.Unreadable as error:
        raise Refusal(400, error.text, code="unreadable") from error


def _is_forwarded(db: Session, signer: str, activity: ActivityIn) -> bool:
    """Somebody else's activity, passed on by one whom we have a reason to listen to (ActivityPub 7.1.2).

    Such are: whoever is followed from here (communities and relays among them), and the author of the very post that
    the forwarded one answers. It proves nothing: its body is thrown away and the object asked for at its origin.
    """
    sender = actors.by_uri(db, signer)
    if activity.type not in FORWARDABLE or sender is None or not sender.active:
        return False
    if follows.followed_here(db, sender.id):
        return True
    parent = posts.by_uri(db, reading.one_id(activity.object.get("inReplyTo"))) if activity.object else None
    return parent is not None and parent.author_id == sender.id


def _store(
    db: Session,
    body: bytes,
    doc: Mapping[str, Any],
    activity: ActivityIn,
    signed: Signed,
    claim: Claim | None,
    *,
    forwarded: bool,
) -> Reply:
    owner = actors.by_uri(db, signed.owner)
    if signed.fetched is not None:
        owner = _record_owner(db, owner, signed)
    if owner is None or not owner.active:
        raise Refusal(403, "The sender is suspended or deleted.", code="suspended")
    host = urls.host_of(signed.owner) or ""
    peers.seen(db, host, signed.skew)
    lasts = (signed.valid_until - base.now()).total_seconds()
    if not memory.first_time(db, "signature", signed.replay_key, max(lasts, 1)):
        return TAKEN
    if forwarded:
        doc = {"id": activity.id, "type": activity.type, "actor": activity.actor, "object": activity.object_id}
    inbox.store(
        db,
        sender_key=activity.id or activity.actor,
        body=msgspec.json.encode(doc).decode() if forwarded else body.decode("utf-8"),
        body_sha256=hashlib.sha256(body).hexdigest(),
        type=activity.type[:100],
        key_owner=signed.owner,
        proof="forwarded" if forwarded else "signed",
        host=host,
    )
    if claim is not None:
        note_claim(db, owner, claim)
    return TAKEN


def _record_owner(db: Session, before: Actor | None, signed: Signed) -> Actor | None:
    """Take over what was fetched with the key, unless the actor is suspended here: then nothing about it changes."""
    assert signed.fetched is not None
    if before is not None and before.suspended_at is not None:
        return before
    return actors.record_remote(db, signed.fetched)
