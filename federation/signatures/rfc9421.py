"""RFC 9421, HTTP Message Signatures: what Fedify sends first, and our second knock where draft-cavage is refused.

    Signature-Input: sig1=("@method" "@target-uri" "content-digest");created=1795425823;keyid="https://…#main-key"
    Signature: sig1=:…:

What is signed is one line for each component and one for the parameters:

    "@method": POST
    "@target-uri": https://ask.example/inbox
    "content-digest": sha-256=:…:
    "@signature-params": ("@method" "@target-uri" "content-digest");created=1795425823;keyid="https://…#main-key"
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from federation import media_types, urls

from .base64s import encode_base64
from .digests import check_content_digest, content_digest_header
from .errors import malformed, unproven
from .fields import BareItem, FieldError, InnerList, Item, parse_dictionary, write_inner_list
from .message import Message, wire
from .parsed import ParsedSignature, check_covered, check_host

if TYPE_CHECKING:
    from . import keys

LABEL = "sig1"
ALGORITHM = "rsa-v1_5-sha256"
MAX_COMPONENTS = 32
POST_COMPONENTS = ("@method", "@target-uri", "content-digest")
GET_COMPONENTS = ("@method", "@target-uri")
_DERIVED = ("@method", "@target-uri", "@authority", "@scheme", "@request-target", "@path", "@query")


def parse(message: Message) -> ParsedSignature:
    """Read Signature-Input and Signature: one label, plain components. Raises SignatureError."""
    label, listed = _input(message)
    signature = _signature(message, label)
    components = tuple(_component(item) for item in listed.items)
    if len(components) > MAX_COMPONENTS or len(set(components)) != len(components):
        raise malformed("signature-components", "a component comes twice, or there are too many")
    parameters = listed.parameters
    key_id, created, expires = parameters.get("keyid"), parameters.get("created"), parameters.get("expires")
    if not isinstance(key_id, str) or not key_id:
        raise unproven("keyid", "the signature names no keyid")
    if type(created) is not int:
        raise unproven("created", "the signature has no created")
    if expires is not None and type(expires) is not int:
        raise malformed("expires", "expires is not a number")
    algorithm = parameters.get("alg")
    if algorithm is not None and not isinstance(algorithm, str):
        raise malformed("alg", "alg is not a string")
    return ParsedSignature(
        "rfc9421", key_id, algorithm, components, created, expires, signature, message, write_inner_list(listed)
    )


def _dictionary(message: Message, name: str) -> dict[str, Item | InnerList]:
    values = message.fields.get(name, ())
    if len(values) != 1:
        raise malformed("signature-count", f"exactly one {name} header is needed")
    try:
        return parse_dictionary(values[0])
    except FieldError:
        raise malformed("signature-form", f"{name} is malformed") from None


def _input(message: Message) -> tuple[str, InnerList]:
    members = _dictionary(message, "signature-input")
    if len(members) != 1:
        raise unproven("signature-count", "exactly one signature is accepted")
    label, listed = next(iter(members.items()))
    if not isinstance(listed, InnerList):
        raise malformed("signature-form", "Signature-Input is malformed")
    return label, listed


def _signature(message: Message, label: str) -> bytes:
    members = _dictionary(message, "signature")
    found = members.get(label)
    if len(members) != 1 or not isinstance(found, Item) or not isinstance(found.value, bytes):
        raise unproven("signature-count", "Signature does not fit Signature-Input")
    if not found.value or found.parameters:
        raise malformed("signature-form", "Signature is malformed")
    return found.value


def _component(item: Item) -> str:
    name = item.value
    if not isinstance(name, str) or not name or name != name.lower():
        raise malformed("signature-components", "a component is malformed")
    if item.parameters or (name.startswith("@") and name not in _DERIVED):
        raise unproven("signature-components", "a component that is not accepted")
    return name


def check(parsed: ParsedSignature, *, netloc: str, body: bytes) -> None:
    """Everything that needs no key: coverage, host, digest. Raises SignatureError."""
    if parsed.algorithm not in (None, ALGORITHM, "ed25519"):
        raise unproven("algorithm", "an algorithm that is not accepted")
    check_covered(parsed, "@method")
    if "@target-uri" not in parsed.components:
        check_covered(parsed, "@authority", "@path")
        if "?" in parsed.message.target:
            check_covered(parsed, "@query")
    check_host(parsed, netloc)
    if parsed.message.has_body_rules:
        check_covered(parsed, "content-digest")
    if "content-digest" in parsed.components:
        check_content_digest(parsed.message.fields.get("content-digest", ()), body)


def fits(parsed: ParsedSignature, key: "keys.PublicKey", origin: str) -> bool:
    """True if the key made this signature for `origin`."""
    from . import keys  # see `__getattr__` of the package

    wanted = ALGORITHM if keys.is_rsa(key) else "ed25519"
    if parsed.algorithm not in (None, wanted):
        return False
    return keys.fits(key, parsed.signature, signature_base(parsed, origin))


def signature_base(parsed: ParsedSignature, origin: str) -> bytes:
    """What the signature is over. Raises SignatureError if a covered header is not there."""
    lines = []
    derived = _derived(parsed.message.method, origin, parsed.message.target)
    for name in parsed.components:
        value = derived[name] if name.startswith("@") else parsed.message.field(name)
        if value is None:
            raise unproven("header-missing", "a signed header is missing")
        lines.append(f'"{name}": {value}')
    lines.append(f'"@signature-params": {parsed.parameters}')
    return wire("\n".join(lines))


def _derived(method: str, origin: str, target: str) -> dict[str, str]:
    scheme, _, netloc = origin.partition("://")
    path, _, query = target.partition("?")
    return {
        "@method": method,
        "@target-uri": origin + target,
        "@authority": netloc,
        "@scheme": scheme,
        "@request-target": target,
        "@path": path,
        "@query": "?" + query,
    }


def sign(
    key: "keys.PrivateKey",
    key_id: str,
    method: str,
    url: str,
    body: bytes,
    now: datetime,
    headers_extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All headers of a signed request, as `cavage.sign` makes them, but with Content-Digest and RFC 9421."""
    from . import keys  # see `__getattr__` of the package

    to = urls.parse(url)
    posting = method.upper() not in ("GET", "HEAD")
    made = now - timedelta(seconds=1)
    headers = {
        "Host": to.netloc,
        "Date": format_datetime(made, usegmt=True),
        "Accept": media_types.ACCEPT_ACTIVITY,
    }
    if posting:
        headers["Content-Digest"] = content_digest_header(body)
        headers["Content-Type"] = media_types.ACTIVITY_JSON
    headers.update({name.title(): value for name, value in (headers_extra or {}).items()})
    names = POST_COMPONENTS if posting else GET_COMPONENTS
    parameters: dict[str, BareItem] = {"created": int(made.timestamp()), "keyid": key_id, "alg": ALGORITHM}
    listed = write_inner_list(InnerList(tuple(Item(name) for name in names), parameters))
    values = {**_derived(method.upper(), to.origin, to.target), **{k.lower(): v for k, v in headers.items()}}
    lines = [f'"{name}": {values[name]}' for name in names] + [f'"@signature-params": {listed}']
    headers["Signature-Input"] = f"{LABEL}={listed}"
    headers["Signature"] = f"{LABEL}=:{encode_base64(keys.sign(key, chr(10).join(lines).encode('latin-1')))}:"
    return headers
