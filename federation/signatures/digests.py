"""Digests: of a body (RFC 3230, RFC 9530) and of a set of followers (FEP-8fcf).

Digest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
Content-Digest: sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:
"""

import hashlib
import hmac
from collections.abc import Iterable

from .base64s import encode_base64, strict_base64
from .errors import malformed, unproven
from .fields import FieldError, Item, parse_dictionary


def digest_header(body: bytes) -> str:
    """The value of `Digest`. Upper case: Threads and old Misskey know no other."""
    return "SHA-256=" + encode_base64(hashlib.sha256(body).digest())


def content_digest_header(body: bytes) -> str:
    """The value of `Content-Digest`."""
    return "sha-256=:" + encode_base64(hashlib.sha256(body).digest()) + ":"


def check_digest(values: tuple[str, ...], body: bytes) -> None:
    """Raise SignatureError unless `Digest` is exactly one SHA-256 value and fits the bytes of the body."""
    if len(values) != 1 or "," in values[0]:
        raise unproven("digest-count", "exactly one Digest is needed")
    name, _, value = values[0].partition("=")
    if name.strip().lower() != "sha-256":
        raise unproven("digest-algorithm", "the Digest must be SHA-256")
    try:
        claimed = strict_base64(value.strip())
    except ValueError:
        raise unproven("digest-form", "the Digest is not base64") from None
    if not hmac.compare_digest(claimed, hashlib.sha256(body).digest()):
        raise unproven("digest-mismatch", "the Digest does not fit the body")


def check_content_digest(values: tuple[str, ...], body: bytes) -> None:
    """Raise SignatureError unless `Content-Digest` is well formed (400) and its sha-256 fits the body (401)."""
    try:
        members = parse_dictionary(", ".join(values))
    except FieldError:
        raise malformed("content-digest-form", "Content-Digest is malformed") from None
    claimed: dict[str, bytes] = {}
    for name, item in members.items():
        if not isinstance(item, Item) or not isinstance(item.value, bytes) or item.parameters:
            raise malformed("content-digest-form", "Content-Digest is malformed")
        claimed[name] = item.value
    if "sha-256" not in claimed:
        raise unproven("digest-algorithm", "Content-Digest needs sha-256")
    for name, make in (("sha-256", hashlib.sha256), ("sha-512", hashlib.sha512)):
        if name in claimed and not hmac.compare_digest(claimed[name], make(body).digest()):
            raise unproven("digest-mismatch", "Content-Digest does not fit the body")


def followers_digest(ids: Iterable[str]) -> str:
    """FEP-8fcf: the exclusive or of the SHA-256 of each follower's id, in hexadecimal; all zeros for none.

    >>> followers_digest(["https://a.example/u/1"]) == hashlib.sha256(b"https://a.example/u/1").hexdigest()
    True
    """
    total = 0
    for each in ids:
        total ^= int.from_bytes(hashlib.sha256(each.encode()).digest(), "big")
    return f"{total:064x}"
