"""What every federation function needs, in one value: database, client, and who we are."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Protocol

from federation import signatures
from federation.client import Client
from federation.crossing import Together, reading
from federation.keyring import KeyRing
from models import actor_keys, actors, base
from models.database import Database, Node

KEYS_KEPT = 4096


class Signer(Protocol):
    """Makes the headers that prove who asks; called anew for every attempt and hop."""

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]: ...


@dataclass(frozen=True)
class Limits:
    """What one peer may cost us; every figure is a setting."""

    delivery_concurrency: int = 256
    per_host: int = 2
    delivery_deadline: float = 15.0
    fetch_deadline: float = 10.0
    max_body: int = 1_000_000
    backfill_fetches: int = 100
    backfill_depth: int = 40
    backfill_seconds: float = 60.0


@dataclass
class Federation:
    """The node as others meet it. One per process; cheap to pass around."""

    database: Database
    client: Client
    limits: Limits = field(default_factory=Limits)
    authorized_fetch: bool = False
    question_object: str = "note"
    """The form in which questions go out: `note`, `note-without-name` or `page`."""
    keyring: KeyRing = field(default_factory=KeyRing)
    arrivals: "Together[Any, Any]" = field(default_factory=Together)
    """Activities on their way into the inbox."""
    claims: "Together[Any, Any]" = field(default_factory=lambda: Together(only_reading=True))
    """What requests say of who signed them, on its way to what the database says of it."""
    _own: int = 0
    """The number of the node's own actor, once it was asked for: it never changes."""
    _signers: "OrderedDict[int, KeySigner]" = field(default_factory=OrderedDict)

    @property
    def node(self) -> Node:
        """Our origin and domain."""
        return self.database.node

    async def signer(self, actor_id: int | None = None) -> "KeySigner":
        """The signer of a local actor; of the node's own actor without `actor_id`. Kept in memory, newest used last."""
        if actor_id is None:
            self._own = self._own or await reading(self.database, lambda db: actors.node_actor(db).id)
            actor_id = self._own
        if (known := self._signers.get(actor_id)) is not None:
            self._signers.move_to_end(actor_id)
            return known
        wanted = actor_id
        key_id, pem = await reading(self.database, lambda db: actor_keys.private_key(db, wanted))
        signer = KeySigner(key_id, signatures.private_key(pem))
        self._signers[actor_id] = signer
        while len(self._signers) > KEYS_KEPT:
            self._signers.popitem(last=False)
        return signer


@dataclass(frozen=True)
class KeySigner:
    """Signs with one key: draft-cavage by default, RFC 9421 as the second knock."""

    key_id: str
    key: "signatures.PrivateKey"

    def headers(self, method: str, url: str, body: bytes, *, scheme: str = "cavage") -> dict[str, str]:
        """Fresh signature headers (with Date) for this very request."""
        sign = signatures.sign_rfc9421 if scheme == "rfc9421" else signatures.sign_cavage
        return sign(self.key, self.key_id, method, url, body, base.now())
