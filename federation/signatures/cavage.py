"""draft-cavage-http-signatures-12, what nearly all of the fediverse sends.

    Signature: keyId="https://ask.example/u/lene#main-key",algorithm="rsa-sha256",
               headers="(request-target) host date digest content-type",signature="…"

(one line, and without a space after the commas: the parser of Misskey and PeerTube throws on one, NodeBB splits there).
What is signed is one line for each name in `headers`:

    (request-target): post /inbox
    host: there.example
    date: Mon, 23 Nov 2026 09:25:55 GMT
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from federation import media_types, urls

from .base64s import encode_base64, strict_base64
from .digests import check_digest, digest_header
from .errors import malformed, unproven
from .message import Message, wire
from .parsed import ParsedSignature, check_covered, check_host

if TYPE_CHECKING:
    from . import keys

MAX_LENGTH = 8192
MAX_COMPONENTS = 32
POST_COMPONENTS = ("(request-target)", "host", "date", "digest", "content-type")
GET_COMPONENTS = ("(request-target)", "host", "date", "accept")

_KNOWN = ("keyId", "algorithm", "created", "expires", "headers", "signature")
_PARAMETER = re.compile(r'[ \t]*([A-Za-z][A-Za-z0-9_]*)=(?:"([^"\\]*)"|([0-9]{1,15}))[ \t]*(,|$)')
_NAME = re.compile(r"\((?:request-target|created|expires)\)|[a-z0-9!#$%&'*+.^_`|~-]+")
_RSA = (None, "rsa-sha256", "hs2019")
_ED25519 = (None, "ed25519", "hs2019")


def parse(message: Message) -> ParsedSignature:
    """Read the one Signature header; raises SignatureError (400) for anything two parsers could read differently."""
    values = message.fields["signature"]
    if len(values) != 1:
        raise malformed("signature-count", "more than one Signature header")
    parameters = _parameters(values[0])
    names = tuple(parameters.get("headers", "date").split(" "))
    if len(names) > MAX_COMPONENTS or len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names)):
        raise malformed("signature-headers", "the list of signed headers is malformed")
    try:
        signature = strict_base64(parameters["signature"])
        key_id = parameters["keyId"]
        created, expires = _stamp(parameters, "created"), _stamp(parameters, "expires")
    except (KeyError, ValueError):
        raise malformed("signature-form", "the Signature header is malformed") from None
    if not key_id or not signature:
        raise malformed("signature-form", "the Signature header is malformed")
    return ParsedSignature("cavage", key_id, parameters.get("algorithm"), names, created, expires, signature, message)


def _parameters(text: str) -> dict[str, str]:
    if len(text) > MAX_LENGTH:
        raise malformed("signature-length", "the Signature header is too long")
    found: dict[str, str] = {}
    at, comma = 0, ","
    while comma:
        match = _PARAMETER.match(text, at)
        if match is None:
            raise malformed("signature-form", "the Signature header is malformed")
        name, quoted, number, comma = match.groups()
        if name in found:
            raise malformed("signature-twice", "a signature parameter comes twice")
        if name not in _KNOWN:
            # The draft has no others. A misspelled one would silently mean "not given".
            raise malformed("signature-form", "the Signature header has an unknown parameter")
        found[name] = number if quoted is None else quoted
        at = match.end()
    return found


def _stamp(parameters: Mapping[str, str], name: str) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise ValueError(name)
    return int(value)


def check(parsed: ParsedSignature, *, netloc: str, body: bytes) -> None:
    """Everything that needs no key: coverage, host, digest. Raises SignatureError."""
    message = parsed.message
    if parsed.algorithm not in (*_RSA, *_ED25519):
        raise unproven("algorithm", "an algorithm that is not accepted")
    check_covered(parsed, "(request-target)", "host")
    if "date" not in parsed.components and not ("(created)" in parsed.components and parsed.created is not None):
        raise unproven("coverage", "the signature must cover date or (created)")
    if "(created)" in parsed.components and parsed.algorithm == "rsa-sha256":
        raise unproven("coverage", "(created) goes with hs2019 only")
    check_host(parsed, netloc)
    if message.has_body_rules:
        check_covered(parsed, "digest")
    if "digest" in parsed.components:
        check_digest(message.fields.get("digest", ()), body)


def fits(parsed: ParsedSignature, key: "keys.PublicKey") -> bool:
    """True if the key made this signature. For GET also with the query left out, as Epicyon signs."""
    from . import keys  # see `__getattr__` of the package

    if parsed.algorithm not in (_RSA if keys.is_rsa(key) else _ED25519):
        return False
    target = parsed.message.target
    if keys.fits(key, parsed.signature, signing_string(parsed, target)):
        return True
    if parsed.message.method != "GET" or "?" not in target:
        return False
    return keys.fits(key, parsed.signature, signing_string(parsed, target.partition("?")[0]))


def signing_string(parsed: ParsedSignature, target: str) -> bytes:
    """What the signature is over. Raises SignatureError if a covered header is not there."""
    special = {
        "(request-target)": f"{parsed.message.method.lower()} {target}",
        "(created)": None if parsed.created is None else str(parsed.created),
        "(expires)": None if parsed.expires is None else str(parsed.expires),
    }
    lines = []
    for name in parsed.components:
        value = special[name] if name in special else parsed.message.field(name)
        if value is None:
            raise unproven("header-missing", "a signed header is missing")
        lines.append(f"{name}: {value}")
    return wire("\n".join(lines))


def sign(
    key: "keys.PrivateKey",
    key_id: str,
    method: str,
    url: str,
    body: bytes,
    now: datetime,
    headers_extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All headers of a signed request: Host, Date, Accept, Signature, the extras; for a POST Digest and Content-Type.

    To be made anew for each attempt. The Date is one second back, because NodeBB takes only two seconds of future.
    """
    from . import keys  # see `__getattr__` of the package

    to = urls.parse(url)
    posting = method.upper() not in ("GET", "HEAD")
    headers = {
        "Host": to.netloc,
        "Date": format_datetime(now - timedelta(seconds=1), usegmt=True),
        "Accept": media_types.ACCEPT_ACTIVITY,
    }
    if posting:
        headers["Digest"] = digest_header(body)
        headers["Content-Type"] = media_types.ACTIVITY_JSON
    headers.update({name.title(): value for name, value in (headers_extra or {}).items()})
    names = POST_COMPONENTS if posting else GET_COMPONENTS
    values = {"(request-target)": f"{method.lower()} {to.target}", **{k.lower(): v for k, v in headers.items()}}
    text = "\n".join(f"{name}: {values[name]}" for name in names)
    signature = encode_base64(keys.sign(key, text.encode("latin-1")))
    headers["Signature"] = (
        f'keyId="{key_id}",algorithm="rsa-sha256",headers="{" ".join(names)}",signature="{signature}"'
    )
    return headers
