"""Sending notices to devices (Web Push): encrypted so that only the device reads them, signed so that the push service
knows us, and through the same guarded client as everything that leaves the node.
"""

import base64
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import http_ece  # type: ignore[import-untyped]
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy.orm import Session

from federation.client import Refused, Unreachable
from federation.context import Federation
from federation.crossing import reading, writing
from federation.working import Later
from models import accounts, actors, notices, push, text
from models.base import now
from models.database import Node
from models.notices import Notice
from server import i18n
from server.api import show_accounts
from server.web.notices import SENTENCES

WORTH_SENDING = 6 * 3600
"""Seconds after which a notice that could not be sent is let go: the list shows it anyhow."""

TTL = 48 * 3600
"""Seconds for which the push service keeps it for a device that is off."""

SIGNED_FOR = 12 * 3600
DEADLINE = 10.0
"""Seconds a push service has to answer."""

MAX_BODY = 140
MAX_TITLE = 200
RECORD = 4096
"""Bytes of the one record of a message; push services take no more."""


class PushPayload(msgspec.Struct, kw_only=True):
    """What the device gets. `access_token` is empty: we keep only hashes of tokens, and know none to send."""

    access_token: str
    preferred_locale: str
    notification_id: int
    notification_type: str
    icon: str
    title: str
    body: str


@dataclass(frozen=True)
class Letter:
    """One message to one device."""

    subscription: push.Subscription
    payload: PushPayload
    age: float
    key: ec.EllipticCurvePrivateKey
    public_key: str


async def send(fed: Federation, job: dict[str, Any]) -> None:
    """Send one notice to one device. What cannot arrive any more is let go in silence; the rest is tried again."""
    subscription_id = int(job["subscription"])
    letter = await reading(fed.database, lambda db: _write(db, subscription_id, int(job["notification"])))
    if letter is None or letter.age > WORTH_SENDING:
        return
    body, headers = seal(letter, fed.node)
    try:
        answer = await fed.client.post(letter.subscription.endpoint, body, headers=headers, deadline=DEADLINE)
    except Refused:
        # An address within our own network, or on a server that is blocked: nothing will ever go there.
        await writing(fed.database, lambda db: push.drop(db, subscription_id))
        return
    if answer.status == 429:
        raise Later(min(max(answer.retry_after or 60.0, 10.0), 3600.0))
    if answer.status == 408 or answer.status >= 500:
        raise Unreachable("status", f"the push service answered {answer.status}")
    if 400 <= answer.status < 500:
        await writing(fed.database, lambda db: push.drop(db, subscription_id))


def _write(db: Session, subscription_id: int, notice_id: int) -> Letter | None:
    """The message; None if its device, its token or its cause is gone by now."""
    row = db.get(push.Subscription, subscription_id)
    if row is None or not push.holds(db, row):
        return None
    reader = actors.get(db, row.account_id)
    notice = notices.find(db, reader, notice_id)
    account = db.get(accounts.Account, row.account_id)
    if notice is None or account is None:
        return None
    age = (now() - notice.row.created_at).total_seconds()
    icon = show_accounts.account(db, notice.who).avatar
    payload = _payload(notice, account.language, icon)
    return Letter(row, payload, age, push.vapid_key(db), push.vapid_public_key(db))


def _payload(notice: Notice, language: str, icon: str) -> PushPayload:
    translate = i18n.translator(language)
    sentence = translate(SENTENCES[notice.row.kind])  # type: ignore[index]
    words = ""
    if notice.post is not None:
        # What stands behind a warning is not shown on a locked screen.
        shown = notice.post.summary if notice.post.sensitive and notice.post.summary else notice.post.content
        words = notice.post.title or text.plain(shown)
    return PushPayload(
        access_token="",
        preferred_locale=language,
        notification_id=notice.row.id,
        notification_type=notice.type,
        icon=icon,
        title=text.one_line(f"{notice.who.display_name} {sentence}", MAX_TITLE),
        body=text.one_line(words, MAX_BODY),
    )


def seal(letter: Letter, node: Node) -> tuple[bytes, dict[str, str]]:
    """The encrypted body and the headers: RFC 8291, or the draft before it for subscriptions of that age."""
    content = msgspec.json.encode(letter.payload)
    device, secret = push.decoded(letter.subscription.p256dh), push.decoded(letter.subscription.auth)
    once, salt = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    version = "aes128gcm" if letter.subscription.standard else "aesgcm"
    body = http_ece.encrypt(
        content, salt=salt, private_key=once, dh=device, auth_secret=secret, rs=RECORD, version=version
    )
    claim = _claim(letter.subscription.endpoint, node)
    token = _signed(claim, letter.key)
    headers = {"TTL": str(TTL), "Urgency": "normal", "Content-Type": "application/octet-stream"}
    headers["Content-Encoding"] = version
    if letter.subscription.standard:
        headers["Authorization"] = f"vapid t={token}, k={letter.public_key}"
    else:
        point = once.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )  # fmt: skip
        headers["Authorization"] = f"WebPush {token}"
        headers["Encryption"] = f"salt={_base64(salt)}"
        headers["Crypto-Key"] = f"dh={_base64(point)};p256ecdsa={letter.public_key}"
    return body, headers


def _claim(endpoint: str, node: Node) -> dict[str, Any]:
    parts = urlsplit(endpoint)
    expires = int(now().timestamp()) + SIGNED_FOR
    return {"aud": f"{parts.scheme}://{parts.netloc}", "exp": expires, "sub": node.origin}


def _signed(claim: dict[str, Any], key: ec.EllipticCurvePrivateKey) -> str:
    """A JSON Web Token with ES256 (RFC 8292, RFC 7518)."""
    head = _base64(msgspec.json.encode({"typ": "JWT", "alg": "ES256"})) + "." + _base64(msgspec.json.encode(claim))
    r, s = decode_dss_signature(key.sign(head.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{head}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
