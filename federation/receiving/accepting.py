"""The door: an activity is taken (202) once it is proven and stored, or refused with the status its sender can act on.

What peers do with our answers: nearly all of them take any 4xx but 401 and 429 for final. So what is passing on our
side is 503, and 4xx means that sending it again is no use.
"""

from sqlalchemy.orm import Session

from federation import counting, crossing, media_types, reading
from federation.context import Federation
from federation.reading import ActivityIn
from federation.receiving.requests import Allowance, IncomingRequest, NoLimit, Refusal, Reply
from federation.receiving.signing import Signed, prove, prove_by_memory
from federation.receiving.storing import TAKEN, Arrival, KeyChanged, store
from federation.synchronizing import claim_of
from models import actors, follows, posts
from models.errors import Unavailable

FORWARDABLE = frozenset({"Create", "Update", "Delete"})


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
    if (by_memory := prove_by_memory(fed, request, allowance)) is not None:
        try:
            return await _take(fed, request, by_memory)
        except KeyChanged:
            fed.keyring.held.forget(by_memory.held.key_id if by_memory.held else "")
    signed = await prove(fed, request, allowance)
    return TAKEN if signed is None else await _take(fed, request, signed)


async def _take(fed: Federation, request: IncomingRequest, signed: Signed) -> Reply:
    """Store what is proven to come from `signed.owner`. Raises Refusal, and KeyChanged for a proof out of memory."""
    activity = _read(request.body)
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
    arrival = Arrival.of(request.target, request.body, activity, signed, claim, forwarded=forwarded)
    verdict = await fed.arrivals.do(fed.database, store, arrival)
    if isinstance(verdict, Reply):
        return verdict
    raise verdict


def check_form(fed: Federation, request: IncomingRequest) -> None:
    """Type, encoding and size; raises Refusal. The door checks them too, before it reads the body."""
    if not media_types.is_activity_type(request.header("content-type")):
        raise Refusal(415, "The body must be application/activity+json.", code="type")
    if request.header("content-encoding").lower() not in ("", "identity"):
        raise Refusal(415, "Compressed bodies are not taken.", code="encoding")
    if len(request.body) > fed.limits.max_body:
        raise Refusal(413, "The body is too large.", code="size")


def _read(body: bytes) -> ActivityIn:
    try:
        return reading.activity(reading.decode(body))
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
