"""Shared by the signature tests: one key, one moment, one inbox, and a request that is right until a test bends it."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from federation import signatures

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
ORIGIN = "https://ask.test"
KEY_ID = "https://peer.test/u/jens#main-key"
BODY = b'{"type":"Create","actor":"https://peer.test/u/jens"}'


@cache
def keypair() -> tuple[signatures.PrivateKey, signatures.PublicKey]:
    """The key of Jens; made once, because making one is slow."""
    private, public = signatures.generate()
    return signatures.private_key(private), signatures.public_key(public)


@cache
def other_keypair() -> tuple[signatures.PrivateKey, signatures.PublicKey]:
    """The key of somebody else."""
    private, public = signatures.generate()
    return signatures.private_key(private), signatures.public_key(public)


@dataclass
class Signed:
    """A request as it arrives at `ask.test`."""

    method: str = "POST"
    target: str = "/inbox"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = BODY

    def with_header(self, name: str, value: str | None) -> "Signed":
        """The same with one header replaced, or left out for None."""
        rest = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        return Signed(self.method, self.target, rest + ([] if value is None else [(name, value)]), self.body)

    def plus_header(self, name: str, value: str) -> "Signed":
        """The same with one header more."""
        return Signed(self.method, self.target, [*self.headers, (name, value)], self.body)

    def header(self, name: str) -> str:
        """The value of a header."""
        return next(value for key, value in self.headers if key.lower() == name.lower())

    def verify(
        self, key: signatures.PublicKey | None = None, *, origin: str = ORIGIN, now: datetime = NOW
    ) -> signatures.ParsedSignature:
        """Read and verify, as the inbox does."""
        parsed = signatures.parse_request_signature(signatures.Message.of(self.method, self.target, self.headers))
        signatures.verify(parsed, key or keypair()[1], origin=origin, now=now, body=self.body)
        return parsed


def ours(scheme: str = "cavage", method: str = "POST", target: str = "/inbox", body: bytes = BODY) -> Signed:
    """A request signed by our own code."""
    sign = signatures.sign_cavage if scheme == "cavage" else signatures.sign_rfc9421
    content = body if method == "POST" else b""
    headers = sign(keypair()[0], KEY_ID, method, ORIGIN + target, content, NOW)
    return Signed(method, target, list(headers.items()), content)


def by_hand(
    components: str,
    *,
    method: str = "POST",
    target: str = "/inbox",
    body: bytes = BODY,
    headers: dict[str, str] | None = None,
    parameters: str = ',algorithm="rsa-sha256"',
    special: dict[str, str] | None = None,
    key: signatures.PrivateKey | None = None,
) -> Signed:
    """A draft-cavage request that covers exactly `components`, right in every way but the one that is asked for."""
    values = {
        "Host": "ask.test",
        "Date": http_date(NOW),
        "Digest": signatures.digest_header(body),
        "Content-Type": "application/activity+json",
        **(headers or {}),
    }
    lower = {name.lower(): value for name, value in values.items()}
    lower |= {"(request-target)": f"{method.lower()} {target}", **(special or {})}
    text = "\n".join(f"{name}: {lower.get(name, '')}" for name in components.split())
    signature = raw_signature(text.encode(), key)
    values["Signature"] = f'keyId="{KEY_ID}"{parameters},headers="{components}",signature="{signature}"'
    return Signed(method, target, list(values.items()), body)


def by_hand_rfc9421(
    components: tuple[str, ...] = ("@method", "@target-uri", "content-digest"),
    *,
    method: str = "POST",
    target: str = "/inbox",
    body: bytes = BODY,
    parameters: str | None = None,
    headers: dict[str, str] | None = None,
    label: str = "sig1",
) -> Signed:
    """An RFC 9421 request with these components and parameters, signed rightly."""
    values = {
        "Host": "ask.test",
        "Date": http_date(NOW),
        "Content-Digest": signatures.content_digest_header(body),
        **(headers or {}),
    }
    path, _, query = target.partition("?")
    known = {name.lower(): value for name, value in values.items()} | {
        "@method": method,
        "@target-uri": ORIGIN + target,
        "@authority": "ask.test",
        "@path": path,
        "@query": "?" + query,
        "@scheme": "https",
        "@request-target": target,
    }
    if parameters is None:
        parameters = f';created={int(NOW.timestamp())};keyid="{KEY_ID}"'
    listed = f"({' '.join(chr(34) + name + chr(34) for name in components)}){parameters}"
    lines = [f'"{name}": {known.get(name, "")}' for name in components] + [f'"@signature-params": {listed}']
    values["Signature-Input"] = f"{label}={listed}"
    values["Signature"] = f"{label}=:{raw_signature(chr(10).join(lines).encode())}:"
    return Signed(method, target, list(values.items()), body)


def raw_signature(text: bytes, key: signatures.PrivateKey | None = None) -> str:
    """RSA over the text, in base64."""
    return base64.b64encode((key or keypair()[0]).sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def http_date(moment: datetime) -> str:
    """The Date header of a moment."""
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def hours(count: float) -> timedelta:
    """Short for the many times that are off by hours."""
    return timedelta(hours=count)
