"""Whose request is it? From the Signature header to the actor whose key made it, cheapest checks first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from federation import clocks, crossing, keys, reading, signatures, urls
from federation.context import Federation
from federation.receiving.requests import Allowance, IncomingRequest, NoLimit, Refusal
from models import actors, base, domains, peers
from models.actors import Actor, RemoteActor
from models.database import node_of


@dataclass(frozen=True, slots=True)
class Signed:
    """A request with a proven sender."""

    owner: str
    """Id of the actor whose key signed it."""
    fetched: RemoteActor | None
    """The owner as just fetched, to be recorded now that the proof holds; None if he was known with this key."""
    replay_key: str
    valid_until: datetime
    skew: float | None
    """Its `Date` minus our clock, in seconds."""
    held: "Held | None" = None
    """The key out of this process's memory that proved it: whether it still holds has to be asked (`standing`)."""


@dataclass(frozen=True, slots=True)
class Held:
    """A key as the database had it a moment ago."""

    key_id: str
    owner: str
    pem: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says of itself, before anything is proven."""

    key_id: str
    host: str
    """Of the key."""
    target: str | None
    """The inbox it came to; None for a GET."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database says of the claims of a request."""

    blocked: bool
    inbox_status: int
    owner: str = ""
    pem: str = ""
    asked: keys.Asked | None = None
    """Of a key that is not held: what is known beside it."""


HELD_FOR = 300
"""Seconds for which a key is kept in memory."""


def prove_by_memory(fed: Federation, request: IncomingRequest, allowance: Allowance) -> Signed | None:
    """Who sent it, if a key in memory proves it; None says nothing, and `prove` has to find out.

    The database was not asked, so before anything is done because of it, `standing` has to be.
    """
    try:
        parsed = request.signature
        held = fed.keyring.held.get(parsed.key_id)
        if held is None or not allowance.left():
            return None
        assert isinstance(held, Held)
        key = signatures.public_key(held.pem)
        signatures.verify(parsed, key, origin=fed.node.origin, now=base.now(), body=request.body)
    except (signatures.SignatureError, signatures.BadKey):
        return None
    skew = clocks.skew(request.header("date"))
    return Signed(held.owner, None, signatures.replay_key(parsed), signatures.valid_until(parsed), skew, held)


def standing(db: Session, asked: Sequence[tuple[Held, str]]) -> list[Refusal | bool]:
    """For each key and the inbox it was used at: True if both are as they were, False if the key is no longer the
    owner's, or the Refusal that the database has for it."""
    hosts = {held.key_id: urls.host_of(held.key_id) or "" for held, _ in asked}
    blocked = domains.blocked_among(db, set(hosts.values()))
    now = actors.keys_by_uri(db, hosts)
    inboxes = {target: _inbox_status(db, target) for target in {target for _, target in asked}}
    found: list[Refusal | bool] = []
    for held, target in asked:
        if hosts[held.key_id] in blocked:
            found.append(_blocked())
        elif inboxes[target]:
            found.append(_no_inbox(inboxes[target]))
        else:
            found.append(now.get(held.key_id) == (held.owner, held.pem))
    return found


def _blocked() -> Refusal:
    return Refusal(403, "This server does not talk to yours.", code="blocked")


def _no_inbox(status: int) -> Refusal:
    return Refusal(status, "There is no such inbox.", code="inbox")


async def prove(fed: Federation, request: IncomingRequest, allowance: Allowance) -> Signed | None:
    """Who sent it; raises Refusal. None: somebody we do not know says that he is gone or changed, so nobody needs to ask.

    Nothing of the body is believed here, and it is not even read as JSON before its digest fits.
    """
    try:
        parsed = request.signature
    except signatures.SignatureError as error:
        allowance.spend()
        raise _refusal(error) from error
    host = urls.host_of(parsed.key_id)
    if host is None or host == urls.host_of(fed.node.origin):
        allowance.spend()
        raise Refusal(401, "The keyId is not an https address of another server.", code="keyid")
    target = request.target if request.method == "POST" else None
    known: _Known = await fed.claims.do(fed.database, _look_up, _Claim(parsed.key_id, host, target))
    if known.blocked:
        raise _blocked()
    if known.inbox_status:
        raise _no_inbox(known.inbox_status)
    if not allowance.left():
        raise Refusal(429, "Too many requests that fail or need a new key.", code="flood", retry_after=30)
    try:
        signatures.check_request(parsed, origin=fed.node.origin, now=base.now(), body=request.body)
        owner, fetched = await _verify(fed, request, parsed, known, allowance)
    except signatures.SignatureError as error:
        allowance.spend()
        raise _refusal(error) from error
    if not owner:
        return None
    if fetched is None:
        fed.keyring.held.put(parsed.key_id, Held(parsed.key_id, owner, known.pem), HELD_FOR)
    skew = clocks.skew(request.header("date"))
    return Signed(owner, fetched, signatures.replay_key(parsed), signatures.valid_until(parsed), skew)


