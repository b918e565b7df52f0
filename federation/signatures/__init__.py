"""HTTP signatures, both kinds, as pure functions: no clock, no network, no database.

What came in is first read (`parse_request_signature`), then checked as far as that goes without a key
(`check_request`: what is covered, for which host, how old, whether the digest fits the very bytes of the body), and
only then verified with the key that somebody fetched for `key_id` (`verify`, which does the checks again).
`SignatureError` carries the status to answer with. A request that passed is proven to come from the owner of the key;
whether that is the `actor` of the body is not ours to say.

    parsed = parse_request_signature(Message.of("POST", "/inbox", headers))
    check_request(parsed, origin="https://ask.example", now=now, body=body)
    verify(parsed, key_of(parsed.key_id), origin="https://ask.example", now=now, body=body)

What goes out: `sign_cavage` first, `sign_rfc9421` where the peer answers 400 or 401 to that.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import cavage, rfc9421
from .cavage import sign as sign_cavage
from .digests import content_digest_header, digest_header, followers_digest
from .errors import BadKey, SignatureError, unproven
from .message import Message
from .parsed import ParsedSignature, Scheme, check_time, replay_key, valid_until
from .rfc9421 import sign as sign_rfc9421

if TYPE_CHECKING:
    from .keys import (
        PrivateKey,
        PublicKey,
        generate,
        multibase,
        multikey,
        private_key,
        public_key,
        public_pem,
        second_key,
    )

__all__ = [
    "BadKey",
    "Message",
    "ParsedSignature",
    "PrivateKey",
    "PublicKey",
    "Scheme",
    "SignatureError",
    "check_request",
    "content_digest_header",
    "digest_header",
    "followers_digest",
    "generate",
    "is_signed",
    "multibase",
    "multikey",
    "parse_request_signature",
    "private_key",
    "public_key",
    "public_pem",
    "replay_key",
    "second_key",
    "sign_cavage",
    "sign_rfc9421",
    "valid_until",
    "verify",
]


def __getattr__(name: str) -> Any:
    """What is in `keys`, which is loaded with the first key: `cryptography` takes 7 MiB, and a node starts, and answers
    its own people, without."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import keys

    return globals().setdefault(name, getattr(keys, name))


def is_signed(headers: Iterable[tuple[str, str]]) -> bool:
    """True if the request claims to be signed at all."""
    return any(name.lower() == "signature" for name, _ in headers)


def parse_request_signature(message: Message) -> ParsedSignature:
    """Read the signature of a request; RFC 9421 if there is a Signature-Input, else draft-cavage.

    Raises SignatureError: 401 if there is no signature, 400 or 401 if it is unreadable.
    """
    if "signature" not in message.fields:
        raise unproven("unsigned", "the request must be signed")
    return rfc9421.parse(message) if "signature-input" in message.fields else cavage.parse(message)


def check_request(parsed: ParsedSignature, *, origin: str, now: datetime, body: bytes) -> None:
    """All checks that need no key; raises SignatureError. `origin` is our configured one, never the Host header."""
    netloc = origin.partition("://")[2]
    (cavage if parsed.scheme == "cavage" else rfc9421).check(parsed, netloc=netloc, body=body)
    check_time(parsed, now)


def verify(parsed: ParsedSignature, public_key: "PublicKey", *, origin: str, now: datetime, body: bytes) -> None:
    """Return only if the owner of `public_key` signed this very request, for `origin`, around `now`.

    Raises SignatureError.
    """
    check_request(parsed, origin=origin, now=now, body=body)
    cavaged = parsed.scheme == "cavage"
    if not (cavage.fits(parsed, public_key) if cavaged else rfc9421.fits(parsed, public_key, origin)):
        raise unproven("signature", "the signature does not verify with the key of its keyId")
