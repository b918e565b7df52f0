"""A signature that was read but not yet believed, and the rules that both schemes share."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from .errors import unproven
from .message import Message

Scheme = Literal["cavage", "rfc9421"]

WINDOW = timedelta(hours=1)
LONGEST = timedelta(hours=12)

_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Mapping[str, int] = MappingProxyType({name: at for at, name in enumerate(_MONTH_NAMES, start=1)})
_HTTP_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|[+-]0000)"
)


@dataclass(frozen=True, slots=True)
class ParsedSignature:
    """What a request claims: who signed (`key_id`), what is covered (`components`), when. Nothing of it is proven."""

    scheme: Scheme
    key_id: str
    algorithm: str | None
    components: tuple[str, ...]
    created: int | None
    expires: int | None
    signature: bytes
    message: Message
    parameters: str = ""  # RFC 9421: the text of "@signature-params"


def replay_key(parsed: ParsedSignature) -> str:
    """A name for exactly this proof, for the store of proofs already seen.

    Only the signature's bytes count: key id, order and spelling of the header can be varied without breaking a
    cavage signature, the signature itself cannot.
    """
    return hashlib.sha256(parsed.signature).hexdigest()


def valid_until(parsed: ParsedSignature) -> datetime:
    """When the proof stops being fresh, so when a replay store may forget it. Raises SignatureError if undated."""
    made = _made(parsed)
    expires = _covered_expires(parsed)
    return made + WINDOW if expires is None else min(expires, made + LONGEST)


def check_time(parsed: ParsedSignature, now: datetime) -> None:
    """Raise SignatureError unless the signature was made within an hour of `now`.

    A covered `expires` is honoured both ways: it may end the hour early, or allow up to 12 hours (as Mastodon does).
    """
    if _made(parsed) > now + WINDOW:
        raise unproven("date-future", "the signature is from the future; check the clock")
    # Also where draft-cavage carries them uncovered: they can only make us stricter.
    if parsed.expires is not None and _moment(parsed.expires) < now:
        raise unproven("expired", "the signature has expired")
    if parsed.created is not None and _moment(parsed.created) > now + WINDOW:
        raise unproven("date-future", "the signature is from the future; check the clock")
    if valid_until(parsed) < now:
        raise unproven("date-old", "the signature is too old; sign again for each attempt")


def _made(parsed: ParsedSignature) -> datetime:
    """The covered time of signing: `created` if it is covered, else the covered Date header."""
    if parsed.created is not None and (parsed.scheme == "rfc9421" or "(created)" in parsed.components):
        return _moment(parsed.created)
    value = parsed.message.only("date") if "date" in parsed.components else None
    if value is None:
        raise unproven("date-missing", "the signature covers neither created nor one Date")
    return http_date(value)


def _covered_expires(parsed: ParsedSignature) -> datetime | None:
    if parsed.expires is None or (parsed.scheme == "cavage" and "(expires)" not in parsed.components):
        return None
    return _moment(parsed.expires)


def _moment(stamp: int) -> datetime:
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (ValueError, OverflowError, OSError):
        raise unproven("date-form", "a time that is no time") from None


@lru_cache(maxsize=256)  # the many that come within a second say the same
def http_date(text: str) -> datetime:
    """Read the fixed form of RFC 9110, section 5.6.7: `Mon, 23 Nov 2026 09:25:55 GMT`."""
    found = _HTTP_DATE.fullmatch(text)
    try:
        if found is None:
            raise ValueError(text)
        day, month, year, hour, minute, second = found.groups()
        return datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except (ValueError, KeyError):
        raise unproven("date-form", "the Date cannot be read") from None


def check_host(parsed: ParsedSignature, netloc: str) -> None:
    """Raise SignatureError unless the request was made for our own configured host.

    The Host header is compared, never believed: a proof made for another server must not work here.
    """
    host = parsed.message.only("host")
    if host is None or host.lower().removesuffix(":443") != netloc.lower().removesuffix(":443"):
        raise unproven("host", "the request was signed for another host")


def check_covered(parsed: ParsedSignature, *needed: str) -> None:
    """Raise SignatureError unless all these are among what was signed."""
    missing = [name for name in needed if name not in parsed.components]
    if missing:
        raise unproven("coverage", f"the signature must cover {' '.join(missing)}")