async def identify(fed: Federation, request: IncomingRequest, allowance: Allowance | None = None) -> Actor | None:
    """Who proves by a signature that he is asking (for a GET); None for everybody else, whatever is wrong.

    A stranger with a good signature is recorded. Who is suspended, deleted, or on a blocked server, is nobody.
    """
    try:
        signed = await prove(fed, request, NoLimit() if allowance is None else allowance)
    except Refusal:
        return None
    if signed is None:
        return None

    def settle(db: Session) -> Actor | None:
        owner = actors.by_uri(db, signed.owner)
        if signed.fetched is not None and (owner is None or owner.suspended_at is None):
            owner = actors.record_remote(db, signed.fetched)
        peers.seen(db, urls.host_of(signed.owner) or "", signed.skew)
        return owner if owner is not None and owner.active else None

    return await crossing.writing(fed.database, settle)


def _refusal(error: signatures.SignatureError) -> Refusal:
    return Refusal(error.status, f"{error.text[:1].upper()}{error.text[1:]}.", code=error.code)


def _look_up(db: Session, claims: Sequence[_Claim]) -> list[_Known]:
    """What is known of each; of so many at once as cheaply as of one."""
    # A number for a host is refused by the client.
    blocked = domains.blocked_among(db, {one.host for one in claims if not urls.parse(one.key_id).is_address})
    inboxes = {one.target for one in claims if one.target is not None and one.host not in blocked}
    statuses: dict[str | None, int] = {target: _inbox_status(db, target) for target in inboxes}
    held = actors.keys_by_uri(db, {one.key_id for one in claims})
    asked = keys.ask(db, (one.key_id for one in claims if one.key_id not in held))
    return [
        _Known(
            one.host in blocked,
            statuses.get(one.target, 0),
            *held.get(one.key_id, ("", "")),
            asked=asked.get(one.key_id),
        )
        for one in claims
    ]


def _inbox_status(db: Session, target: str) -> int:
    """0 if somebody reads this inbox, else 404 or (for the own inbox of somebody deleted) 410. `/inbox` is always there."""
    path = target.partition("?")[0]
    if path == "/inbox":
        return 0
    owner = actors.by_uri(db, node_of(db).origin + path.removesuffix("/inbox"))
    if owner is None or not owner.local or not path.endswith("/inbox"):
        return 404
    return 410 if owner.deleted_at is not None else 0


async def _verify(
    fed: Federation,
    request: IncomingRequest,
    parsed: signatures.ParsedSignature,
    known: _Known,
    allowance: Allowance,
) -> tuple[str, RemoteActor | None]:
    """(owner, owner as fetched); an empty owner for the news of strangers about themselves."""

    def check(pem: str) -> None:
        key = signatures.public_key(pem)
        signatures.verify(parsed, key, origin=fed.node.origin, now=base.now(), body=request.body)

    if not known.pem:
        if keys.remembered(fed, parsed.key_id) is None:
            if request.method == "POST" and await _is_strangers_farewell(fed, request.body):
                return "", None
            if not allowance.spend():
                raise Refusal(429, "Too many requests that need a new key.", code="flood", retry_after=30)
        found = await _fetch(fed, parsed.key_id, known.asked)
        check(found.pem)
        return found.owner.uri, found.owner
    try:
        check(known.pem)
        return known.owner, None
    except (signatures.SignatureError, signatures.BadKey) as error:
        try:
            newer = await keys.refreshed(fed, parsed.key_id, known.pem)
        except keys.NoKey as silent:
            raise _no_key(silent) from silent
        if newer is None:
            if isinstance(error, signatures.BadKey):
                raise Refusal(401, "The key is not one to trust.", code="bad-key") from error
            raise
        check(newer.pem)
        return newer.owner.uri, newer.owner


async def _fetch(fed: Federation, key_id: str, asked: keys.Asked | None) -> keys.FetchedKey:
    try:
        return await keys.fetched(fed, key_id, asked)
    except keys.NoKey as error:
        owner = asked.owner if asked is not None else None
        if owner is not None and owner.deleted_at is not None and not error.passing:
            raise Refusal(403, "The sender is deleted.", code="deleted") from error
        raise _no_key(error) from error


def _no_key(error: keys.NoKey) -> Refusal:
    if error.passing:
        text = "The server of the key does not answer. Try again soon."
        return Refusal(503, text, code="key-host-down", retry_after=keys.RETRY_AFTER)
    return Refusal(401, "The key of the keyId cannot be had.", code="no-key")


async def _is_strangers_farewell(fed: Federation, body: bytes) -> bool:
    """A Delete or Update of the sender itself. From somebody unknown it tells us nothing, so his key is not asked for.

    Deleted accounts are announced to every server that ever was, and their keys are gone by then.
    """
    try:
        activity = reading.activity(reading.decode(body))
    except reading.Unreadable as error:
        raise Refusal(400, error.text, code="unreadable") from error
    if activity.type not in ("Delete", "Update") or activity.actor != activity.object_id:
        return False
    found = await crossing.reading(fed.database, lambda db: actors.by_uri(db, activity.actor))
    return found is None or found.deleted_at is not None
